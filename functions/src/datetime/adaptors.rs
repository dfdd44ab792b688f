//! Small adaptors between one row's dates and times and kernels on arrays.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, AsArray, Date32Array, Time64NanosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use rsql_common::{Error, Result};
use rsql_expr::datetime::{MICROS_PER_DAY, Zone};
use rsql_expr::function::{EvalArgs, ResolveCx};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use crate::collection::bind::unexpected;
use crate::kernel::{Col, cast, check_count, prim_rows};

/// DATE argument.
pub(crate) type DateCol = Col<Date32Array>;
/// TIMESTAMP or TIMESTAMP_NTZ argument.
pub(crate) type MicrosCol = Col<TimestampMicrosecondArray>;
/// TIME argument.
pub(crate) type TimeCol = Col<Time64NanosecondArray>;

/// Applies `f` to every value of the first argument.
pub(crate) fn unary<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    args: &EvalArgs<'_>,
    f: impl Fn(I::Native) -> O::Native,
) -> Result<ArrayRef> {
    let input = args.array(0)?;
    let output = input.as_primitive::<I>().unary::<_, O>(f);
    Ok(Arc::new(output.with_data_type(args.call.ty.arrow())))
}

/// Rows of the call's type.
pub(crate) fn rows<P: ArrowPrimitiveType>(
    args: &EvalArgs<'_>,
    f: impl FnMut(usize) -> Result<Option<P::Native>>,
) -> Result<ArrayRef> {
    prim_rows::<P>(args.rows, &args.call.ty.arrow(), f)
}

/// The session's time zone.
pub(crate) fn session_zone(args: &EvalArgs<'_>) -> Result<Zone> {
    Zone::parse(&args.options().time_zone)
}

/// The zone whose clock values of argument `i` are read on: the session's for TIMESTAMP, none for others.
pub(crate) fn zone_of(args: &EvalArgs<'_>, i: usize) -> Result<Option<Zone>> {
    match args.ty(i) {
        SqlType::Timestamp => session_zone(args).map(Some),
        _ => Ok(None),
    }
}

/// Wall-clock microseconds of the first argument: a date or a timestamp of either kind.
pub(crate) fn local_micros(args: &EvalArgs<'_>, i: usize) -> Result<Vec<i64>> {
    let array = args.array(i)?;
    let zone = zone_of(args, i)?.filter(|z| *z != Zone::UTC);
    Ok(match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().values();
            days.iter().map(|d| i64::from(*d) * MICROS_PER_DAY).collect()
        }
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().values();
            match zone {
                Some(zone) => micros.iter().map(|m| zone.to_local(*m)).collect(),
                None => micros.to_vec(),
            }
        }
        other => return Err(Error::internal(format!("{} of {other}", args.call.func))),
    })
}

/// The function of the registry with this name.
pub(crate) fn sibling(name: &str, cx: &ResolveCx<'_>) -> Result<&'static ScalarFn> {
    cx.registry
        .scalar(name)
        .ok_or_else(|| Error::internal(format!("there is no function {name}")))
}

/// A constant text.
pub(crate) fn text(value: &str) -> Expr {
    Expr::lit(Literal::string(value))
}

/// Binds arguments that are taken only if `accepts` them (or bare NULLs, which become `ty`); nothing is cast.
pub(crate) fn strictly(
    args: Vec<Expr>,
    most: usize,
    ty: &SqlType,
    accepts: fn(&SqlType) -> bool,
    required: &str,
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(most), cx)?;
    args.into_iter()
        .enumerate()
        .map(|(i, a)| match a.ty() {
            SqlType::Void => Ok(cast(a, ty, cx)),
            t if accepts(&t) => Ok(a),
            _ => Err(unexpected(&a, i, required, cx)),
        })
        .collect()
}
