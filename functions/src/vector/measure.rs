//! Distances and norms: `vector_cosine_similarity`, `vector_inner_product`, `vector_l2_distance`, `vector_norm`,
//! `vector_normalize`. A vector with a NULL gives NULL.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Float32Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType};

use super::vector;
use crate::collection::Lists;
use crate::datetime::adaptors::rows;
use crate::definition::doc;
use crate::kernel::{Col, check_count, fallible, some, unexpected_input};

macro_rules! two_vectors {
    ($($item:ident, $name:literal, $text:literal, $f:expr;)*) => { $(
        pub(super) static $item: ScalarFn = fallible(
            $name,
            &[],
            doc(
                Family::Vector,
                concat!($name, "(vector1, vector2)"),
                $text,
                concat!("SELECT ", $name, "(array(1.0F, 2.0F, 3.0F), array(4.0F, 5.0F, 6.0F))"),
            ),
            Signature::bind_with(bind_two, ret::FLOAT),
            |args| pairs(args, $f),
        );
    )* };
}

two_vectors! {
    VECTOR_COSINE_SIMILARITY, "vector_cosine_similarity", "The cosine of the angle; NULL if a vector is zero.",
        |a, b| {
            let norms = dot(a, a).sqrt() * dot(b, b).sqrt();
            (norms != 0.0).then(|| (dot(a, b) / norms) as f32)
        };
    VECTOR_INNER_PRODUCT, "vector_inner_product", "The inner product.", |a, b| Some(dot(a, b) as f32);
    VECTOR_L2_DISTANCE, "vector_l2_distance", "The Euclidean distance.",
        |a, b| {
            let sum = a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + f64::from(x - y).powi(2));
            Some(sum.sqrt() as f32)
        };
}

pub(super) static VECTOR_NORM: ScalarFn = fallible(
    "vector_norm",
    &[],
    doc(
        Family::Vector,
        "vector_norm(vector[, degree])",
        "The norm of degree 1, 2 (the default) or infinity.",
        "SELECT vector_norm(array(3.0F, 4.0F), 2.0F)",
    ),
    Signature::bind_with(bind_norm, ret::FLOAT),
    |args| {
        let (lists, degrees) = (Lists::arg(args, 0)?, Col::<Float32Array>::of(args, 1)?);
        rows::<Float32Type>(args, |row| {
            let degree = some!(degrees.get(row));
            Ok(Some(norm(some!(values(&lists, row)), degree, args)? as f32))
        })
    },
);

pub(super) static VECTOR_NORMALIZE: ScalarFn = fallible(
    "vector_normalize",
    &[],
    doc(
        Family::Vector,
        "vector_normalize(vector[, degree])",
        "The vector divided by its norm; NULL if that is zero.",
        "SELECT vector_normalize(array(3.0F, 4.0F), 2.0F)",
    ),
    Signature::bind_with(bind_norm, ReturnType::SameAs(0)),
    vector_normalize,
);

fn bind_two(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    vector(&args, 0, cx)?;
    vector(&args, 1, cx)?;
    Ok(args)
}

fn bind_norm(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(2), cx)?;
    vector(&args, 0, cx)?;
    let mut args = args;
    if args.len() == 1 {
        args.push(Expr::lit(Literal::new(Scalar::F32(2.0), SqlType::Float)));
    }
    match args[1].ty() {
        SqlType::Float => Ok(args),
        _ => Err(unexpected_input(&args, 1, "\"FLOAT\"", cx)),
    }
}

/// The vector of a row, `None` if it holds a NULL.
fn values(lists: &Lists, row: usize) -> Option<&[f32]> {
    let range = lists.range(row);
    let no_nulls = range.clone().all(|i| !lists.element_is_null(i));
    (!lists.is_null(row) && no_nulls).then(|| &lists.values.as_primitive::<Float32Type>().values()[range])
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .fold(0.0, |sum, (x, y)| sum + f64::from(*x) * f64::from(*y))
}

fn pairs(args: &EvalArgs<'_>, f: impl Fn(&[f32], &[f32]) -> Option<f32>) -> Result<ArrayRef> {
    let (left, right) = (Lists::arg(args, 0)?, Lists::arg(args, 1)?);
    rows::<Float32Type>(args, |row| {
        let (l, r) = (left.range(row).len(), right.range(row).len());
        if left.is_null(row) || right.is_null(row) {
            return Ok(None);
        }
        if l != r {
            return Err(args.error(dimension_mismatch(&args.call.func, l, r)));
        }
        let (a, b) = some!(values(&left, row).zip(values(&right, row)));
        Ok(f(a, b))
    })
}

/// `VECTOR_DIMENSION_MISMATCH`
pub(super) fn dimension_mismatch(function: &str, left: usize, right: usize) -> Error {
    Error::user("VECTOR_DIMENSION_MISMATCH")
        .param("functionName", quoted_name([function]))
        .param("leftDim", left.to_string())
        .param("rightDim", right.to_string())
}

fn norm(vector: &[f32], degree: f32, args: &EvalArgs<'_>) -> Result<f64> {
    if degree == 2.0 {
        Ok(dot(vector, vector).sqrt())
    } else if degree == 1.0 {
        Ok(vector.iter().fold(0.0, |sum, v| sum + f64::from(v.abs())))
    } else if degree == f32::INFINITY {
        Ok(vector.iter().map(|v| f64::from(v.abs())).fold(0.0, f64::max))
    } else {
        Err(args.error(
            Error::user("INVALID_VECTOR_NORM_DEGREE")
                .param("functionName", quoted_name([&args.call.func]))
                .param("degree", format!("{degree:?}")),
        ))
    }
}

fn vector_normalize(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (lists, degrees) = (Lists::arg(args, 0)?, Col::<Float32Array>::of(args, 1)?);
    let (mut out, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..args.rows {
        let before = out.len();
        let scaled = match (values(&lists, row), degrees.get(row)) {
            (Some(vector), Some(degree)) => {
                let norm = norm(vector, degree, args)? as f32;
                let usable = norm != 0.0 || vector.is_empty();
                out.extend(vector.iter().filter(|_| usable).map(|v| v / norm));
                usable
            }
            _ => false,
        };
        lengths.push(out.len() - before);
        valid.push(scaled);
    }
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal("vector_normalize must give an array"));
    };
    let values = Arc::new(Float32Array::from(out));
    let nulls = Some(NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        values,
        nulls,
    )?))
}
