//! Literals as written. Ranges were checked by the parser; dates and times are still text.

use crate::Expr;

/// A constant in the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `NULL`
    Null,
    /// `TRUE`, `FALSE`
    Boolean(bool),
    /// `1Y`
    Byte(i8),
    /// `1S`
    Short(i16),
    /// `1`: fits 32 bits
    Int(i32),
    /// `1L`, or an unsuffixed integer beyond 32 bits
    Long(i64),
    /// `1.5`, `1.5BD`, `1E2BD`, or an integer beyond 64 bits; plain decimal digits without exponent, sign possible.
    Decimal(String),
    /// `1F`
    Float(f32),
    /// `1D`, `1E2`
    Double(f64),
    /// `'x'`, adjacent strings joined, escapes done
    String(String),
    /// `X'1F'`
    Binary(Vec<u8>),
    /// `DATE '2024-01-01'`, `TIMESTAMP '…'`, …: upper-case type name and text
    Typed {
        /// `DATE`, `TIMESTAMP`, `TIMESTAMP_LTZ`, `TIMESTAMP_NTZ`, `TIME`, or whatever else stood before the string.
        type_name: String,
        /// The string's value.
        text: String,
    },
    /// `INTERVAL '1-2' YEAR TO MONTH`: one string and a unit range.
    IntervalRange {
        /// The string with its quotes removed.
        text: String,
        /// Sign before the string: `INTERVAL -'1' DAY`.
        negative: bool,
        /// Unit before TO.
        from: IntervalUnit,
        /// Unit after TO.
        to: IntervalUnit,
    },
    /// `INTERVAL 3 DAYS 2 HOURS`, `INTERVAL '3' DAY`: value and unit pairs; a value may be any expression.
    IntervalUnits(Vec<(Expr, IntervalUnit)>),
    /// `INTERVAL '3 days 2 hours'`: text with units inside.
    IntervalText(String),
}

/// Unit of an interval literal or field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IntervalUnit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl IntervalUnit {
    /// Reads a singular or plural unit name, ignoring case.
    pub fn parse(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        Some(match lower.strip_suffix('s').unwrap_or(&lower) {
            "year" => Self::Year,
            "quarter" => Self::Quarter,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "millisecond" => Self::Millisecond,
            "microsecond" => Self::Microsecond,
            "nanosecond" => Self::Nanosecond,
            _ => return None,
        })
    }

    /// Upper-case singular name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "YEAR",
            Self::Quarter => "QUARTER",
            Self::Month => "MONTH",
            Self::Week => "WEEK",
            Self::Day => "DAY",
            Self::Hour => "HOUR",
            Self::Minute => "MINUTE",
            Self::Second => "SECOND",
            Self::Millisecond => "MILLISECOND",
            Self::Microsecond => "MICROSECOND",
            Self::Nanosecond => "NANOSECOND",
        }
    }
}
