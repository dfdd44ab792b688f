//! Date and time functions on constants.

use rsql_expr::{EvalOptions, Scalar, SqlType};

use crate::testing::{call_with, int, show, shown, text, typed};

fn date(y: i32, m: u32, d: u32) -> rsql_expr::Expr {
    typed(Scalar::I32(day(y, m, d)), SqlType::Date)
}

fn day(y: i32, m: u32, d: u32) -> i32 {
    rsql_expr::datetime::days_from_civil(y.into(), m, d) as i32
}

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

fn micros(y: i32, m: u32, d: u32, time: i64) -> i64 {
    i64::from(day(y, m, d)) * DAY + time
}

fn timestamp(y: i32, m: u32, d: u32, time: i64) -> rsql_expr::Expr {
    typed(Scalar::I64(micros(y, m, d, time)), SqlType::Timestamp)
}

fn long(v: i64) -> rsql_expr::Expr {
    typed(Scalar::I64(v), SqlType::Long)
}

#[test]
fn parts() {
    let d = || date(2009, 7, 30);
    let t = || timestamp(2018, 2, 14, 12 * HOUR + 58 * 60 * SECOND + 59 * SECOND + 5);
    for (name, args, want) in [
        ("year", vec![d()], "2009"),
        ("quarter", vec![d()], "3"),
        ("month", vec![d()], "7"),
        ("day", vec![d()], "30"),
        ("dayofyear", vec![date(2016, 4, 9)], "100"),
        ("weekofyear", vec![date(2008, 2, 20)], "8"),
        ("dayofweek", vec![d()], "5"),
        ("weekday", vec![d()], "3"),
        ("dayname", vec![date(2008, 2, 20)], "Wed"),
        ("monthname", vec![date(2008, 2, 20)], "Feb"),
        ("hour", vec![t()], "12"),
        ("minute", vec![t()], "58"),
        ("second", vec![t()], "59"),
        ("extract", vec![text("SECONDS"), t()], "59000005"),
        ("extract", vec![text("yearofweek"), date(2019, 1, 1)], "2019"),
        ("extract", vec![text("dow_iso"), date(2019, 1, 1)], "2"),
        ("extract", vec![text("foo"), d()], "INVALID_EXTRACT_FIELD"),
        (
            "extract",
            vec![text("month"), typed(Scalar::I32(15), SqlType::YEAR_MONTH)],
            "3",
        ),
        (
            "extract",
            vec![text("year"), typed(Scalar::I64(15), SqlType::DAY_TIME)],
            "INVALID_EXTRACT_FIELD",
        ),
        (
            "extract",
            vec![text("hour"), typed(Scalar::I64(DAY + 5 * HOUR), SqlType::DAY_TIME)],
            "5",
        ),
    ] {
        let call = format!("{name}({args:?})");
        assert_eq!(shown(name, args), want, "{call}");
    }
}

#[test]
fn arithmetic() {
    let at = |y, m, d, t| micros(y, m, d, t).to_string();
    let on = |y, m, d| day(y, m, d).to_string();
    let year_month = |m| typed(Scalar::I32(m), SqlType::YEAR_MONTH);
    let day_time = |us| typed(Scalar::I64(us), SqlType::DAY_TIME);
    let legacy = |m, d, us| typed(Scalar::Interval(m, d, us), SqlType::CalendarInterval);
    let time = |ns| typed(Scalar::I64(ns), SqlType::Time(6));
    for (name, args, want) in [
        ("date_add", vec![date(2016, 7, 30), int(1)], on(2016, 7, 31)),
        ("date_sub", vec![date(2016, 7, 30), int(30)], on(2016, 6, 30)),
        (
            "date_add",
            vec![date(2016, 7, 30), int(i32::MAX)],
            "ARITHMETIC_OVERFLOW".into(),
        ),
        (
            "date_add",
            vec![date(2016, 7, 30), long(1)],
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE".into(),
        ),
        ("datediff", vec![date(2009, 7, 30), date(2009, 7, 31)], "-1".into()),
        ("add_months", vec![date(2016, 8, 31), int(1)], on(2016, 9, 30)),
        ("last_day", vec![date(2009, 1, 12)], on(2009, 1, 31)),
        ("next_day", vec![date(2015, 1, 14), text("TU")], on(2015, 1, 20)),
        (
            "next_day",
            vec![date(2015, 1, 14), text("xx")],
            "ILLEGAL_DAY_OF_WEEK".into(),
        ),
        (
            "months_between",
            vec![
                timestamp(1997, 2, 28, 10 * HOUR + 1800 * SECOND),
                timestamp(1996, 10, 30, 0),
            ],
            "3.94959677".into(),
        ),
        (
            "months_between",
            vec![timestamp(2020, 2, 29, 0), timestamp(2020, 1, 31, 0)],
            "1.0".into(),
        ),
        (
            "timestampadd",
            vec![text("YEAR"), long(1), timestamp(2024, 2, 29, HOUR)],
            at(2025, 2, 28, HOUR),
        ),
        (
            "timestampadd",
            vec![text("MONTH"), long(-1), timestamp(2024, 3, 31, 0)],
            at(2024, 2, 29, 0),
        ),
        (
            "timestampadd",
            vec![text("YEAR"), long(1_000_000), timestamp(2024, 3, 31, 0)],
            "DATETIME_OVERFLOW".into(),
        ),
        (
            "timestampdiff",
            vec![
                text("MONTH"),
                timestamp(2024, 1, 31, 12 * HOUR),
                timestamp(2024, 2, 29, 11 * HOUR),
            ],
            "0".into(),
        ),
        (
            "timestampdiff",
            vec![text("QUARTER"), timestamp(2022, 1, 1, 0), timestamp(2023, 1, 1, 0)],
            "4".into(),
        ),
        (
            "datediff",
            vec![text("WEEK"), timestamp(2022, 1, 1, 0), timestamp(2023, 1, 1, 0)],
            "52".into(),
        ),
        ("trunc", vec![date(2019, 8, 4), text("week")], on(2019, 7, 29)),
        ("trunc", vec![date(2019, 8, 4), text("quarter")], on(2019, 7, 1)),
        ("trunc", vec![date(2019, 8, 4), text("foo")], "null".into()),
        (
            "date_trunc",
            vec![text("DD"), timestamp(2015, 3, 5, 9 * HOUR)],
            at(2015, 3, 5, 0),
        ),
        (
            "date_trunc",
            vec![text("hour"), timestamp(2015, 3, 5, 9 * HOUR + 5)],
            at(2015, 3, 5, 9 * HOUR),
        ),
        (
            "add_year_month",
            vec![date(2019, 1, 31), year_month(1)],
            on(2019, 2, 28),
        ),
        (
            "add_day_time",
            vec![date(2019, 1, 31), day_time(HOUR)],
            at(2019, 1, 31, HOUR),
        ),
        ("add_interval", vec![date(2019, 1, 31), legacy(1, 1, 0)], on(2019, 3, 1)),
        (
            "add_interval",
            vec![date(2019, 1, 31), legacy(1, 1, 7)],
            "INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION".into(),
        ),
        (
            "subtract_dates",
            vec![date(2019, 1, 2), date(2019, 1, 1)],
            DAY.to_string(),
        ),
        (
            "time_add_interval",
            vec![time(82_800_000_000_000), day_time(2 * HOUR)],
            "DATETIME_OVERFLOW".into(),
        ),
        ("subtract_times", vec![time(2_000_000), time(1_000_000)], "1000".into()),
        (
            "interval_add",
            vec![day_time(1), day_time(i64::MAX)],
            "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION".into(),
        ),
        ("interval_negate", vec![legacy(1, 2, 3)], "-1m-2d-3us".into()),
        (
            "multiply_interval",
            vec![legacy(14, 0, 0), typed(Scalar::F64(2.5), SqlType::Double)],
            "35m0d0us".into(),
        ),
        (
            "divide_interval",
            vec![legacy(14, 21, 0), int(2)],
            format!("7m10d{}us", 12 * HOUR),
        ),
        ("divide_interval", vec![day_time(DAY), int(3)], (8 * HOUR).to_string()),
        (
            "divide_interval",
            vec![day_time(DAY), int(0)],
            "INTERVAL_DIVIDED_BY_ZERO".into(),
        ),
        ("divide_interval", vec![year_month(24), int(7)], "3".into()),
        (
            "make_interval",
            vec![int(1), int(2), int(3), int(4), int(5)],
            format!("14m25d{}us", 5 * HOUR),
        ),
        ("make_interval", vec![int(178_956_971)], "ARITHMETIC_OVERFLOW".into()),
        ("try_make_interval", vec![int(178_956_971)], "null".into()),
        (
            "make_ym_interval",
            vec![int(178_956_970), int(8)],
            "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION".into(),
        ),
        (
            "time_diff",
            vec![text("HOUR"), time(0), time(7_199_000_000_000)],
            "1".into(),
        ),
        (
            "time_trunc",
            vec![text("foo"), time(0)],
            "INVALID_PARAMETER_VALUE.TIME_UNIT".into(),
        ),
        (
            "time_from_seconds",
            vec![int(90_000)],
            "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION".into(),
        ),
        ("time_from_millis", vec![long(5)], "5000000".into()),
    ] {
        let call = format!("{name}({args:?})");
        assert_eq!(shown(name, args), want, "{call}");
    }
}

#[test]
fn conversions() {
    let at = |y, m, d, t| micros(y, m, d, t).to_string();
    let seconds = |v: i64| typed(Scalar::I64(v), SqlType::Decimal(16, 6));
    let out_of_bounds = || "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION".to_string();
    let stamp = |d, h, s| vec![int(2019), int(1), int(d), int(h), int(0), seconds(s)];
    for (name, args, want) in [
        (
            "make_date",
            vec![int(2013), int(7), int(15)],
            day(2013, 7, 15).to_string(),
        ),
        ("make_date", vec![int(2019), int(2), int(30)], out_of_bounds()),
        (
            "make_timestamp",
            stamp(1, 6, 1_500_000),
            at(2019, 1, 1, 6 * HOUR + 1_500_000),
        ),
        ("make_timestamp", stamp(1, 0, 60_000_000), at(2019, 1, 1, 60 * SECOND)),
        (
            "make_timestamp",
            stamp(1, 0, 60_100_000),
            "INVALID_FRACTION_OF_SECOND".into(),
        ),
        ("make_timestamp", stamp(1, 25, 0), out_of_bounds()),
        ("try_make_timestamp", stamp(1, 25, 0), "null".into()),
        ("make_timestamp", vec![date(2014, 12, 28)], at(2014, 12, 28, 0)),
        ("unix_date", vec![date(1970, 1, 2)], "1".into()),
        (
            "unix_seconds",
            vec![timestamp(1969, 12, 31, 86_399 * SECOND + 500_000)],
            "-1".into(),
        ),
        (
            "timestamp_seconds",
            vec![typed(Scalar::F64(1.2345678), SqlType::Double)],
            "1234567".into(),
        ),
        ("timestamp_millis", vec![long(i64::MAX)], "DATETIME_OVERFLOW".into()),
        (
            "from_utc_timestamp",
            vec![timestamp(2016, 8, 31, 0), text("Asia/Seoul")],
            at(2016, 8, 31, 9 * HOUR),
        ),
        (
            "to_utc_timestamp",
            vec![timestamp(2016, 8, 31, 0), text("PST")],
            at(2016, 8, 31, 7 * HOUR),
        ),
        (
            "from_utc_timestamp",
            vec![timestamp(2016, 8, 31, 0), text("foo")],
            "INVALID_TIMEZONE".into(),
        ),
        ("to_unix_timestamp", vec![date(1970, 1, 2)], "86400".into()),
        ("to_time", vec![text("x")], "CANNOT_PARSE_TIME".into()),
        ("try_to_time", vec![text("x")], "null".into()),
        ("current_timestamp", vec![], "0".into()),
        ("current_timezone", vec![], "UTC".into()),
    ] {
        let call = format!("{name}({args:?})");
        assert_eq!(shown(name, args), want, "{call}");
    }
}

#[test]
fn zones_are_the_sessions() {
    let pacific = || EvalOptions {
        time_zone: "America/Los_Angeles".into(),
        ..EvalOptions::default()
    };
    let noon = || timestamp(2024, 7, 1, 2 * HOUR);
    for (name, args, want) in [
        ("hour", vec![noon()], "19".to_string()),
        (
            "date_trunc",
            vec![text("MONTH"), noon()],
            micros(2024, 6, 1, 7 * HOUR).to_string(),
        ),
        (
            "make_timestamp",
            vec![date(2024, 7, 1)],
            micros(2024, 7, 1, 7 * HOUR).to_string(),
        ),
        (
            "make_timestamp_ntz",
            vec![date(2024, 7, 1)],
            micros(2024, 7, 1, 0).to_string(),
        ),
    ] {
        let got = call_with(name, args, pacific()).map(|l| show(&l.value));
        assert_eq!(got.unwrap(), want, "{name}");
    }
}

#[test]
fn windows() {
    let at = |us: i64| typed(Scalar::I64(us), SqlType::TimestampNtz);
    const MINUTE: i64 = 60 * SECOND;
    for (name, args, want) in [
        (
            "window",
            vec![at(7 * MINUTE), text("5 minutes")],
            format!("({},{})", 5 * MINUTE, 10 * MINUTE),
        ),
        (
            "window",
            vec![at(-1), text("5 minutes")],
            format!("({},0)", -5 * MINUTE),
        ),
        (
            "time_windows",
            vec![at(7 * MINUTE), text("10 minutes"), text("5 minutes")],
            format!("[(0,{}),({},{})]", 10 * MINUTE, 5 * MINUTE, 15 * MINUTE),
        ),
        (
            // Windows of 7 minutes every 3 minutes: the one from 0 ends at 7.
            "time_windows",
            vec![at(7 * MINUTE), text("7 minutes"), text("3 minutes")],
            format!("[({},{}),({},{})]", 3 * MINUTE, 10 * MINUTE, 6 * MINUTE, 13 * MINUTE),
        ),
        (
            "window",
            vec![at(0), text("-5 minutes")],
            "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE".into(),
        ),
        ("window", vec![at(0), text("x")], "CANNOT_PARSE_INTERVAL".into()),
        (
            "window",
            vec![at(0), text("2 months")],
            "_LEGACY_ERROR_TEMP_3231".into(),
        ),
        (
            "window",
            vec![at(0), text("10 minutes"), text("20 minutes")],
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION".into(),
        ),
        (
            "window_time",
            vec![at(0)],
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE".into(),
        ),
    ] {
        let call = format!("{name}({args:?})");
        assert_eq!(shown(name, args), want, "{call}");
    }
}
