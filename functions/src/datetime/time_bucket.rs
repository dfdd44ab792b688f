//! `time_bucket`: the start of the even interval that a timestamp lies in.

use arrow::array::{ArrayRef, DurationMicrosecondArray, IntervalYearMonthArray};
use arrow::datatypes::TimestampMicrosecondType;
use rsql_common::{Error, Result};
use rsql_expr::datetime::{MICROS_PER_DAY, Zone};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType};

use super::adaptors::{MicrosCol, rows, zone_of};
use super::shift::{overflow, shift};
use super::units::months_between;
use crate::collection::bind::{mismatch, unexpected};
use crate::definition::doc;
use crate::kernel::{Col, cast, check_count, constant, fallible, some};

pub(super) static TIME_BUCKET: ScalarFn = fallible(
    "time_bucket",
    &[],
    doc(
        Family::Datetime,
        "time_bucket(bucketSize, timestamp[, origin])",
        "The start of the bucket of that size, counted from the origin, that the timestamp lies in.",
        "SELECT time_bucket(INTERVAL '15' MINUTE, TIMESTAMP '2024-07-20 14:33:00')",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(1)),
    time_bucket,
);

fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(3), cx)?;
    let mut args = args.into_iter();
    let (size, at, origin) = (
        args.next().unwrap_or_default(),
        args.next().unwrap_or_default(),
        args.next(),
    );
    let size = match size.ty() {
        SqlType::Void => cast(size, &SqlType::DAY_TIME, cx),
        t if t.is_ansi_interval() => size,
        _ => {
            let required = "(\"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\")";
            return Err(unexpected(&size, 0, required, cx));
        }
    };
    if let Some(value) = constant(&size, cx)
        && value.value.as_i64().is_some_and(|v| v <= 0)
    {
        return Err(mismatch("VALUE_OUT_OF_RANGE", cx)
            .param("exprName", "`bucketSize`")
            .param("valueRange", "(0, inf)")
            .param("currentValue", value.to_string()));
    }
    let at = match at.ty() {
        SqlType::Void => cast(at, &SqlType::Timestamp, cx),
        t if t.is_timestamp() => at,
        _ => return Err(unexpected(&at, 1, "\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\"", cx)),
    };
    let origin = match origin {
        None => {
            // The epoch on the clock that the timestamp is read on.
            let epoch = match at.ty() {
                SqlType::Timestamp => Zone::parse(&cx.options.time_zone)?.to_utc(0),
                _ => 0,
            };
            Expr::lit(Literal::new(Scalar::I64(epoch), at.ty()))
        }
        Some(origin) if origin.ty() == SqlType::Void => cast(origin, &at.ty(), cx),
        Some(origin) if origin.ty() == at.ty() => origin,
        Some(origin) => return Err(unexpected(&origin, 2, &at.ty().quoted(), cx)),
    };
    Ok(vec![size, at, origin])
}

fn time_bucket(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (times, origins) = (MicrosCol::of(args, 1)?, MicrosCol::of(args, 2)?);
    let zone = zone_of(args, 1)?;
    let zone = zone.as_ref();
    let too_far = || args.error(overflow("find the bucket of a timestamp"));
    let not_positive = || {
        let error = Error::user("INVALID_PARAMETER_VALUE.BUCKET_SIZE").param("parameter", "`bucketSize`");
        args.error(error.param("functionName", "`time_bucket`"))
    };
    if matches!(args.ty(0), SqlType::YearMonthInterval(..)) {
        let sizes = Col::<IntervalYearMonthArray>::of(args, 0)?;
        return rows::<TimestampMicrosecondType>(args, |row| {
            let (at, origin) = some!(times.get(row).zip(origins.get(row)));
            let size = some!(sizes.get(row));
            if size <= 0 {
                return Err(not_positive());
            }
            by_months(i64::from(size), at, origin, zone)
                .map(Some)
                .ok_or_else(too_far)
        });
    }
    let sizes = Col::<DurationMicrosecondArray>::of(args, 0)?;
    rows::<TimestampMicrosecondType>(args, |row| {
        let (at, origin) = some!(times.get(row).zip(origins.get(row)));
        let size = some!(sizes.get(row));
        if size <= 0 {
            return Err(not_positive());
        }
        let start = match zone {
            // Days follow the clock, whatever their length.
            Some(zone) if size % MICROS_PER_DAY == 0 => {
                by_micros(size, zone.to_local(at), zone.to_local(origin)).map(|local| zone.to_utc(local))
            }
            _ => by_micros(size, at, origin),
        };
        start.map(Some).ok_or_else(too_far)
    })
}

fn by_micros(size: i64, at: i64, origin: i64) -> Option<i64> {
    let elapsed = at.checked_sub(origin)?;
    at.checked_sub(elapsed.rem_euclid(size))
}

fn by_months(size: i64, at: i64, origin: i64, zone: Option<&Zone>) -> Option<i64> {
    let local = |t: i64| zone.map_or(t, |z| z.to_local(t));
    let mut buckets = months_between(local(origin), local(at)).div_euclid(size);
    loop {
        let months = i32::try_from(buckets.checked_mul(size)?).ok()?;
        let start = shift(origin, months, 0, 0, zone)?;
        if start <= at {
            return Some(start);
        }
        buckets -= 1;
    }
}
