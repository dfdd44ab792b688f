//! Text to dates, timestamps and times, as casts read them.

use super::civil::{Date, join_micros};
use super::{MICROS_PER_DAY, Zone};

/// Whitespace and control characters, which casts from text ignore at both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ' || c == '\u{7f}')
}

/// `yyyy[-M[-d[ ...]]]`; years of four to seven digits with an optional sign. Text after the day is ignored if a
/// space or `T` precedes it.
pub fn parse_date(text: &str) -> Option<i32> {
    let text = trim(text);
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = [1i64, 1, 1];
    let bytes = rest.as_bytes();
    let (mut segment, mut digits, mut value, mut at) = (0usize, 0usize, 0i64, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b @ b'0'..=b'9' => {
                value = value * 10 + i64::from(b - b'0');
                digits += 1;
                if digits > 7 {
                    return None;
                }
            }
            b'-' if segment < 2 && valid_digits(segment, digits, 7) => {
                parts[segment] = value;
                (segment, digits, value) = (segment + 1, 0, 0);
            }
            b' ' | b'T' if segment == 2 => break,
            _ => return None,
        }
        at += 1;
    }
    if !valid_digits(segment, digits, 7) {
        return None;
    }
    parts[segment] = value;
    let year = i32::try_from(if negative { -parts[0] } else { parts[0] }).ok()?;
    Date {
        year,
        month: parts[1] as u32,
        day: parts[2] as u32,
    }
    .to_days()
}

fn valid_digits(segment: usize, digits: usize, year_digits: usize) -> bool {
    match segment {
        0 => (4..=year_digits).contains(&digits),
        // Fractions of any length, cut to microseconds.
        6 => true,
        _ => (1..=2).contains(&digits),
    }
}

/// The parts of a timestamp's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    /// Year, month, day, hour, minute, second, microsecond.
    fields: [i64; 7],
    zone: Option<Zone>,
    /// Only hours and below were given.
    just_time: bool,
}

impl Parts {
    fn micros_of_day(&self) -> Option<i64> {
        let [_, _, _, h, m, s, us] = self.fields;
        (h < 24 && m < 60 && s < 60).then_some(((h * 60 + m) * 60 + s) * 1_000_000 + us)
    }

    fn local(&self) -> Option<i64> {
        let days = Date {
            year: i32::try_from(self.fields[0]).ok()?,
            month: self.fields[1] as u32,
            day: self.fields[2] as u32,
        }
        .to_days()?;
        join_micros(days, self.micros_of_day()?)
    }
}

/// Reads `[+-]yyyy[-M[-d[( |T)[h[:m[:s[.f]]]][zone]]]]` and `[T]h:m[:s[.f]][zone]`.
fn parse_parts(text: &str) -> Option<Parts> {
    let text = trim(text);
    if text.is_empty() {
        return None;
    }
    let (sign, rest) = match text.as_bytes()[0] {
        b'-' => (Some(-1), &text[1..]),
        b'+' => (Some(1), &text[1..]),
        _ => (None, text),
    };
    let bytes = rest.as_bytes();
    let mut fields = [1i64, 1, 1, 0, 0, 0, 0];
    let (mut segment, mut digits, mut value) = (0usize, 0usize, 0i64);
    let mut zone = None;
    let mut just_time = false;
    let mut at = 0;
    while at < bytes.len() {
        let b = bytes[at];
        if b.is_ascii_digit() {
            if segment != 6 || digits < 6 {
                value = value.saturating_mul(10).saturating_add(i64::from(b - b'0'));
            }
            digits += 1;
            at += 1;
            continue;
        }
        if at == 0 && sign.is_none() && b == b'T' {
            just_time = true;
            segment = 3;
            at += 1;
            continue;
        }
        let (store, next) = match (segment, b) {
            (0 | 1, b'-') => (segment, segment + 1),
            (0, b':') if sign.is_none() => {
                just_time = true;
                (3, 4)
            }
            (2, b' ' | b'T') => (2, 3),
            (3 | 4, b':') => (segment, segment + 1),
            (5, b'.') => (5, 6),
            (5 | 6, _) => {
                if !valid_digits(segment, digits, 6) {
                    return None;
                }
                zone = Some(Zone::find(rest.get(at..)?.trim())?);
                break;
            }
            _ => return None,
        };
        if !valid_digits(store, digits, 6) {
            return None;
        }
        fields[store] = value;
        (segment, digits, value) = (next, 0, 0);
        at += 1;
    }
    if !valid_digits(segment, digits, 6) {
        return None;
    }
    if segment == 6 {
        for _ in digits..6 {
            value *= 10;
        }
    }
    fields[segment] = value;
    if just_time && segment < 4 {
        // `T12` alone is an hour.
        fields[3] = value;
    }
    fields[0] *= sign.unwrap_or(1);
    Some(Parts {
        fields,
        zone,
        just_time,
    })
}

/// A timestamp: an instant in microseconds. `zone` is that of text without one; `now` dates text without a date.
pub fn parse_timestamp(text: &str, zone: &Zone, now: i64) -> Option<i64> {
    let parts = parse_parts(text)?;
    let zone = parts.zone.unwrap_or(*zone);
    let local = if parts.just_time {
        zone.to_local(now).div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY + parts.micros_of_day()?
    } else {
        parts.local()?
    };
    let offset = i64::from(zone.offset_of_local(local)) * super::MICROS_PER_SECOND;
    local.checked_sub(offset)
}

/// A timestamp without time zone, in microseconds of the wall clock. A zone in the text is ignored if `allow_zone`,
/// else the text is refused.
pub fn parse_timestamp_ntz(text: &str, allow_zone: bool) -> Option<i64> {
    let parts = parse_parts(text)?;
    if parts.just_time || parts.zone.is_some() && !allow_zone {
        return None;
    }
    parts.local()
}

/// True if the text is a timestamp that names its zone.
pub fn has_zone(text: &str) -> bool {
    parse_parts(text).is_some_and(|p| p.zone.is_some())
}

/// A time of day in nanoseconds: `h:m[:s[.f]]`, optionally with AM or PM.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = trim(text);
    let tail = text.get(text.len().saturating_sub(2)..).unwrap_or("");
    let half = if tail.eq_ignore_ascii_case("AM") {
        Some(0)
    } else if tail.eq_ignore_ascii_case("PM") {
        Some(12)
    } else {
        None
    };
    let body = if half.is_some() {
        text[..text.len() - 2].trim_end()
    } else {
        text
    };
    let mut parts = parse_parts(body)?;
    if !parts.just_time || parts.zone.is_some() {
        return None;
    }
    if let Some(half) = half {
        if !(1..=12).contains(&parts.fields[3]) {
            return None;
        }
        parts.fields[3] = parts.fields[3] % 12 + half;
    }
    // Digits of nanoseconds are not part of the fields.
    let fraction = body.split_once('.').map_or("", |(_, f)| f);
    let nanos = fraction.get(6..).unwrap_or("").bytes().take(3);
    let nanos = nanos
        .chain(std::iter::repeat(b'0'))
        .take(3)
        .fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some(parts.micros_of_day()? * 1000 + nanos)
}

/// `epoch`, `now`, `today`, `tomorrow`, `yesterday` as an instant (typed literals and casts of constants).
pub fn special_timestamp(text: &str, zone: &Zone, now: i64) -> Option<i64> {
    let midnight = |days: i64| {
        let today = zone.to_local(now).div_euclid(MICROS_PER_DAY);
        Some(zone.to_utc((today + days) * MICROS_PER_DAY))
    };
    match trim(text).to_ascii_lowercase().as_str() {
        "epoch" => Some(0),
        "now" => Some(now),
        "today" => midnight(0),
        "tomorrow" => midnight(1),
        "yesterday" => midnight(-1),
        _ => None,
    }
}

/// `epoch`, `now`, `today`, `tomorrow`, `yesterday` as a day.
pub fn special_date(text: &str, zone: &Zone, now: i64) -> Option<i32> {
    let today = zone.to_local(now).div_euclid(MICROS_PER_DAY) as i32;
    match trim(text).to_ascii_lowercase().as_str() {
        "epoch" => Some(0),
        "now" | "today" => Some(today),
        "tomorrow" => Some(today + 1),
        "yesterday" => Some(today - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            (" 1970-1-2 ", Some(1)),
            ("1970", Some(0)),
            ("1970-02", Some(31)),
            ("1970-01-02 junk", Some(1)),
            ("1970-01-02T", Some(1)),
            ("-0001-01-01", Some(-719_893)),
            ("197", None),
            ("1970-13-01", None),
            ("1970-02-30", None),
            ("1970-01-", None),
            ("1970-01 x", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), days, "{text}");
        }
    }

    #[test]
    fn timestamps() {
        for (text, micros) in [
            ("1970-01-01 00:00:01", Some(1_000_000)),
            ("1970-01-01T00:00:01.5Z", Some(1_500_000)),
            ("1970-01-01 01:00:00+01:00", Some(0)),
            ("1970-01-01 01:00:00 GMT+1", Some(0)),
            ("1970-01-01 00:00:00.1234567", Some(123_456)),
            ("1970-01-01 1", Some(3_600_000_000)),
            ("1970-01-01 ", Some(0)),
            ("1970", Some(0)),
            ("00:00:05", Some(5_000_000)),
            ("T00:00:05", Some(5_000_000)),
            ("1970-01-01 24:00:00", None),
            ("1970-01-01 00:00:00 nowhere", None),
            ("x", None),
        ] {
            assert_eq!(parse_timestamp(text, &Zone::UTC, 0), micros, "{text}");
        }
        assert_eq!(parse_timestamp_ntz("1970-01-01 00:00:01Z", true), Some(1_000_000));
        assert_eq!(parse_timestamp_ntz("1970-01-01 00:00:01Z", false), None);
        assert_eq!(parse_time("01:02:03.5"), Some(3_723_500_000_000));
        assert_eq!(parse_time("12:30 am"), Some(1_800_000_000_000));
        assert_eq!(parse_time("0:0:0.12345678"), Some(123_456_780));
        assert_eq!(parse_time("25:00"), None);
    }
}
