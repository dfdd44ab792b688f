//! `abs` and `sign`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, cast::AsArray};
use arrow::datatypes::{ArrowNativeType, Float64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ReturnType, Signature, TypeSpec};
use rsql_expr::types::Repr;
use rsql_expr::{EvalMode, ScalarFn};

use super::doc;
use crate::kernel::{fallible, native_array, native_values, pure};

/// `abs(expr)`
pub(super) static ABS: ScalarFn = fallible(
    "abs",
    &[],
    doc("abs(expr)", "Absolute value of a number or interval.", "SELECT abs(-1)"),
    Signature::exact(&[TypeSpec::NumericOrInterval], ReturnType::SameAs(0)),
    |args| match args.ty(0).repr() {
        Repr::I8 => integers::<i8>(args, i8::checked_abs),
        Repr::I16 => integers::<i16>(args, i16::checked_abs),
        Repr::I32 => integers::<i32>(args, i32::checked_abs),
        Repr::I64 => integers::<i64>(args, i64::checked_abs),
        Repr::I128 => integers::<i128>(args, i128::checked_abs),
        Repr::F32 => floats::<f32>(args, f32::abs),
        _ => floats::<f64>(args, f64::abs),
    },
);

fn integers<T: ArrowNativeType>(args: &EvalArgs<'_>, f: fn(T) -> Option<T>) -> Result<ArrayRef> {
    let array = args.array(0)?;
    let values = native_values::<T>(array.as_ref())?;
    let mut out = Vec::with_capacity(values.len());
    for (i, v) in values.iter().enumerate() {
        match f(*v) {
            Some(a) => out.push(a),
            // The smallest value has no counterpart.
            None if args.mode() == EvalMode::Legacy || array.is_null(i) => out.push(*v),
            None => {
                let name = args.ty(0).to_string();
                let name = if name == "int" {
                    "integer"
                } else if name == "bigint" {
                    "long"
                } else {
                    &name
                };
                return Err(args.error(
                    Error::user("ARITHMETIC_OVERFLOW")
                        .param("message", format!("{name} overflow"))
                        .param("alternative", "")
                        .param("config", "\"spark.sql.ansi.enabled\""),
                ));
            }
        }
    }
    native_array(out, array.nulls().cloned(), array.data_type())
}

fn floats<T: ArrowNativeType>(args: &EvalArgs<'_>, f: fn(T) -> T) -> Result<ArrayRef> {
    let array = args.array(0)?;
    let values = native_values::<T>(array.as_ref())?;
    native_array(
        values.iter().map(|v| f(*v)).collect(),
        array.nulls().cloned(),
        array.data_type(),
    )
}

/// `sign(expr)`
pub(super) static SIGN: ScalarFn = pure(
    "sign",
    &["signum"],
    doc(
        "sign(expr)",
        "-1.0, 0.0 or 1.0 by the sign of a number or interval.",
        "SELECT sign(40)",
    ),
    Signature::bind_with(
        |args, cx| {
            crate::kernel::check_count(&args, 1, Some(1), cx)?;
            let bound = args.into_iter().map(|a| match a.ty() {
                t if t.is_ansi_interval() => Ok(a),
                _ => rsql_expr::coerce::implicit_cast(a, TypeSpec::Double, 0, cx),
            });
            bound.collect()
        },
        ret::DOUBLE,
    ),
    |args| {
        let array = args.array(0)?;
        match args.ty(0).repr() {
            Repr::I32 => signs(&array, |v: i32| f64::from(v.signum())),
            Repr::I64 => signs(&array, |v: i64| v.signum() as f64),
            _ => {
                let doubles = array.as_primitive::<Float64Type>();
                Ok(Arc::new(doubles.unary::<_, Float64Type>(|v| {
                    if v == 0.0 || v.is_nan() { v } else { v.signum() }
                })))
            }
        }
    },
);

fn signs<T: ArrowNativeType>(array: &ArrayRef, f: fn(T) -> f64) -> Result<ArrayRef> {
    let values = native_values::<T>(array.as_ref())?;
    Ok(Arc::new(Float64Array::new(
        values.iter().map(|v| f(*v)).collect(),
        array.nulls().cloned(),
    )))
}
