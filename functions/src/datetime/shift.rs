//! Moving dates and timestamps by months, days and microseconds: the arithmetic below all functions that add intervals.

use rsql_common::Error;
use rsql_expr::datetime::civil::{add_months, join_micros, split_micros};
use rsql_expr::datetime::{MICROS_PER_DAY, Zone};

/// `DATETIME_OVERFLOW`
pub(crate) fn overflow(operation: impl Into<String>) -> Error {
    Error::user("DATETIME_OVERFLOW").param("operation", operation)
}

/// A wall clock moved by months (the day cut to the month's length), then days.
fn shift_local(local: i64, months: i32, days: i32) -> Option<i64> {
    let (day, time) = split_micros(local);
    let day = if months == 0 { day } else { add_months(day, months)? };
    join_micros(day.checked_add(days)?, time)
}

/// A timestamp moved by months and days on the clock of `zone` (`None`: it is a wall clock itself), then microseconds.
///
/// If the new wall clock occurs twice, the occurrence with the old offset from UTC is taken.
pub(crate) fn shift(micros: i64, months: i32, days: i32, extra: i64, zone: Option<&Zone>) -> Option<i64> {
    if months == 0 && days == 0 {
        return micros.checked_add(extra);
    }
    let moved = match zone {
        None => shift_local(micros, months, days)?,
        Some(zone) => {
            let offset = i64::from(zone.offset_at(micros)) * 1_000_000;
            let local = shift_local(micros.checked_add(offset)?, months, days)?;
            let same = local.checked_sub(offset)?;
            if i64::from(zone.offset_at(same)) * 1_000_000 == offset {
                same
            } else {
                zone.to_utc(local)
            }
        }
    };
    moved.checked_add(extra)
}

/// Whole days of a wall clock.
pub(crate) fn day_of(local: i64) -> i32 {
    i32::try_from(local.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_days_follow_the_clock() {
        let zone = Zone::parse("America/Los_Angeles").unwrap();
        let hour = 3_600_000_000;
        // 2019-11-02 12:00 PDT, one day later clocks have gone back: 25 hours.
        let start = 1_572_721_200_000_000;
        assert_eq!(shift(start, 0, 1, 0, Some(&zone)), Some(start + 25 * hour));
        assert_eq!(shift(start, 0, 1, 0, None), Some(start + 24 * hour));
        // January 31 plus a month.
        assert_eq!(shift(30 * MICROS_PER_DAY, 1, 0, 5, None), Some(58 * MICROS_PER_DAY + 5));
        assert_eq!(shift(i64::MAX, 0, 0, 1, None), None);
    }
}
