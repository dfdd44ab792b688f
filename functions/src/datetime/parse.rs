//! Dates, timestamps and times from text: `to_date`, `to_timestamp` and its kinds, `to_time`, `unix_timestamp`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Int64Type, Time64NanosecondType, TimestampMicrosecondType};
use rsql_common::{Error, Result};
use rsql_expr::datetime::civil::join_micros;
use rsql_expr::datetime::parse::parse_time;
use rsql_expr::datetime::pattern::cannot_parse;
use rsql_expr::datetime::{DatetimePattern, MICROS_PER_SECOND};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::CastExpr;
use rsql_expr::{EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::adaptors::{DateCol, MicrosCol, rows, session_zone, sibling, strictly, text};
use super::format::{DEFAULT_PATTERN, PatternCache};
use crate::collection::bind::unexpected;
use crate::definition::doc;
use crate::kernel::{StrCol, check_count, fallible, rewritten, some};

macro_rules! parsers {
    ($($item:ident, $name:literal, $text:literal, $rewrite:expr;)*) => { $(
        pub(super) static $item: ScalarFn = rewritten(
            $name,
            &[],
            doc(
                Family::Datetime,
                concat!($name, "(text[, pattern])"),
                $text,
                concat!("SELECT ", $name, "('2016-12-31', 'yyyy-MM-dd')"),
            ),
            $rewrite,
        );
    )* };
}

parsers! {
    TO_DATE, "to_date", "The date a text stands for, read by a pattern or as a cast reads it.",
        |args, cx| to_datetime(args, &SqlType::Date, cx);
    TRY_TO_DATE, "try_to_date", "Like `to_date`, but NULL for text that does not fit.",
        |args, cx| to_datetime(args, &SqlType::Date, &cx.with_mode(EvalMode::Try));
    TO_TIMESTAMP, "to_timestamp", "The timestamp a text stands for, read by a pattern or as a cast reads it.",
        |args, cx| to_datetime(args, &timestamp_type(cx), cx);
    TRY_TO_TIMESTAMP, "try_to_timestamp", "Like `to_timestamp`, but NULL for text that does not fit.",
        |args, cx| to_datetime(args, &timestamp_type(cx), &cx.with_mode(EvalMode::Try));
    TO_TIMESTAMP_LTZ, "to_timestamp_ltz", "The timestamp with local time zone a text stands for.",
        |args, cx| to_datetime(args, &SqlType::Timestamp, cx);
    TO_TIMESTAMP_NTZ, "to_timestamp_ntz", "The timestamp without time zone a text stands for.",
        |args, cx| to_datetime(args, &SqlType::TimestampNtz, cx);
}

fn timestamp_type(cx: &ResolveCx<'_>) -> SqlType {
    if cx.options.timestamp_is_ntz {
        SqlType::TimestampNtz
    } else {
        SqlType::Timestamp
    }
}

/// A cast; with a pattern, a reading of the text (through a timestamp for dates).
fn to_datetime(args: Vec<Expr>, ty: &SqlType, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 1, Some(2), cx)?;
    let mut args = args.into_iter();
    let (source, pattern) = (args.next().unwrap_or_default(), args.next());
    let from = source.ty();
    if from.is_nested() {
        return Err(unexpected(
            &source,
            0,
            "(\"STRING\" or \"DATE\" or \"TIMESTAMP\" or \"TIMESTAMP WITHOUT TIME ZONE\")",
            cx,
        ));
    }
    let readable = from.is_string() || from.is_datetime() || from == SqlType::Void;
    let source = if readable || pattern.is_none() && *ty == SqlType::Timestamp && from.is_numeric() {
        source
    } else {
        in_mode(source, &SqlType::String, cx)
    };
    match pattern {
        Some(pattern) if source.ty().is_string() => {
            let pattern = rsql_expr::coerce::implicit_cast(pattern, TypeSpec::String, 1, cx)?;
            let through = if *ty == SqlType::Date {
                SqlType::Timestamp
            } else {
                ty.clone()
            };
            // Wrong patterns are errors even where unreadable text is not, so the mode is an argument of its own.
            let guide = match (cx.mode, ty) {
                (EvalMode::Legacy | EvalMode::Try, _) => "",
                (_, SqlType::Date) => "try_to_date",
                _ => "try_to_timestamp",
            };
            let strict = cx.with_mode(EvalMode::Ansi);
            let read = sibling("parse_timestamp", cx)?.call_typed(vec![source, pattern, text(guide)], through, &strict);
            Ok(in_mode(read, ty, cx))
        }
        _ => Ok(in_mode(source, ty, cx)),
    }
}

/// A cast with the call's error behaviour.
fn in_mode(expr: Expr, ty: &SqlType, cx: &ResolveCx<'_>) -> Expr {
    if expr.ty() == *ty {
        return expr;
    }
    Expr::Cast(Box::new(CastExpr {
        expr,
        ty: ty.clone(),
        mode: cx.mode,
        explicit: false,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    }))
}

pub(super) static TIME: ScalarFn = rewritten(
    "time",
    &[],
    doc(
        Family::Datetime,
        "time(expr)",
        "The expression as a TIME.",
        "SELECT time('12:34:56')",
    ),
    |args, cx| {
        check_count(&args, 1, Some(1), cx)?;
        Ok(in_mode(
            args.into_iter().next().unwrap_or_default(),
            &SqlType::Time(6),
            cx,
        ))
    },
);

pub(super) static PARSE_TIMESTAMP: ScalarFn = fallible(
    "parse_timestamp",
    &[],
    doc(
        Family::Datetime,
        "to_timestamp(text, pattern)",
        "The timestamp a text stands for, read by a pattern.",
        "SELECT to_timestamp('2016-12-31', 'yyyy-MM-dd')",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::String, TypeSpec::String], ret::TIMESTAMP),
    |args| {
        let (texts, patterns) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
        let guide = StrCol::of(args, 2)?;
        let zone = session_zone(args)?;
        let local = args.call.ty == SqlType::TimestampNtz;
        let mut cache = PatternCache::new(DatetimePattern::for_parse);
        rows::<TimestampMicrosecondType>(args, |row| {
            let (text, pattern) = some!(texts.get(row).zip(patterns.get(row)));
            let pattern = cache.get(pattern, args).map_err(|e| without_legacy(e, local))?;
            let read = if local {
                pattern.parse_timestamp_ntz(text)
            } else {
                pattern.parse_timestamp(text, &zone)
            };
            unless_strict(read, text, guide.get(row).unwrap_or_default(), args)
        })
    },
);

/// Before Spark 3 there was no TIMESTAMP_NTZ, so its patterns are just wrong and not inconsistent with older versions.
fn without_legacy(error: Error, local: bool) -> Error {
    if !local || error.condition() != "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION" {
        return error;
    }
    let mut wrong = Error::user("INVALID_DATETIME_PATTERN.WITH_SUGGESTION");
    for (name, value) in error.params() {
        wrong = wrong.param(name.to_string(), value);
    }
    wrong
}

fn unless_strict(read: Option<i64>, text: &str, guide: &str, args: &EvalArgs<'_>) -> Result<Option<i64>> {
    if read.is_none() && args.mode() == EvalMode::Ansi && !guide.is_empty() {
        return Err(args.error(cannot_parse(guide, format!("Text '{text}' could not be parsed"))));
    }
    Ok(read)
}

pub(super) static TO_UNIX_TIMESTAMP: ScalarFn = fallible(
    "to_unix_timestamp",
    &[],
    doc(
        Family::Datetime,
        "to_unix_timestamp(time[, pattern])",
        "The seconds since the epoch of a timestamp, a date or text of a pattern.",
        "SELECT to_unix_timestamp('2016-04-08', 'yyyy-MM-dd')",
    ),
    Signature::bind_with(bind_unix, ret::LONG),
    to_unix_timestamp,
);

pub(super) static UNIX_TIMESTAMP: ScalarFn = rewritten(
    "unix_timestamp",
    &[],
    doc(
        Family::Datetime,
        "unix_timestamp([time[, pattern]])",
        "The seconds since the epoch of a timestamp, a date, text of a pattern or now.",
        "SELECT unix_timestamp('2016-04-08', 'yyyy-MM-dd')",
    ),
    |args, cx| {
        if args.is_empty() {
            return Ok(Expr::lit(Literal::long(
                cx.options.now_micros.div_euclid(MICROS_PER_SECOND),
            )));
        }
        sibling("to_unix_timestamp", cx)?.resolve(args, cx)
    },
);

fn bind_unix(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(2), cx)?;
    let mut args = args;
    if args.len() == 1 {
        args.push(text(DEFAULT_PATTERN));
    }
    args.into_iter()
        .enumerate()
        .map(|(i, a)| match i {
            0 if a.ty().is_datetime() || a.ty().is_string() => Ok(a),
            0 if a.ty() != SqlType::Void => Err(unexpected(
                &a,
                0,
                "(\"STRING\" or \"DATE\" or \"TIMESTAMP\" or \"TIMESTAMP_NTZ\")",
                cx,
            )),
            _ => rsql_expr::coerce::implicit_cast(a, TypeSpec::String, i, cx),
        })
        .collect()
}

fn to_unix_timestamp(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let zone = session_zone(args)?;
    let seconds = |micros: i64| micros.div_euclid(MICROS_PER_SECOND);
    match args.ty(0) {
        SqlType::Date => {
            let dates = DateCol::of(args, 0)?;
            rows::<Int64Type>(args, |row| {
                Ok(dates
                    .get(row)
                    .and_then(|d| join_micros(d, 0))
                    .map(|local| seconds(zone.to_utc(local))))
            })
        }
        SqlType::Timestamp | SqlType::TimestampNtz => {
            let times = MicrosCol::of(args, 0)?;
            rows::<Int64Type>(args, |row| Ok(times.get(row).map(seconds)))
        }
        _ => {
            let (texts, patterns) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
            let mut cache = PatternCache::new(DatetimePattern::for_parse);
            rows::<Int64Type>(args, |row| {
                let (text, pattern) = some!(texts.get(row).zip(patterns.get(row)));
                let read = cache.get(pattern, args)?.parse_timestamp(text, &zone);
                Ok(unless_strict(read, text, "try_to_timestamp", args)?.map(seconds))
            })
        }
    }
}

const TO_TIME_SIGNATURE: Signature = Signature::bind_with(
    |args, cx| strictly(args, 2, &SqlType::String, SqlType::is_string, "\"STRING\"", cx),
    ReturnType::Fixed(|| SqlType::Time(6)),
);

pub(super) static TO_TIME: ScalarFn = fallible(
    "to_time",
    &[],
    doc(
        Family::Datetime,
        "to_time(text[, pattern])",
        "The time of day a text stands for.",
        "SELECT to_time('00:12:00')",
    ),
    TO_TIME_SIGNATURE,
    |args| to_time(args, false),
);

pub(super) static TRY_TO_TIME: ScalarFn = fallible(
    "try_to_time",
    &[],
    doc(
        Family::Datetime,
        "try_to_time(text[, pattern])",
        "Like `to_time`, but NULL for text that does not fit.",
        "SELECT try_to_time('00:12:00.001')",
    ),
    TO_TIME_SIGNATURE,
    |args| to_time(args, true),
);

fn to_time(args: &EvalArgs<'_>, lenient: bool) -> Result<ArrayRef> {
    let (texts, patterns) = (StrCol::of(args, 0)?, StrCol::optional(args, 1)?);
    let mut cache = PatternCache::new(DatetimePattern::for_parse);
    rows::<Time64NanosecondType>(args, |row| {
        let text = some!(texts.get(row));
        let (read, shown) = match &patterns {
            None => (parse_time(text), "HH:mm:ss.SSSSSS"),
            Some(patterns) => {
                let pattern = some!(patterns.get(row));
                (cache.get(pattern, args)?.parse(text).map(|p| p.nanos), pattern)
            }
        };
        if read.is_none() && !lenient {
            return Err(args.error(
                Error::user("CANNOT_PARSE_TIME")
                    .param("input", format!("'{text}'"))
                    .param("format", format!("'{shown}'")),
            ));
        }
        Ok(read)
    })
}
