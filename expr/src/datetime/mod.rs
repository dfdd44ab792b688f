//! Dates, times, zones and intervals: calendar arithmetic, text to values and back, Java's datetime patterns.
//!
//! Reading order: [`civil`] (days and dates), [`zone`] (offsets), [`parse`] (casts from text), [`text`] (casts to
//! text), [`pattern`] (`yyyy-MM-dd HH:mm:ss`), [`interval`].

pub mod civil;
pub mod interval;
pub mod parse;
pub mod pattern;
pub mod text;
pub mod zone;

pub use civil::{Date, days_from_civil};
pub use interval::CalendarInterval;
pub use pattern::DatetimePattern;
pub use zone::Zone;

/// Microseconds of a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a minute.
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
/// Microseconds of an hour.
pub const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
/// Microseconds of a day of 24 hours.
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// Nanoseconds of a day of 24 hours.
pub const NANOS_PER_DAY: i64 = MICROS_PER_DAY * 1000;
