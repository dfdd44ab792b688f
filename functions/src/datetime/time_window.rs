//! Time windows: `window` for windows that do not overlap, `time_windows` for all windows a timestamp lies in, and
//! `window_time`.
//!
//! Windows are counted on the timestamp's own microseconds, whatever the time zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray, StructArray, TimestampMicrosecondArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::datetime::MICROS_PER_DAY;
use rsql_expr::datetime::interval::parse_calendar;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::adaptors::{MicrosCol, sibling};
use crate::collection::bind::{mismatch, unexpected};
use crate::definition::doc;
use crate::kernel::{Col, LongCol, check_count, constant, pure, rewritten};

pub(super) static WINDOW: ScalarFn = rewritten(
    "window",
    &[],
    doc(
        Family::Datetime,
        "window(time_column, window_duration[, slide_duration[, start_time]])",
        "The window, a struct of start and end, that the timestamp lies in.",
        "SELECT window(TIMESTAMP '2021-01-01 00:04:30', '5 minutes')",
    ),
    |args, cx| {
        let bound = bind(args, cx)?;
        let at = |i: usize| bound.get(i).and_then(Expr::as_literal).and_then(|l| l.value.as_i64());
        if at(1) != at(2) {
            return Err(Error::unsupported("overlapping windows outside GROUP BY").at(cx.origin.0));
        }
        let ty = window_type(&bound[0].ty());
        Ok(sibling("time_window", cx)?.call_typed(bound, ty, cx))
    },
);

pub(super) static TIME_WINDOW: ScalarFn = pure(
    "time_window",
    &[],
    doc(
        Family::Datetime,
        "window(time_column, window_duration)",
        "The window that a timestamp lies in, with durations in microseconds.",
        "SELECT window(TIMESTAMP '2021-01-01 00:04:30', '5 minutes')",
    ),
    Signature::bind_with(
        |args, _| Ok(args),
        ReturnType::Of(|args, _| Ok(window_type(&args.first().map_or(SqlType::Timestamp, Expr::ty)))),
    ),
    |args| {
        let starts = Windows::of(args)?.map(|w, at| std::iter::once(w.last_start(at)));
        structs(args, &args.call.ty.arrow(), starts.1, nulls_of(args)?)
    },
);

pub(super) static TIME_WINDOWS: ScalarFn = pure(
    "time_windows",
    &[],
    doc(
        Family::Datetime,
        "time_windows(time_column, window_duration, slide_duration[, start_time])",
        "All windows that the timestamp lies in, first ones first; what overlapping windows in GROUP BY unnest.",
        "SELECT time_windows(TIMESTAMP '2021-01-01 00:04:30', '10 minutes', '5 minutes')",
    ),
    Signature::bind_with(
        bind,
        ReturnType::Of(|args, _| {
            let window = window_type(&args.first().map_or(SqlType::Timestamp, Expr::ty));
            Ok(SqlType::array_of(window, false))
        }),
    ),
    time_windows,
);

pub(super) static WINDOW_TIME: ScalarFn = pure(
    "window_time",
    &[],
    doc(
        Family::Datetime,
        "window_time(window_column)",
        "The last microsecond of a window.",
        "SELECT window_time(window(TIMESTAMP '2021-01-01 00:04:30', '5 minutes'))",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(1), cx)?;
            match window_of(&args[0].ty()) {
                Some(_) if matches!(&args[0], Expr::Column(_)) || is_window_call(&args[0]) => Ok(args),
                _ if matches!(args[0].ty(), SqlType::Struct(_)) => Err(Error::user("_LEGACY_ERROR_TEMP_3101")
                    .param("windowTime", args[0].to_string())
                    .at(cx.origin.0)),
                _ => Err(unexpected(&args[0], 0, "\"STRUCT\"", cx)),
            }
        },
        ReturnType::Of(|args, _| {
            Ok(args
                .first()
                .and_then(|a| window_of(&a.ty()))
                .unwrap_or(SqlType::Timestamp))
        }),
    ),
    |args| {
        let windows = args.array(0)?;
        let ends = windows
            .as_struct()
            .column(1)
            .as_primitive::<TimestampMicrosecondType>()
            .clone();
        let last = ends.unary::<_, TimestampMicrosecondType>(|t| t.wrapping_sub(1));
        Ok(Arc::new(last.with_data_type(args.call.ty.arrow())))
    },
);

fn is_window_call(e: &Expr) -> bool {
    matches!(e, Expr::Call(c) if &*c.func == "time_window")
}

/// The type of the windows of a timestamp type.
fn window_type(time: &SqlType) -> SqlType {
    SqlType::structure([("start", time.clone(), true), ("end", time.clone(), true)])
}

/// The timestamp type of a window's type.
fn window_of(ty: &SqlType) -> Option<SqlType> {
    match ty {
        SqlType::Struct(f) if f.len() == 2 && f[0].name.as_ref() == "start" && f[1].name.as_ref() == "end" => {
            Some(f[0].ty.clone()).filter(SqlType::is_timestamp)
        }
        _ => None,
    }
}

/// Microseconds of a duration argument, which must be a constant.
fn duration(arg: &Expr, cx: &ResolveCx<'_>) -> Result<i64> {
    let value = constant(arg, cx);
    let value = value.as_ref().map(|l| &l.value);
    if let Some(n) = value.and_then(|v| v.as_i64()) {
        return Ok(n);
    }
    let Some(text) = value.and_then(|v| v.as_str()) else {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1207").at(cx.origin.0));
    };
    let bad = || {
        Error::user("CANNOT_PARSE_INTERVAL")
            .param("intervalString", format!("'{text}'"))
            .at(cx.origin.0)
    };
    let interval = parse_calendar(text).map_err(|_| bad())?;
    if interval.months != 0 {
        return Err(Error::user("_LEGACY_ERROR_TEMP_3231")
            .param("interval", text)
            .at(cx.origin.0));
    }
    i64::from(interval.days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|d| d.checked_add(interval.micros))
        .ok_or_else(bad)
}

/// `(timestamp, width, slide, start)` with durations in microseconds.
fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(4), cx)?;
    let width = duration(&args[1], cx)?;
    let slide = args.get(2).map_or(Ok(width), |a| duration(a, cx))?;
    let start = args.get(3).map_or(Ok(0), |a| duration(a, cx))?;
    let time = args.into_iter().next().unwrap_or_default();
    // A window of windows goes by the last microsecond of the inner one.
    let time = match window_of(&time.ty()) {
        Some(_) => sibling("window_time", cx)?.resolve(vec![time], cx)?,
        None => rsql_expr::coerce::implicit_cast(time, TypeSpec::AnyTimestamp, 0, cx)?,
    };
    for (name, value) in [("window_duration", width), ("slide_duration", slide)] {
        if value <= 0 {
            return Err(mismatch("VALUE_OUT_OF_RANGE", cx)
                .param("exprName", quoted_name([name]))
                .param("valueRange", "(0, 9223372036854775807]")
                .param("currentValue", format!("{value}L")));
        }
    }
    let violated = |left: (&str, i64), constraint: &str, right: (&str, i64)| {
        mismatch("PARAMETER_CONSTRAINT_VIOLATION", cx)
            .param("leftExprName", quoted_name([&left.0]))
            .param("leftExprValue", format!("{}L", left.1))
            .param("constraint", constraint)
            .param("rightExprName", quoted_name([&right.0]))
            .param("rightExprValue", format!("{}L", right.1))
    };
    if slide > width {
        return Err(violated(("slide_duration", slide), "<=", ("window_duration", width)));
    }
    if start.abs() >= slide {
        return Err(violated(
            ("abs(start_time)", start.abs()),
            "<",
            ("slide_duration", slide),
        ));
    }
    let long = |v: i64| Expr::lit(Literal::long(v));
    Ok(vec![time, long(width), long(slide), long(start)])
}

/// The windows of a call.
struct Windows {
    times: MicrosCol,
    width: i64,
    slide: i64,
    start: i64,
    rows: usize,
}

impl Windows {
    fn of(args: &EvalArgs<'_>) -> Result<Self> {
        let long = |i: usize| -> Result<i64> {
            let column: LongCol = Col::of(args, i)?;
            Ok(if args.rows == 0 { 1 } else { column.get(0).unwrap_or(1) })
        };
        Ok(Self {
            times: MicrosCol::of(args, 0)?,
            width: long(1)?,
            slide: long(2)?,
            start: long(3)?,
            rows: args.rows,
        })
    }

    /// Start of the latest window that holds the timestamp.
    fn last_start(&self, at: i64) -> i64 {
        at.wrapping_sub(at.wrapping_sub(self.start).rem_euclid(self.slide))
    }

    /// Numbers of windows by row, and the starts of all windows.
    fn map<I: Iterator<Item = i64>>(&self, f: impl Fn(&Self, i64) -> I) -> (Vec<usize>, Vec<(i64, i64)>) {
        let (mut lengths, mut windows) = (Vec::with_capacity(self.rows), Vec::with_capacity(self.rows));
        for row in 0..self.rows {
            let before = windows.len();
            let at = self.times.get(row).unwrap_or(0);
            windows.extend(f(self, at).map(|s| (s, s.wrapping_add(self.width))));
            lengths.push(windows.len() - before);
        }
        (lengths, windows)
    }
}

fn nulls_of(args: &EvalArgs<'_>) -> Result<Option<NullBuffer>> {
    Ok(args.array(0)?.logical_nulls())
}

fn structs(
    args: &EvalArgs<'_>,
    ty: &DataType,
    windows: Vec<(i64, i64)>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Struct(fields) = ty else {
        return Err(Error::internal(format!("{} must give windows", args.call.func)));
    };
    let column = |values: Vec<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(values).with_data_type(fields[0].data_type().clone()))
    };
    let (starts, ends) = windows.into_iter().unzip();
    Ok(Arc::new(StructArray::try_new(
        fields.clone(),
        vec![column(starts), column(ends)],
        nulls,
    )?))
}

fn time_windows(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal("time_windows must give an array"));
    };
    let (lengths, windows) = Windows::of(args)?.map(|w, at| {
        let (last, width, slide) = (w.last_start(at), w.width, w.slide);
        let n = (width - (at - last) + slide - 1) / slide;
        (0..n).rev().map(move |i| last - i * slide)
    });
    let values = structs(args, field.data_type(), windows, None)?;
    let lists = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?;
    match nulls_of(args)? {
        // A NULL lies in no window.
        Some(nulls) => {
            let picks: UInt32Array = (0..args.rows).map(|i| nulls.is_valid(i).then_some(i as u32)).collect();
            Ok(arrow::compute::take(&lists, &picks, None)?)
        }
        None => Ok(Arc::new(lists)),
    }
}
