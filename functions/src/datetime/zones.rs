//! Changes of time zone: `from_utc_timestamp`, `to_utc_timestamp`, `convert_timezone`.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use rsql_common::Result;
use rsql_expr::datetime::Zone;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn};

use super::adaptors::{MicrosCol, rows, text};
use crate::definition::doc;
use crate::kernel::{StrCol, check_count, fallible, some};

pub(super) static FROM_UTC_TIMESTAMP: ScalarFn = fallible(
    "from_utc_timestamp",
    &[],
    doc(
        Family::Datetime,
        "from_utc_timestamp(timestamp, timezone)",
        "The clock of the zone when it is that timestamp in UTC.",
        "SELECT from_utc_timestamp('2016-08-31', 'Asia/Seoul')",
    ),
    Signature::exact(&[TypeSpec::Timestamp, TypeSpec::String], ret::TIMESTAMP),
    |args| converted(args, |zone, t| zone.to_local(t)),
);

pub(super) static TO_UTC_TIMESTAMP: ScalarFn = fallible(
    "to_utc_timestamp",
    &[],
    doc(
        Family::Datetime,
        "to_utc_timestamp(timestamp, timezone)",
        "The clock of UTC when it is that timestamp in the zone.",
        "SELECT to_utc_timestamp('2016-08-31', 'Asia/Seoul')",
    ),
    Signature::exact(&[TypeSpec::Timestamp, TypeSpec::String], ret::TIMESTAMP),
    |args| converted(args, |zone, t| zone.to_utc(t)),
);

pub(super) static CONVERT_TIMEZONE: ScalarFn = fallible(
    "convert_timezone",
    &[],
    doc(
        Family::Datetime,
        "convert_timezone([sourceTz, ]targetTz, sourceTs)",
        "The clock of the target zone when it is that timestamp in the source zone, the session's if not given.",
        "SELECT convert_timezone('Europe/Brussels', 'America/Los_Angeles', timestamp_ntz'2021-12-06 00:00:00')",
    ),
    Signature::bind_with(bind_convert, ret::TIMESTAMP_NTZ),
    convert_timezone,
);

/// The zone named last.
#[derive(Default)]
struct ZoneCache(Option<(String, Zone)>);

impl ZoneCache {
    fn get(&mut self, name: &str, args: &EvalArgs<'_>) -> Result<Zone> {
        if let Some((last, zone)) = &self.0
            && last == name
        {
            return Ok(*zone);
        }
        let zone = Zone::parse(name).map_err(|e| args.error(e))?;
        self.0 = Some((name.to_string(), zone));
        Ok(zone)
    }
}

fn converted(args: &EvalArgs<'_>, f: impl Fn(&Zone, i64) -> i64) -> Result<ArrayRef> {
    let (times, zones) = (MicrosCol::of(args, 0)?, StrCol::of(args, 1)?);
    let mut cache = ZoneCache::default();
    rows::<TimestampMicrosecondType>(args, |row| {
        let (at, zone) = some!(times.get(row).zip(zones.get(row)));
        Ok(Some(f(&cache.get(zone, args)?, at)))
    })
}

fn bind_convert(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(3), cx)?;
    let mut args = args;
    if args.len() == 2 {
        args.insert(0, text(&cx.options.time_zone));
    }
    args.into_iter()
        .enumerate()
        .map(|(i, a)| {
            let spec = [TypeSpec::String, TypeSpec::String, TypeSpec::TimestampNtz][i];
            rsql_expr::coerce::implicit_cast(a, spec, i, cx)
        })
        .collect()
}

fn convert_timezone(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (from, to, times) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, MicrosCol::of(args, 2)?);
    let (mut sources, mut targets) = (ZoneCache::default(), ZoneCache::default());
    rows::<TimestampMicrosecondType>(args, |row| {
        let (from, to) = some!(from.get(row).zip(to.get(row)));
        let local = some!(times.get(row));
        let (source, target) = (sources.get(from, args)?, targets.get(to, args)?);
        Ok(Some(target.to_local(source.to_utc(local))))
    })
}
