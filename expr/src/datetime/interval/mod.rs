//! Intervals: the legacy triple of months, days and microseconds, and the two ANSI families.

mod parse;
mod text;

pub use parse::{parse_calendar, parse_day_time, parse_year_month};
pub use text::{IntervalStyle, push_calendar, push_day_time, push_year_month};

/// The value of an INTERVAL of the legacy kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CalendarInterval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}
