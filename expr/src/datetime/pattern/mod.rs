//! Java's datetime patterns as Spark takes them: `yyyy-MM-dd HH:mm:ss.SSSXXX`.
//!
//! `compile` turns letters into items and refuses what Spark refuses, `names` holds the English names, `write` prints
//! items, `read` takes them from text, `resolve` makes a date and a time of what was read.

mod compile;
mod names;
mod read;
mod resolve;
mod write;

use rsql_common::{Error, Result, quoted_name};

use super::Zone;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct DatetimePattern {
    items: Vec<Item>,
}

/// A part of a pattern.
#[derive(Debug, Clone)]
enum Item {
    Literal(String),
    Number(Number),
    /// Two digits of a year from 2000 to 2099.
    ShortYear,
    /// Digits of the second's fraction: at least and at most.
    Fraction(usize, usize),
    /// A name, short or in full.
    Text(Field, bool),
    /// An offset such as `+01:00`.
    Offset(OffsetStyle),
    /// `GMT+1`, or in full `GMT+01:00`.
    LocalizedOffset(bool),
    /// `America/Los_Angeles`
    ZoneId,
    /// `PST`, or in full `Pacific Standard Time`.
    ZoneName(bool),
    /// `[…]`
    Optional(Vec<Item>),
}

#[derive(Debug, Clone, Copy)]
struct Number {
    field: Field,
    least: usize,
    most: usize,
    /// More digits than `least` want a plus sign.
    exceeds_pad: bool,
    /// Neither sign nor fewer digits.
    fixed: bool,
    /// Digits that directly following numbers need.
    reserved: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OffsetStyle {
    /// Minutes: always, or only when not zero.
    minutes: bool,
    /// Seconds when not zero.
    seconds: bool,
    colon: bool,
    /// Text for UTC.
    zero: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Era,
    Year,
    YearOfEra,
    Quarter,
    Month,
    Day,
    DayOfYear,
    Weekday,
    /// Day within its seven-day stretch of the month.
    AlignedDay,
    HalfDay,
    Hour,
    ClockHour,
    HourOfHalf,
    ClockHourOfHalf,
    Minute,
    Second,
}

/// What a text gave for a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedDatetime {
    /// Day number.
    pub days: i32,
    /// Nanoseconds within the day.
    pub nanos: i64,
    /// Zone, if the text named one.
    pub zone: Option<Zone>,
}

impl DatetimePattern {
    /// Compiles a pattern for writing; Spark's errors for letters it refuses.
    pub fn for_format(pattern: &str) -> Result<Self> {
        compile::compile(pattern, false).map(|items| Self { items })
    }

    /// Compiles a pattern for reading; Spark's errors for letters it refuses.
    pub fn for_parse(pattern: &str) -> Result<Self> {
        compile::compile(pattern, true).map(|items| Self { items })
    }

    /// Appends wall-clock microseconds; `zone` and `offset_seconds` serve the zone letters.
    pub fn format(&self, local: i64, zone: &Zone, offset_seconds: i32, out: &mut String) -> Result<()> {
        write::Writer::new(local, *zone, offset_seconds).items(&self.items, out);
        Ok(())
    }

    /// Appends an instant as the wall clock of `zone`.
    pub fn format_timestamp(&self, micros: i64, zone: &Zone, out: &mut String) -> Result<()> {
        let offset = zone.offset_at(micros);
        self.format(micros + i64::from(offset) * super::MICROS_PER_SECOND, zone, offset, out)
    }

    /// Reads a text; `None` if it does not fit the pattern.
    pub fn parse(&self, text: &str) -> Option<ParsedDatetime> {
        self.try_parse(text).ok()
    }

    /// Reads a text; else says why it does not fit the pattern.
    pub fn try_parse(&self, text: &str) -> Result<ParsedDatetime, String> {
        let mut reader = read::Reader::new(text);
        reader
            .items(&self.items)
            .map_err(|at| format!("Text '{text}' could not be parsed at index {at}"))?;
        if reader.at < text.len() {
            let at = reader.at;
            return Err(format!(
                "Text '{text}' could not be parsed, unparsed text found at index {at}"
            ));
        }
        reader
            .fields
            .resolve()
            .map_err(|why| format!("Text '{text}' could not be parsed: {why}"))
    }

    /// Reads an instant; `zone` is that of text without one.
    pub fn parse_timestamp(&self, text: &str, zone: &Zone) -> Option<i64> {
        let p = self.parse(text)?;
        let local = super::civil::join_micros(p.days, p.nanos / 1000)?;
        Some(p.zone.unwrap_or(*zone).to_utc(local))
    }

    /// Reads wall-clock microseconds; a zone in the text is ignored.
    pub fn parse_timestamp_ntz(&self, text: &str) -> Option<i64> {
        let p = self.parse(text)?;
        super::civil::join_micros(p.days, p.nanos / 1000)
    }
}

/// `CANNOT_PARSE_TIMESTAMP` for a text that does not fit; `func` is the function that does not raise it.
pub fn cannot_parse(func: &str, message: impl Into<String>) -> Error {
    Error::user("CANNOT_PARSE_TIMESTAMP")
        .param("func", quoted_name([func]))
        .param("message", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datetime::parse::parse_timestamp;
    use crate::datetime::text::push_timestamp;

    fn format(text: &str, pattern: &str, zone: &str) -> String {
        let zone = Zone::find(zone).unwrap();
        let mut out = String::new();
        DatetimePattern::for_format(pattern)
            .unwrap()
            .format_timestamp(parse_timestamp(text, &zone, 0).unwrap(), &zone, &mut out)
            .unwrap();
        out
    }

    #[test]
    fn formats() {
        for (pattern, want) in [
            (
                "G GGGG y yy yyy yyyy yyyyy yyyyyy D DD DDD",
                "AD Anno Domini 2020 20 2020 2020 02020 002020 67 67 067",
            ),
            ("M MM MMM MMMM L LL LLL LLLL", "3 03 Mar March 3 03 Mar March"),
            (
                "d dd Q QQ QQQ QQQQ q qq E EE EEE EEEE F",
                "7 07 1 01 Q1 1st quarter 1 01 Sat Sat Sat Saturday 7",
            ),
            ("a h hh H HH k kk K KK m mm s ss", "AM 4 04 4 04 4 04 4 04 5 05 6 06"),
            ("S SS SSS SSSSSS SSSSSSSSS", "1 12 123 123456 123456000"),
            (
                "VV z zzzz O OOOO",
                "America/Los_Angeles PST Pacific Standard Time GMT-8 GMT-08:00",
            ),
            (
                "X XX XXX x xx xxx Z ZZZZ ZZZZZ",
                "-08 -0800 -08:00 -08 -0800 -08:00 -0800 GMT-08:00 -08:00",
            ),
            ("[yyyy-MM] 'at' HH'h' ''", "2020-03 at 04h '"),
        ] {
            assert_eq!(
                format("2020-03-07 04:05:06.123456", pattern, "America/Los_Angeles"),
                want
            );
        }
        assert_eq!(
            format("2020-03-07 00:05:06", "k h K H a X Z O", "UTC"),
            "24 12 0 0 AM Z +0000 GMT"
        );
        assert_eq!(format("-0044-03-15 00:00:00", "yyyy G y yy", "UTC"), "0045 BC 45 45");
        assert_eq!(
            format("+12020-03-15 00:00:00", "yyyy yyyyy y yyyyyy yy", "UTC"),
            "+12020 12020 12020 012020 20"
        );
    }

    #[test]
    fn parses() {
        for (text, pattern, want) in [
            ("2020-1-2", "yyyy-M-d", "2020-01-02 00:00:00"),
            ("20200102030405", "yyyyMMddHHmmss", "2020-01-02 03:04:05"),
            ("2020-01-02 1 PM", "yyyy-MM-dd h a", "2020-01-02 13:00:00"),
            ("07:08", "HH:mm", "1970-01-01 07:08:00"),
            ("Mar 5 2020", "MMM d yyyy", "2020-03-05 00:00:00"),
            ("2020-060", "yyyy-DDD", "2020-02-29 00:00:00"),
            ("12/31/20", "MM/dd/yy", "2020-12-31 00:00:00"),
            (
                "2020-01-02 03:04:05.12",
                "yyyy-MM-dd HH:mm:ss.SSS",
                "2020-01-02 03:04:05.12",
            ),
            (
                "2020-01-02 03:04:05",
                "yyyy-MM-dd HH:mm:ss[.SSS]",
                "2020-01-02 03:04:05",
            ),
            (
                "2020-01-02 03:04:05 +01:00",
                "yyyy-MM-dd HH:mm:ss XXX",
                "2020-01-02 02:04:05",
            ),
            (
                "2020-01-02 03:04:05 America/Los_Angeles",
                "yyyy-MM-dd HH:mm:ss VV",
                "2020-01-02 11:04:05",
            ),
            (
                "2020-01-02 03:04:05 PST",
                "yyyy-MM-dd HH:mm:ss z",
                "2020-01-02 11:04:05",
            ),
            (
                "2020-01-02 03:04:05 GMT+8",
                "yyyy-MM-dd HH:mm:ss O",
                "2020-01-01 19:04:05",
            ),
            ("24", "k", "1970-01-01 00:00:00"),
            ("202", "yyy", "0202-01-01 00:00:00"),
            ("3 PM", "h a", "1970-01-01 15:00:00"),
            ("2020 AD", "yyyy G", "2020-01-01 00:00:00"),
            ("march 3", "MMMM d", "1970-03-03 00:00:00"),
            ("2020-02-30", "yyyy-MM-dd", ""),
            ("2020-01-02x", "yyyy-MM-dd", ""),
            ("2020-01-02 13", "yyyy-MM-dd h", ""),
            ("12345", "yyyy", ""),
            ("1", "yy", ""),
            ("2020-01-01 +8", "yyyy-MM-dd X", ""),
            ("2020-12-350", "yyyy-MM-DDD", "2020-12-15 00:00:00"),
            ("2020-11-350", "yyyy-MM-DDD", ""),
            ("31-365", "dd-DDD", "1970-12-31 00:00:00"),
        ] {
            let got = DatetimePattern::for_parse(pattern)
                .unwrap()
                .parse_timestamp(text, &Zone::UTC);
            let mut shown = String::new();
            got.inspect(|v| push_timestamp(&mut shown, *v, &Zone::UTC));
            assert_eq!(shown, want, "{text} {pattern}");
        }
    }

    #[test]
    fn refuses() {
        for (pattern, parse, want) in [
            (
                "GGGGG",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            (
                "yyyyyyy",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            ("qqqqq", false, "INVALID_DATETIME_PATTERN.LENGTH"),
            (
                "ddd",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            ("V", false, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
            ("A", false, "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"),
            (
                "e",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN",
            ),
            (
                "Y",
                true,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            (
                "E",
                true,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
            ("C", false, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
            ("XXXXXX", false, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
            ("yyyy'", false, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
            (
                "yyyy]",
                false,
                "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION",
            ),
        ] {
            let got = if parse {
                DatetimePattern::for_parse(pattern)
            } else {
                DatetimePattern::for_format(pattern)
            };
            assert_eq!(got.unwrap_err().condition(), want, "{pattern}");
        }
    }
}
