//! Intervals to text.

use std::fmt::Write;

use super::CalendarInterval;
use crate::datetime::text::{push_fraction, push_padded};
use crate::datetime::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use crate::types::{DayTimeField, YearMonthField};

/// How ANSI intervals are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalStyle {
    /// As a literal: `INTERVAL '1-2' YEAR TO MONTH`.
    Ansi,
    /// As results print: `1-2`.
    Hive,
}

/// Appends a year-month interval.
pub fn push_year_month(out: &mut String, months: i32, from: YearMonthField, to: YearMonthField, style: IntervalStyle) {
    let sign = if months < 0 { "-" } else { "" };
    let n = months.unsigned_abs();
    // Writing into a string cannot fail.
    _ = match (style, from == to, from) {
        (IntervalStyle::Hive, ..) => write!(out, "{sign}{}-{}", n / 12, n % 12),
        (_, true, YearMonthField::Year) => write!(out, "INTERVAL '{sign}{}' YEAR", n / 12),
        (_, true, YearMonthField::Month) => write!(out, "INTERVAL '{sign}{n}' MONTH"),
        _ => write!(out, "INTERVAL '{sign}{}-{}' YEAR TO MONTH", n / 12, n % 12),
    };
}

/// Appends a day-time interval.
pub fn push_day_time(out: &mut String, micros: i64, from: DayTimeField, to: DayTimeField, style: IntervalStyle) {
    use DayTimeField::{Day, Hour, Minute, Second};
    let sign = if micros < 0 { "-" } else { "" };
    let mut rest = micros.unsigned_abs();
    let mut part = |unit: i64| {
        let n = rest / unit as u64;
        rest %= unit as u64;
        n
    };
    if style == IntervalStyle::Hive {
        let (d, h, m, s) = (
            part(MICROS_PER_DAY),
            part(MICROS_PER_HOUR),
            part(MICROS_PER_MINUTE),
            part(MICROS_PER_SECOND),
        );
        _ = write!(out, "{sign}{d} {h:02}:{m:02}:{s:02}.{:09}", rest * 1000);
        return;
    }
    out.push_str("INTERVAL '");
    out.push_str(sign);
    for field in [Day, Hour, Minute, Second] {
        if field < from || field > to {
            continue;
        }
        if field > from {
            out.push(if field == Hour { ' ' } else { ':' });
        }
        match field {
            Day => push_padded(out, part(MICROS_PER_DAY), 1),
            Hour => push_padded(out, part(MICROS_PER_HOUR), 2),
            Minute => push_padded(out, part(MICROS_PER_MINUTE), 2),
            Second => push_padded(out, part(MICROS_PER_SECOND), 2),
        }
    }
    if to == Second {
        push_fraction(out, rest, 6);
    }
    out.push_str("' ");
    out.push_str(&from.name().to_uppercase());
    if from != to {
        out.push_str(" TO ");
        out.push_str(&to.name().to_uppercase());
    }
}

/// Appends a legacy interval: `1 years 2 months 3 days 4 hours 5 minutes 6.5 seconds`.
pub fn push_calendar(out: &mut String, v: CalendarInterval) {
    let start = out.len();
    let mut unit = |n: i64, name: &str| {
        if n != 0 {
            if out.len() > start {
                out.push(' ');
            }
            _ = write!(out, "{n} {name}");
        }
    };
    unit(i64::from(v.months / 12), "years");
    unit(i64::from(v.months % 12), "months");
    unit(i64::from(v.days), "days");
    unit(v.micros / MICROS_PER_HOUR, "hours");
    unit(v.micros / MICROS_PER_MINUTE % 60, "minutes");
    let seconds = v.micros % MICROS_PER_MINUTE;
    if seconds != 0 {
        if out.len() > start {
            out.push(' ');
        }
        if seconds < 0 {
            out.push('-');
        }
        let n = seconds.unsigned_abs();
        push_padded(out, n / MICROS_PER_SECOND as u64, 1);
        push_fraction(out, n % MICROS_PER_SECOND as u64, 6);
        out.push_str(" seconds");
    }
    if out.len() == start {
        out.push_str("0 seconds");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        use DayTimeField::*;
        let dt = |v, a, b, style| {
            let mut s = String::new();
            push_day_time(&mut s, v, a, b, style);
            s
        };
        assert_eq!(
            dt(-3_500_000, Day, Second, IntervalStyle::Hive),
            "-0 00:00:03.500000000"
        );
        assert_eq!(
            dt(-82_859_000_000, Day, Second, IntervalStyle::Ansi),
            "INTERVAL '-0 23:00:59' DAY TO SECOND"
        );
        assert_eq!(
            dt(2_000_000, Second, Second, IntervalStyle::Ansi),
            "INTERVAL '02' SECOND"
        );
        assert_eq!(
            dt(MICROS_PER_DAY, Day, Hour, IntervalStyle::Ansi),
            "INTERVAL '1 00' DAY TO HOUR"
        );
        let mut s = String::new();
        push_year_month(
            &mut s,
            -11,
            YearMonthField::Year,
            YearMonthField::Month,
            IntervalStyle::Ansi,
        );
        assert_eq!(s, "INTERVAL '-0-11' YEAR TO MONTH");
        let mut s = String::new();
        let v = CalendarInterval {
            months: 14,
            days: -1,
            micros: 3_600_000_000 + 1_500_000,
        };
        push_calendar(&mut s, v);
        assert_eq!(s, "1 years 2 months -1 days 1 hours 1.5 seconds");
    }
}
