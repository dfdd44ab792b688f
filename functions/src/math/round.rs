//! `round`, `bround`, `ceil`, `floor`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Array, Float64Array, Int64Array, cast::AsArray};
use arrow::datatypes::{ArrowNativeType, Float32Type, Float64Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::types::Repr;
use rsql_expr::{EvalMode, Expr, Literal, Scalar, ScalarFn, SqlType};

use super::doc;
use super::rounding::{Rounding, rescale, round_text};
use crate::aggregate::decimal_array;
use crate::kernel::{
    cast, check_count, constant, fallible, native_array, native_values, non_foldable, unexpected_input,
};

/// `round(expr[, places])`
pub(super) static ROUND: ScalarFn = fallible(
    "round",
    &[],
    doc(
        "round(expr[, places])",
        "Rounds half away from zero.",
        "SELECT round(2.5, 0)",
    ),
    Signature::bind_with(bind_round, ReturnType::Of(round_type)),
    |args| rounded(args, Rounding::HalfUp),
);

/// `bround(expr[, places])`
pub(super) static BROUND: ScalarFn = fallible(
    "bround",
    &[],
    doc(
        "bround(expr[, places])",
        "Rounds half to the even digit.",
        "SELECT bround(2.5, 0)",
    ),
    Signature::bind_with(bind_round, ReturnType::Of(round_type)),
    |args| rounded(args, Rounding::HalfEven),
);

/// `ceil(expr[, places])`
pub(super) static CEIL: ScalarFn = fallible(
    "ceil",
    &["ceiling"],
    doc(
        "ceil(expr[, places])",
        "Smallest number at the place that is not below the argument.",
        "SELECT ceil(-0.1)",
    ),
    Signature::bind_with(bind_toward, ReturnType::Of(toward_type)),
    |args| rounded(args, Rounding::Ceiling),
);

/// `floor(expr[, places])`
pub(super) static FLOOR: ScalarFn = fallible(
    "floor",
    &[],
    doc(
        "floor(expr[, places])",
        "Largest number at the place that is not above the argument.",
        "SELECT floor(-0.1)",
    ),
    Signature::bind_with(bind_toward, ReturnType::Of(toward_type)),
    |args| rounded(args, Rounding::Floor),
);

/// The constant number of places at argument 1.
fn places(args: &[Expr], cx: &ResolveCx<'_>) -> Result<Option<Expr>> {
    let Some(e) = args.get(1) else { return Ok(None) };
    let bound = rsql_expr::coerce::implicit_cast(e.clone(), TypeSpec::Int, 1, cx)?;
    match constant(&bound, cx) {
        Some(l) => Ok(Some(Expr::lit(l))),
        None => Err(non_foldable(args, 1, "scale", cx)),
    }
}

fn bind_round(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(2), cx)?;
    let places = places(&args, cx)?.unwrap_or_else(|| Expr::lit(Literal::int(0)));
    let value = args.into_iter().next().unwrap_or_default();
    Ok(vec![
        rsql_expr::coerce::implicit_cast(value, TypeSpec::Numeric, 0, cx)?,
        places,
    ])
}

fn bind_toward(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(2), cx)?;
    let scale = args.get(1);
    let refused = |e: &Expr| {
        !(e.ty().is_integral() || e.ty() == SqlType::Void) || constant(e, cx).is_none_or(|scale| scale.value.is_null())
    };
    if scale.is_some_and(refused) {
        return Err(Error::user("NON_FOLDABLE_ARGUMENT")
            .param("funcName", quoted_name([&cx.called_as]))
            .param("paramName", "`scale`")
            .param("paramType", "\"INT\"")
            .at(cx.origin.0));
    }
    let places = places(&args, cx)?;
    let value = args.first().cloned().unwrap_or_default();
    let bound = match (&places, value.ty()) {
        (_, SqlType::Decimal(..)) => value,
        (None, t) if t.is_integral() => cast(value, &SqlType::Long, cx),
        (None, t) if t.is_floating() || t.is_string() || t == SqlType::Void => cast(value, &SqlType::Double, cx),
        (Some(_), t) if t.is_integral() => {
            let (p, s) = t.integral_as_decimal().unwrap_or((20, 0));
            cast(value, &SqlType::Decimal(p, s), cx)
        }
        (Some(_), SqlType::Float) => cast(value, &SqlType::Decimal(14, 7), cx),
        (Some(_), SqlType::Double) => cast(value, &SqlType::Decimal(30, 15), cx),
        (Some(_), t) if t.is_string() || t == SqlType::Void => cast(value, &SqlType::Decimal(38, 18), cx),
        (None, _) => {
            return Err(unexpected_input(
                &args,
                0,
                "(\"DOUBLE\" or \"DECIMAL\" or \"BIGINT\")",
                cx,
            ));
        }
        (Some(_), _) => return Err(unexpected_input(&args, 0, "\"DECIMAL\"", cx)),
    };
    Ok(std::iter::once(bound).chain(places).collect())
}

fn places_of(args: &[Expr]) -> Option<i32> {
    match args.get(1)?.as_literal()?.value {
        Scalar::I32(n) => Some(n),
        _ => None,
    }
}

fn round_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let ty = args.first().map_or(SqlType::Void, Expr::ty);
    Ok(match (ty, places_of(args)) {
        (SqlType::Decimal(p, s), Some(n)) => rounded_decimal(p, s, n),
        (ty, _) => ty,
    })
}

fn toward_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(match (args.first().map_or(SqlType::Void, Expr::ty), args.len()) {
        (SqlType::Decimal(p, s), 1) => SqlType::Decimal((i32::from(p) - i32::from(s) + 1).clamp(1, 38) as u8, 0),
        (SqlType::Decimal(p, s), _) => rounded_decimal(p, s, places_of(args).unwrap_or(0)),
        _ => SqlType::Long,
    })
}

/// Type of a decimal rounded at `place`: a carry may add a digit.
fn rounded_decimal(p: u8, s: i8, place: i32) -> SqlType {
    let whole = i32::from(p) - i32::from(s) + 1;
    if place < 0 {
        let digits = whole.max(place.checked_neg().map_or(38, |n| n.saturating_add(1)));
        SqlType::Decimal(digits.clamp(1, 38) as u8, 0)
    } else {
        let scale = place.min(i32::from(s));
        SqlType::Decimal((whole + scale).clamp(1, 38) as u8, scale as i8)
    }
}

fn rounded(args: &EvalArgs<'_>, rounding: Rounding) -> Result<ArrayRef> {
    let array = args.array(0)?;
    let toward = matches!(rounding, Rounding::Ceiling | Rounding::Floor);
    // NULL places give NULL.
    let place = match (args.len(), args.call.args.get(1).and_then(Expr::as_literal)) {
        (1, _) => 0,
        (
            _,
            Some(Literal {
                value: Scalar::I32(n), ..
            }),
        ) => *n,
        _ => return Ok(arrow::array::new_null_array(&args.call.ty.arrow(), args.rows)),
    };
    match (args.ty(0), &args.call.ty) {
        (SqlType::Decimal(_, s), SqlType::Decimal(_, to)) => decimals(
            args,
            &array,
            i32::from(s),
            place.clamp(-60, 60),
            i32::from(*to),
            rounding,
        ),
        (SqlType::Double, _) if toward => {
            let values = array.as_primitive::<Float64Type>();
            let f = if rounding == Rounding::Ceiling {
                f64::ceil
            } else {
                f64::floor
            };
            Ok(Arc::new(Int64Array::new(
                values.values().iter().map(|v| f(*v) as i64).collect(),
                values.nulls().cloned(),
            )))
        }
        (SqlType::Double, _) => {
            let round = |v: f64| {
                let text = if v.is_finite() {
                    round_text(&format!("{v:e}"), place, rounding)
                } else {
                    None
                };
                text.and_then(|t| t.parse().ok()).unwrap_or(v)
            };
            let out: Float64Array = array.as_primitive::<Float64Type>().unary(round);
            Ok(Arc::new(out))
        }
        (SqlType::Float, _) => {
            let round = |v: f32| {
                let text = if v.is_finite() {
                    round_text(&format!("{v:e}"), place, rounding)
                } else {
                    None
                };
                text.and_then(|t| t.parse().ok()).unwrap_or(v)
            };
            let out: Float32Array = array.as_primitive::<Float32Type>().unary(round);
            Ok(Arc::new(out))
        }
        // Whole numbers change only left of the point.
        _ if place >= 0 => Ok(array),
        (ty, _) => match ty.repr() {
            Repr::I8 => integers::<i8>(args, &array, place, rounding, |v| v as i8),
            Repr::I16 => integers::<i16>(args, &array, place, rounding, |v| v as i16),
            Repr::I32 => integers::<i32>(args, &array, place, rounding, |v| v as i32),
            _ => integers::<i64>(args, &array, place, rounding, |v| v as i64),
        },
    }
}

fn decimals(
    args: &EvalArgs<'_>,
    array: &ArrayRef,
    from: i32,
    place: i32,
    to: i32,
    rounding: Rounding,
) -> Result<ArrayRef> {
    let SqlType::Decimal(precision, _) = args.call.ty else {
        return Err(Error::internal("a rounded decimal is no decimal"));
    };
    let limit = 10u128.pow(u32::from(precision));
    let place = place.min(from);
    let values: Vec<i128> = match args.ty(0).repr() {
        Repr::I64 => native_values::<i64>(array.as_ref())?
            .iter()
            .map(|v| i128::from(*v))
            .collect(),
        _ => native_values::<i128>(array.as_ref())?.to_vec(),
    };
    let mut out = Vec::with_capacity(values.len());
    for (i, v) in values.into_iter().enumerate() {
        if array.is_null(i) {
            out.push(None);
            continue;
        }
        let rounded = rescale(v, from, place, to, rounding);
        if rounded.unsigned_abs() < limit {
            out.push(Some(rounded));
        } else if args.mode() == EvalMode::Ansi {
            return Err(args.error(
                Error::user("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION")
                    .param("value", rounded.to_string())
                    .param("precision", precision.to_string())
                    .param("scale", to.to_string())
                    .param("config", "\"spark.sql.ansi.enabled\""),
            ));
        } else {
            out.push(None);
        }
    }
    decimal_array(out, &args.call.ty)
}

fn integers<T: ArrowNativeType + Into<i64> + TryFrom<i128>>(
    args: &EvalArgs<'_>,
    array: &ArrayRef,
    place: i32,
    rounding: Rounding,
    wrap: fn(i128) -> T,
) -> Result<ArrayRef> {
    let values = native_values::<T>(array.as_ref())?;
    let mut out = Vec::with_capacity(values.len());
    for (i, v) in values.iter().enumerate() {
        let rounded = rescale(i128::from((*v).into()), 0, place.max(-38), 0, rounding);
        match T::try_from(rounded) {
            Ok(r) => out.push(r),
            Err(_) if args.mode() != EvalMode::Ansi || array.is_null(i) => out.push(wrap(rounded)),
            Err(_) => {
                return Err(args.error(
                    Error::user("ARITHMETIC_OVERFLOW")
                        .param("message", "Overflow")
                        .param("alternative", "")
                        .param("config", "\"spark.sql.ansi.enabled\""),
                ));
            }
        }
    }
    native_array(out, array.nulls().cloned(), array.data_type())
}
