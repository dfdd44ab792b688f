//! Time zones: fixed offsets and named regions.

use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;
use rsql_common::{Error, Result};

use super::MICROS_PER_SECOND;

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// A region with its history of offsets.
    Named(Tz),
}

/// Three-letter names that stand for a region, as in Java's `ZoneId.SHORT_IDS`.
const SHORT_IDS: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
    ("EST", "-05:00"),
    ("MST", "-07:00"),
    ("HST", "-10:00"),
];

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone::Fixed(0);

    /// The zone of an id: `UTC`, `Z`, `+01:00`, `GMT+1`, `America/Los_Angeles`, `PST`.
    pub fn find(id: &str) -> Option<Zone> {
        let id = SHORT_IDS
            .iter()
            .find(|(short, _)| *short == id)
            .map_or(id, |(_, long)| long);
        if matches!(id, "Z" | "UTC" | "GMT" | "UT") {
            return Some(Zone::UTC);
        }
        if id.starts_with(['+', '-']) {
            return offset_seconds(id).map(Zone::Fixed);
        }
        for prefix in ["UTC", "GMT", "UT"] {
            if let Some(rest) = id.strip_prefix(prefix)
                && rest.starts_with(['+', '-'])
            {
                return offset_seconds(rest).map(Zone::Fixed);
            }
        }
        match Tz::from_str(id).ok()? {
            Tz::UTC | Tz::Etc__UTC | Tz::Etc__GMT | Tz::GMT => Some(Zone::UTC),
            tz => Some(Zone::Named(tz)),
        }
    }

    /// The zone of an id, or `INVALID_TIMEZONE`.
    pub fn parse(id: &str) -> Result<Zone> {
        Zone::find(id).ok_or_else(|| Error::user("INVALID_TIMEZONE").param("timeZone", id))
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, micros: i64) -> i32 {
        match self {
            Zone::Fixed(s) => *s,
            Zone::Named(tz) => {
                let at = naive(micros.div_euclid(MICROS_PER_SECOND));
                tz.offset_from_utc_datetime(&at).fix().local_minus_utc()
            }
        }
    }

    /// Wall-clock microseconds of an instant.
    pub fn to_local(&self, micros: i64) -> i64 {
        micros.saturating_add(i64::from(self.offset_at(micros)) * MICROS_PER_SECOND)
    }

    /// Instant of wall-clock microseconds. Where the clock went back, the earlier instant; where it went forward, as
    /// if it had not yet.
    pub fn to_utc(&self, local: i64) -> i64 {
        local.saturating_sub(i64::from(self.offset_of_local(local)) * MICROS_PER_SECOND)
    }

    /// The offset [`Zone::to_utc`] uses, in seconds.
    pub fn offset_of_local(&self, local: i64) -> i32 {
        match self {
            Zone::Fixed(s) => *s,
            Zone::Named(tz) => {
                let seconds = local.div_euclid(MICROS_PER_SECOND);
                match tz.offset_from_local_datetime(&naive(seconds)) {
                    MappedLocalTime::Single(o) | MappedLocalTime::Ambiguous(o, _) => o.fix().local_minus_utc(),
                    MappedLocalTime::None => {
                        let before = naive(seconds - 86_400);
                        tz.offset_from_utc_datetime(&before).fix().local_minus_utc()
                    }
                }
            }
        }
    }
}

/// Seconds since the epoch as chrono's type; cut to its range, where no zone changes any more.
fn naive(seconds: i64) -> chrono::NaiveDateTime {
    let cut = seconds.clamp(-8_000_000_000_000, 8_000_000_000_000);
    DateTime::from_timestamp(cut, 0).unwrap_or_default().naive_utc()
}

/// `+h`, `+hh`, `+h:mm`, `+hh:m`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`, `+hhmmss`, up to 18 hours.
fn offset_seconds(text: &str) -> Option<i32> {
    let negative = text.starts_with('-');
    let rest = text.get(1..)?;
    let number = |s: &str| -> Option<i32> {
        if (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit()) {
            s.parse().ok()
        } else {
            None
        }
    };
    let (h, m, s) = if rest.contains(':') {
        let mut parts = rest.split(':');
        let (h, m, s) = (number(parts.next()?)?, number(parts.next()?)?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        (h, m, s.map_or(Some(0), number)?)
    } else {
        match rest.len() {
            1 | 2 => (number(rest)?, 0, 0),
            4 => (number(rest.get(..2)?)?, number(rest.get(2..)?)?, 0),
            6 => (
                number(rest.get(..2)?)?,
                number(rest.get(2..4)?)?,
                number(rest.get(4..)?)?,
            ),
            _ => return None,
        }
    };
    let total = h * 3600 + m * 60 + s;
    (m < 60 && s < 60 && total <= 18 * 3600).then_some(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (id, offset) in [
            ("UTC", Some(0)),
            ("Z", Some(0)),
            ("+01:00", Some(3600)),
            ("-1", Some(-3600)),
            ("GMT+1", Some(3600)),
            ("UTC-0830", Some(-8 * 3600 - 1800)),
            ("+7:5", Some(7 * 3600 + 300)),
            ("PST", Some(-8 * 3600)),
            ("Asia/Kolkata", Some(5 * 3600 + 1800)),
            ("+19:00", None),
            ("+01:60", None),
            ("Mars/Olympus", None),
        ] {
            assert_eq!(Zone::find(id).map(|z| z.offset_at(0)), offset, "{id}");
        }
    }

    #[test]
    fn gaps_and_overlaps() {
        let la = Zone::find("America/Los_Angeles").unwrap();
        let local = |h: i64| (20_158 * 24 + h) * 3_600 * MICROS_PER_SECOND; // 2025-03-11 is two days after the change
        let gap = local(2) - 2 * 24 * 3600 * MICROS_PER_SECOND; // 2025-03-09 02:00, which does not exist
        assert_eq!(la.to_local(la.to_utc(gap)), gap + 3600 * MICROS_PER_SECOND);
        assert_eq!(la.to_local(la.to_utc(local(2))), local(2));
    }
}
