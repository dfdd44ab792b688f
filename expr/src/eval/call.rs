//! Calls of registered functions: NULL rules, lambdas, places of errors.

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::buffer::NullBuffer;
use rsql_common::{Error, Result};

use super::frame::Frame;
use super::lambda::BoundLambda;
use super::node::{Arg, CallOp};
use super::run::mask;
use super::scatter::{Piece, scatter};
use crate::function::{EvalArgs, LambdaRef};
use crate::tree::NullRule;
use crate::{EvalMode, SqlType, Vector};

pub(super) fn call(c: &CallOp, ty: &SqlType, f: &Frame<'_>) -> Result<Vector> {
    let rows = f.rows();
    let args = c
        .args
        .iter()
        .map(|a| match a {
            Arg::Value(n) => n.eval(f),
            Arg::Lambda(_) => Ok(Vector::constant(
                new_null_array(&arrow::datatypes::DataType::Null, 1),
                rows,
            )),
        })
        .collect::<Result<Vec<_>>>()?;
    if !matches!(c.call.nulls, NullRule::Propagate | NullRule::PropagateOrNull) {
        return Ok(Vector::Flat(invoke(c, ty, &args, f)?));
    }
    let values = || {
        args.iter()
            .zip(&c.args)
            .filter(|(_, a)| matches!(a, Arg::Value(_)))
            .map(|(v, _)| v)
    };
    if values().any(|v| matches!(v, Vector::Constant { value, .. } if value.logical_null_count() > 0)) {
        return Ok(Vector::constant(new_null_array(&ty.arrow(), 1), rows));
    }
    let nulls = values()
        .filter_map(Vector::nulls)
        .reduce(|a, b| NullBuffer::new(a.inner() & b.inner()))
        .filter(|n| n.null_count() > 0);
    let Some(nulls) = nulls else {
        return Ok(Vector::Flat(invoke(c, ty, &args, f)?));
    };
    if nulls.null_count() == rows {
        return Ok(Vector::constant(new_null_array(&ty.arrow(), 1), rows));
    }
    let has_lambda = args.len() > values().count();
    if !c.call.effects.fallible && !has_lambda {
        return Ok(Vector::Flat(mask(&invoke(c, ty, &args, f)?, &nulls)?));
    }
    // The kernel may raise errors: it sees only rows without NULL.
    let kept: Vec<u32> = nulls.inner().set_indices_u32().collect();
    let args = args.iter().map(|a| a.take(&kept)).collect::<Result<Vec<_>>>()?;
    let values = Vector::Flat(invoke(c, ty, &args, &f.narrow(kept.clone()))?);
    Ok(Vector::Flat(scatter(&[Piece { rows: kept, values }], rows, ty)?))
}

fn invoke(c: &CallOp, ty: &SqlType, vectors: &[Vector], f: &Frame<'_>) -> Result<ArrayRef> {
    match run(c, ty, vectors, f) {
        Err(e) if c.call.mode == EvalMode::Try && e.kind() == rsql_common::ErrorKind::User => {
            by_row(c, ty, vectors, f, e)
        }
        other => other,
    }
}

/// After an error in try mode: one row after the other, NULL where it fails.
fn by_row(c: &CallOp, ty: &SqlType, vectors: &[Vector], f: &Frame<'_>, error: Error) -> Result<ArrayRef> {
    if f.rows() == 1 {
        return if c.call.effects.fallible {
            Ok(new_null_array(&ty.arrow(), 1))
        } else {
            Err(error)
        };
    }
    let mut pieces = Vec::new();
    for row in 0..f.rows() as u32 {
        let args = vectors.iter().map(|v| v.take(&[row])).collect::<Result<Vec<_>>>()?;
        match run(c, ty, &args, &f.narrow(vec![row])) {
            Ok(values) => pieces.push(Piece {
                rows: vec![row],
                values: Vector::Flat(values),
            }),
            Err(e) if e.kind() == rsql_common::ErrorKind::User => {}
            Err(e) => return Err(e),
        }
    }
    scatter(&pieces, f.rows(), ty)
}

fn run(c: &CallOp, ty: &SqlType, vectors: &[Vector], f: &Frame<'_>) -> Result<ArrayRef> {
    let bound: Vec<Option<BoundLambda<'_>>> = c
        .args
        .iter()
        .map(|a| match a {
            Arg::Lambda(program) => Some(BoundLambda { program, frame: f }),
            Arg::Value(_) => None,
        })
        .collect();
    let lambdas: Vec<Option<&dyn LambdaRef>> = bound.iter().map(|b| b.as_ref().map(|b| b as &dyn LambdaRef)).collect();
    let args = EvalArgs {
        vectors,
        rows: f.rows(),
        call: &c.call,
        lambdas: &lambdas,
    };
    let out = (c.function.eval)(&args).map_err(|e| e.at(c.call.origin.0))?;
    if out.len() != f.rows() {
        return Err(Error::internal(format!(
            "{} gave {} values for {} rows",
            c.call.func,
            out.len(),
            f.rows()
        )));
    }
    let want = ty.arrow();
    if *out.data_type() == want {
        return Ok(out);
    }
    if out.logical_null_count() == out.len() {
        return Ok(new_null_array(&want, out.len()));
    }
    // Kernels that build timestamps or decimals under the plain integer type of the same width.
    super::literal::retype(out, ty).map_err(|_| Error::internal(format!("{} does not give {ty}", c.call.func)))
}
