//! `sequence`: numbers, dates or timestamps in even steps.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    IntervalYearMonthType, TimestampMicrosecondType,
};
use rsql_common::{Error, Result};
use rsql_expr::datetime::{MICROS_PER_DAY, Zone};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::build::{MAX_LENGTH, too_long};
use crate::collection::bind;
use crate::datetime::shift::{overflow, shift};
use crate::definition::{doc, scalar};

pub(super) static SEQUENCE: ScalarFn = scalar(
    "sequence",
    doc(
        Family::Array,
        "sequence(start, stop[, step])",
        "The values from `start` to `stop`, both included; the step is 1, or one day, towards `stop` if not given.",
        "SELECT sequence(to_date('2018-01-01'), to_date('2018-03-01'), interval 1 month)",
    ),
    Signature::bind_with(
        bind_sequence,
        ReturnType::Of(|args, _| Ok(SqlType::array_of(args.first().map_or(SqlType::Void, Expr::ty), false))),
    ),
    NullRule::Propagate,
    Effects::FALLIBLE,
    sequence,
);

fn bind_sequence(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(3), cx)?;
    let mut args = args;
    let wrong = || bind::mismatch("SEQUENCE_WRONG_INPUT_TYPES", cx);
    let step = if args.len() == 3 { args.pop() } else { None };
    let step_is_interval = step.as_ref().is_some_and(|s| s.ty().is_interval());
    if args.iter().all(|a| a.ty().is_datetime() || a.ty() == SqlType::Void) || step_is_interval {
        let (args, ty) = bind::one_type(args, cx).map_err(|_| wrong())?;
        let step_fits = step
            .as_ref()
            .is_none_or(|s| step_is_interval || s.ty() == SqlType::Void);
        if !ty.is_datetime() || !step_fits {
            return Err(wrong());
        }
        return Ok(args.into_iter().chain(step).collect());
    }
    args.extend(step);
    let (args, ty) = bind::one_type(args, cx).map_err(|_| wrong())?;
    if ty.is_integral() || ty == SqlType::Void {
        Ok(args)
    } else {
        Err(wrong())
    }
}

/// A step by its parts.
#[derive(Clone, Copy)]
struct Step {
    months: i32,
    days: i32,
    micros: i64,
}

fn sequence(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (starts, stops) = (longs(&args.array(0)?)?, longs(&args.array(1)?)?);
    let step = if args.len() > 2 { Some(args.array(2)?) } else { None };
    let element = args.ty(0);
    let mut values: Vec<i64> = Vec::new();
    let mut lengths = Vec::with_capacity(args.rows);
    let zone = match element {
        SqlType::Timestamp => Some(Zone::parse(&args.options().time_zone)?),
        _ => None,
    };
    let scalar_steps = match &step {
        Some(s) if element.is_integral() => Some(longs(s)?),
        _ => None,
    };
    for row in 0..args.rows {
        let (start, stop) = (starts[row], stops[row]);
        let before = values.len();
        let towards = if start <= stop { 1 } else { -1 };
        if element.is_integral() {
            let step = scalar_steps.as_ref().map_or(towards, |s| s[row]);
            even_steps(args, start, stop, step, &mut values)?;
        } else {
            let step = match &step {
                Some(s) => step_of(s, row)?,
                None => Step {
                    months: 0,
                    days: towards as i32,
                    micros: 0,
                },
            };
            datetimes(args, &element, start, stop, step, zone.as_ref(), &mut values)?;
        }
        lengths.push(values.len() - before);
    }
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal("sequence must give an array"));
    };
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(
        field,
        offsets,
        narrow(values, &element)?,
        None,
    )?))
}

/// Checks that the step leads from `start` to `stop`; gives the number of values.
fn length(args: &EvalArgs<'_>, start: i64, stop: i64, step: i64, shown: impl Fn() -> String) -> Result<usize> {
    let legal = match step {
        0 => start == stop,
        s if s > 0 => start <= stop,
        _ => start >= stop,
    };
    if !legal {
        let text = format!("Illegal sequence boundaries: {start} to {stop} by {}", shown());
        return Err(args.error(Error::user("INVALID_PARAMETER_VALUE.SEQUENCE_BOUNDARIES").with_message(text)));
    }
    let n = match step {
        0 => 1,
        _ => (i128::from(stop) - i128::from(start)) / i128::from(step) + 1,
    };
    if n > i128::from(MAX_LENGTH) {
        return Err(args.error(too_long(i64::try_from(n).unwrap_or(i64::MAX), "count", "sequence")));
    }
    Ok(n as usize)
}

fn even_steps(args: &EvalArgs<'_>, start: i64, stop: i64, step: i64, out: &mut Vec<i64>) -> Result<()> {
    let n = length(args, start, stop, step, || step.to_string())?;
    out.try_reserve(n)
        .map_err(|_| Error::exhausted("a sequence does not fit into memory"))?;
    out.extend((0..n as i64).map(|i| start + i * step));
    Ok(())
}

fn datetimes(
    args: &EvalArgs<'_>,
    element: &SqlType,
    start: i64,
    stop: i64,
    step: Step,
    zone: Option<&Zone>,
    out: &mut Vec<i64>,
) -> Result<()> {
    let unit = if *element == SqlType::Date { MICROS_PER_DAY } else { 1 };
    if unit == MICROS_PER_DAY && step.micros != 0 {
        return Err(args.error(Error::user("_LEGACY_ERROR_TEMP_3242").param("intervalType", args.ty(2).to_string())));
    }
    if step.months == 0 && (step.micros == 0 && unit == MICROS_PER_DAY || step.days == 0 && unit == 1) {
        let by = if unit == 1 { step.micros } else { i64::from(step.days) };
        return even_steps(args, start, stop, by, out);
    }
    // The shortest month estimates the number of values from above.
    let estimate = i64::from(step.months) * 28 * MICROS_PER_DAY + i64::from(step.days) * MICROS_PER_DAY + step.micros;
    let (first, last) = (start.saturating_mul(unit), stop.saturating_mul(unit));
    let at_most = length(args, first, last, estimate, || estimate.to_string())?;
    for i in 0..at_most as i64 {
        let parts = i32::try_from(i64::from(step.months) * i)
            .ok()
            .zip(i32::try_from(i64::from(step.days) * i).ok())
            .zip(step.micros.checked_mul(i));
        let at = parts
            .and_then(|((months, days), micros)| shift(first, months, days, micros, zone))
            .ok_or_else(|| args.error(overflow("sequence")))?;
        if (estimate > 0 && at > last) || (estimate < 0 && at < last) {
            break;
        }
        out.push(at.div_euclid(unit));
    }
    Ok(())
}

fn step_of(steps: &ArrayRef, row: usize) -> Result<Step> {
    Ok(match steps.data_type() {
        DataType::Duration(_) => {
            let micros = steps.as_primitive::<DurationMicrosecondType>().value(row);
            Step {
                months: 0,
                days: (micros / MICROS_PER_DAY) as i32,
                micros: micros % MICROS_PER_DAY,
            }
        }
        DataType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => Step {
            months: steps.as_primitive::<IntervalYearMonthType>().value(row),
            days: 0,
            micros: 0,
        },
        DataType::Interval(_) => {
            let i = steps.as_primitive::<IntervalMonthDayNanoType>().value(row);
            Step {
                months: i.months,
                days: i.days,
                micros: i.nanoseconds / 1000,
            }
        }
        other => return Err(Error::internal(format!("{other} is no step"))),
    })
}

/// Values of any integer-like array.
fn longs(array: &ArrayRef) -> Result<Vec<i64>> {
    Ok(match array.data_type() {
        DataType::Int8 => array
            .as_primitive::<Int8Type>()
            .values()
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        DataType::Int16 => array
            .as_primitive::<Int16Type>()
            .values()
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        DataType::Int32 => array
            .as_primitive::<Int32Type>()
            .values()
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        DataType::Int64 => array.as_primitive::<Int64Type>().values().to_vec(),
        DataType::Date32 => array
            .as_primitive::<Date32Type>()
            .values()
            .iter()
            .map(|v| i64::from(*v))
            .collect(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
        DataType::Null => vec![0; array.len()],
        other => return Err(Error::internal(format!("sequence of {other}"))),
    })
}

fn narrow(values: Vec<i64>, ty: &SqlType) -> Result<ArrayRef> {
    Ok(match ty {
        SqlType::Byte => Arc::new(Int8Array::from_iter_values(values.into_iter().map(|v| v as i8))),
        SqlType::Short => Arc::new(Int16Array::from_iter_values(values.into_iter().map(|v| v as i16))),
        SqlType::Int => Arc::new(Int32Array::from_iter_values(values.into_iter().map(|v| v as i32))),
        SqlType::Date => Arc::new(Date32Array::from_iter_values(values.into_iter().map(|v| v as i32))),
        SqlType::Timestamp | SqlType::TimestampNtz => {
            Arc::new(TimestampMicrosecondArray::from(values).with_data_type(ty.arrow()))
        }
        SqlType::Void => arrow::array::new_null_array(&DataType::Null, values.len()),
        _ => Arc::new(Int64Array::from(values)),
    })
}
