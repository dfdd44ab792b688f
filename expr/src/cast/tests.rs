//! Tests of casts: SQL-like triples of value, type, result.

use rsql_common::Error;

use super::*;
use crate::format::hive_string;
use crate::{Literal, Scalar, literal_array};

fn run(value: &Literal, to: &SqlType, mode: EvalMode) -> Result<String, Error> {
    let options = EvalOptions {
        time_zone: "America/Los_Angeles".into(),
        ansi: mode != EvalMode::Legacy,
        ..EvalOptions::default()
    };
    let out = cast_array(&literal_array(value)?, &value.ty, to, mode, &options, Origin::default())?;
    assert_eq!(out.data_type(), &to.arrow(), "{value} to {to}");
    hive_string(&out, 0, to, &options)
}

fn text(s: &str) -> Literal {
    Literal::string(s)
}

#[test]
fn ansi_casts() {
    use SqlType::*;
    let d = |v| Literal::new(Scalar::F64(v), Double);
    let ts = |v| Literal::new(Scalar::I64(v), Timestamp);
    for (v, to, want) in [
        (text(" 12 "), Int, "12"),
        (text("1.5"), Int, "CAST_INVALID_INPUT"),
        (text("128"), Byte, "CAST_INVALID_INPUT"),
        (text("1e3"), Decimal(10, 2), "1000.00"),
        (
            text("12345"),
            Decimal(3, 0),
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        ),
        (text("-Infinity"), Double, "-Infinity"),
        (text("1.0d"), Double, "1.0"),
        (text("Yes"), Boolean, "true"),
        (text("tru"), Boolean, "CAST_INVALID_INPUT"),
        (text("2020-1-2"), Date, "2020-01-02"),
        (text("2020-01-02 03:04:05.60"), Timestamp, "2020-01-02 03:04:05.6"),
        (text("2020-01-02 03:04:05Z"), Timestamp, "2020-01-01 19:04:05"),
        (text("2020-01-02 03:04:05Z"), TimestampNtz, "2020-01-02 03:04:05"),
        (text("12:34:56.789"), Time(2), "12:34:56.78"),
        (text("1-2"), SqlType::YEAR_MONTH, "1-2"),
        (
            text("x"),
            SqlType::YEAR_MONTH,
            "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING",
        ),
        (text("abc"), CalendarInterval, "NULL"),
        (text("abc"), Binary, "abc"),
        (Literal::int(300), Byte, "CAST_OVERFLOW"),
        (Literal::int(5), Decimal(5, 2), "5.00"),
        (
            Literal::int(1000),
            Decimal(4, 2),
            "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        ),
        (
            Literal::int(7),
            SqlType::DayTimeInterval(crate::types::DayTimeField::Day, crate::types::DayTimeField::Day),
            "7 00:00:00.000000000",
        ),
        (d(1.9), Int, "1"),
        (d(-1.9), Long, "-1"),
        (d(1e20), Long, "CAST_OVERFLOW"),
        (d(f64::NAN), Int, "CAST_OVERFLOW"),
        (d(f64::NAN), Decimal(10, 2), "NULL"),
        (d(1.005), Decimal(10, 2), "1.01"),
        (d(1e10), String, "1.0E10"),
        (Literal::decimal(1299, 4, 2), Int, "12"),
        (Literal::decimal(1299, 4, 2), Decimal(3, 1), "13.0"),
        (Literal::decimal(1299, 4, 2), Double, "12.99"),
        (Literal::decimal(1, 10, 9), String, "0.000000001"),
        (Literal::bool(true), Decimal(3, 1), "1.0"),
        (Literal::bool(true), Int, "1"),
        (Literal::int(0), Boolean, "false"),
        (ts(500_000), Double, "0.5"),
        (ts(1_600_000_000_500_000), Decimal(20, 3), "1600000000.500"),
        (ts(1_600_000_000_500_000), Byte, "CAST_OVERFLOW"),
        (ts(1_600_000_000_500_000), Date, "2020-09-13"),
        (ts(1_600_000_000_500_000), TimestampNtz, "2020-09-13 05:26:40.5"),
        (Literal::new(Scalar::I32(0), Date), Timestamp, "1970-01-01 00:00:00"),
        (Literal::long(5), Timestamp, "1969-12-31 16:00:05"),
        (Literal::null(Void), Int, "NULL"),
    ] {
        let got = run(&v, &to, EvalMode::Ansi).unwrap_or_else(|e| e.condition().to_string());
        assert_eq!(got, want, "{v} to {to}");
        if want.contains('_') {
            assert_eq!(run(&v, &to, EvalMode::Try).unwrap(), "NULL", "try {v} to {to}");
        }
    }
}

#[test]
fn legacy_casts() {
    use SqlType::*;
    for (v, to, want) in [
        (text("1.5"), Int, "1"),
        (text("x"), Int, "NULL"),
        (Literal::int(300), Byte, "44"),
        (Literal::double(1e20), Int, "2147483647"),
        (Literal::double(1e20), Byte, "-1"),
        (Literal::decimal(30_000, 5, 2), Byte, "44"),
        (Literal::int(1000), Decimal(4, 2), "NULL"),
        (Literal::decimal(1, 10, 9), String, "1E-9"),
        (Literal::int(65), Binary, "\0\0\0A"),
        (Literal::new(Scalar::I32(0), Date), Int, "NULL"),
    ] {
        assert_eq!(run(&v, &to, EvalMode::Legacy).unwrap(), want, "{v} to {to}");
    }
}

#[test]
fn nested_casts() {
    let list = Literal::new(
        Scalar::Array([Scalar::Str("1".into()), Scalar::Null].into()),
        SqlType::array(SqlType::String),
    );
    assert_eq!(
        run(&list, &SqlType::array(SqlType::Int), EvalMode::Ansi).unwrap(),
        "[1,null]"
    );
    assert_eq!(run(&list, &SqlType::String, EvalMode::Ansi).unwrap(), "[1, null]");
    let pair = Literal::new(
        Scalar::Struct([Scalar::I32(1), Scalar::I32(2)].into()),
        SqlType::structure([("a", SqlType::Int, true), ("b", SqlType::Int, true)]),
    );
    let to = SqlType::structure([("x", SqlType::String, true), ("y", SqlType::Double, true)]);
    assert_eq!(run(&pair, &to, EvalMode::Ansi).unwrap(), "{\"x\":\"1\",\"y\":2.0}");
}
