//! Text by a pattern: `date_format`, `from_unixtime`.

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::datetime::{DatetimePattern, MICROS_PER_SECOND, Zone};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, Signature, TypeSpec};
use rsql_expr::{ScalarFn, SqlType};

use super::adaptors::{MicrosCol, TimeCol, session_zone, text};
use crate::definition::doc;
use crate::kernel::{LongCol, StrCol, check_count, fallible, some, text_rows};

/// The pattern `yyyy-MM-dd HH:mm:ss`.
pub(super) const DEFAULT_PATTERN: &str = "yyyy-MM-dd HH:mm:ss";

pub(super) static DATE_FORMAT: ScalarFn = fallible(
    "date_format",
    &[],
    doc(
        Family::Datetime,
        "date_format(timestamp, pattern)",
        "The timestamp as text of the pattern.",
        "SELECT date_format('2016-04-08', 'y')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 2, Some(2), cx)?;
            args.into_iter()
                .enumerate()
                .map(|(i, a)| match a.ty() {
                    SqlType::Time(_) if i == 0 => Ok(a),
                    _ => rsql_expr::coerce::implicit_cast(a, [TypeSpec::Timestamp, TypeSpec::String][i], i, cx),
                })
                .collect()
        },
        ret::STRING,
    ),
    |args| {
        if let SqlType::Time(_) = args.ty(0) {
            let times = TimeCol::of(args, 0)?;
            return formatted(args, &Zone::UTC, |row| times.get(row).map(|n| n / 1000));
        }
        let times = MicrosCol::of(args, 0)?;
        formatted(args, &session_zone(args)?, |row| times.get(row))
    },
);

pub(super) static FROM_UNIXTIME: ScalarFn = fallible(
    "from_unixtime",
    &[],
    doc(
        Family::Datetime,
        "from_unixtime(seconds[, pattern])",
        "The timestamp some seconds after the epoch, as text of the pattern.",
        "SELECT from_unixtime(0, 'yyyy-MM-dd HH:mm:ss')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(2), cx)?;
            let mut args = args;
            if args.len() == 1 {
                args.push(text(DEFAULT_PATTERN));
            }
            args.into_iter()
                .enumerate()
                .map(|(i, a)| match i {
                    0 if a.ty().is_numeric() => Ok(crate::kernel::cast(a, &SqlType::Long, cx)),
                    _ => rsql_expr::coerce::implicit_cast(a, [TypeSpec::Long, TypeSpec::String][i], i, cx),
                })
                .collect()
        },
        ret::STRING,
    ),
    |args| {
        let seconds = LongCol::of(args, 0)?;
        formatted(args, &session_zone(args)?, |row| {
            seconds.get(row).map(|s| s.saturating_mul(MICROS_PER_SECOND))
        })
    },
);

/// A pattern compiled when it changes.
pub(super) struct PatternCache {
    compile: fn(&str) -> Result<DatetimePattern>,
    last: Option<(String, DatetimePattern)>,
}

impl PatternCache {
    pub(super) fn new(compile: fn(&str) -> Result<DatetimePattern>) -> Self {
        Self { compile, last: None }
    }

    pub(super) fn get(&mut self, pattern: &str, args: &EvalArgs<'_>) -> Result<&DatetimePattern> {
        if self.last.as_ref().is_none_or(|(p, _)| p != pattern) {
            let compiled = (self.compile)(pattern).map_err(|e| args.error(e))?;
            self.last = Some((pattern.to_string(), compiled));
        }
        match &self.last {
            Some((_, compiled)) => Ok(compiled),
            None => Err(rsql_common::Error::internal("no pattern")),
        }
    }
}

fn formatted(args: &EvalArgs<'_>, zone: &Zone, get: impl Fn(usize) -> Option<i64>) -> Result<ArrayRef> {
    let patterns = StrCol::of(args, 1)?;
    let mut cache = PatternCache::new(DatetimePattern::for_format);
    text_rows(args.rows, |row, out| {
        let (at, pattern) = some!(get(row).zip(patterns.get(row)));
        cache
            .get(pattern, args)?
            .format_timestamp(at, zone, out)
            .map_err(|e| args.error(e))?;
        Ok(Some(()))
    })
}
