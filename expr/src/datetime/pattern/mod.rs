//! Java's datetime patterns: `yyyy-MM-dd HH:mm:ss.SSSXXX`.

use rsql_common::{Error, Result};

use super::Zone;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct DatetimePattern {}

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
        Err(Error::unsupported(pattern))
    }

    /// Compiles a pattern for reading; Spark's errors for letters it refuses.
    pub fn for_parse(pattern: &str) -> Result<Self> {
        Err(Error::unsupported(pattern))
    }

    /// Appends wall-clock microseconds; `zone` and `offset_seconds` serve the zone letters.
    pub fn format(&self, local: i64, zone: &Zone, offset_seconds: i32, out: &mut String) -> Result<()> {
        _ = (local, zone, offset_seconds, out);
        Err(Error::unsupported("datetime pattern"))
    }

    /// Appends an instant as the wall clock of `zone`.
    pub fn format_timestamp(&self, micros: i64, zone: &Zone, out: &mut String) -> Result<()> {
        let offset = zone.offset_at(micros);
        self.format(micros + i64::from(offset) * super::MICROS_PER_SECOND, zone, offset, out)
    }

    /// Reads a text; `None` if it does not fit the pattern.
    pub fn parse(&self, text: &str) -> Option<ParsedDatetime> {
        _ = text;
        None
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
        .param("func", format!("`{func}`"))
        .param("message", message)
}
