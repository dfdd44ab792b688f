//! Items to text.

use chrono::{DateTime, TimeZone};
use chrono_tz::OffsetName;

use super::names::{ZONES, names, shown};
use super::{Field, Item, Number, OffsetStyle};
use crate::datetime::civil::{Date, split_micros, weekday};
use crate::datetime::text::push_padded;
use crate::datetime::{MICROS_PER_SECOND, Zone};

/// A wall clock being written.
pub(super) struct Writer {
    date: Date,
    days: i32,
    /// Seconds of the day.
    seconds: i64,
    micros: i64,
    instant_seconds: i64,
    zone: Zone,
    offset: i32,
}

impl Writer {
    pub fn new(local: i64, zone: Zone, offset: i32) -> Self {
        let (days, micros) = split_micros(local);
        Self {
            date: Date::from_days(days),
            days,
            seconds: micros / MICROS_PER_SECOND,
            micros: micros % MICROS_PER_SECOND,
            instant_seconds: local.div_euclid(MICROS_PER_SECOND) - i64::from(offset),
            zone,
            offset,
        }
    }

    pub fn items(&self, items: &[Item], out: &mut String) {
        for item in items {
            match item {
                Item::Literal(text) => out.push_str(text),
                Item::Number(n) => self.number(n, out),
                Item::ShortYear => push_padded(out, u64::from(self.era_year().unsigned_abs() % 100), 2),
                Item::Fraction(_, digits) => {
                    let digits = *digits as u32;
                    let nanos = self.micros as u64 * 1000;
                    push_padded(out, nanos / 10u64.pow(9 - digits), digits as usize);
                }
                Item::Text(field, full) => {
                    let (names, first) = names(*field, *full);
                    let at = usize::try_from(self.value(*field) - first).unwrap_or(0);
                    out.push_str(names.get(at).map_or("", |n| shown(*field, *full, n)));
                }
                Item::Offset(style) => push_offset(self.offset, style, out),
                Item::LocalizedOffset(full) => push_localized(self.offset, *full, out),
                Item::ZoneId => self.zone_id(out),
                Item::ZoneName(full) => self.zone_name(*full, out),
                Item::Optional(items) => self.items(items, out),
            }
        }
    }

    fn era_year(&self) -> i32 {
        if self.date.year > 0 {
            self.date.year
        } else {
            1 - self.date.year
        }
    }

    fn value(&self, field: Field) -> i64 {
        let hour = self.seconds / 3600;
        match field {
            Field::Era => i64::from(self.date.year > 0),
            Field::Year => i64::from(self.date.year),
            Field::YearOfEra => i64::from(self.era_year()),
            Field::Quarter => i64::from(self.date.quarter()),
            Field::Month => i64::from(self.date.month),
            Field::Day => i64::from(self.date.day),
            Field::DayOfYear => i64::from(self.date.day_of_year()),
            Field::Weekday => i64::from(weekday(self.days)),
            Field::AlignedDay => i64::from((self.date.day - 1) % 7 + 1),
            Field::HalfDay => hour / 12,
            Field::Hour => hour,
            Field::ClockHour => {
                if hour == 0 {
                    24
                } else {
                    hour
                }
            }
            Field::HourOfHalf => hour % 12,
            Field::ClockHourOfHalf => (hour + 11) % 12 + 1,
            Field::Minute => self.seconds / 60 % 60,
            Field::Second => self.seconds % 60,
        }
    }

    fn number(&self, n: &Number, out: &mut String) {
        let value = self.value(n.field);
        if value < 0 {
            out.push('-');
        } else if n.exceeds_pad && n.least < 19 && value >= 10i64.pow(n.least as u32) {
            out.push('+');
        }
        push_padded(out, value.unsigned_abs(), n.least);
    }

    fn zone_id(&self, out: &mut String) {
        match self.zone {
            Zone::Fixed(0) => out.push_str("UTC"),
            Zone::Fixed(_) => push_offset(self.offset, &COLONS, out),
            Zone::Named(tz) => out.push_str(tz.name()),
        }
    }

    fn zone_name(&self, full: bool, out: &mut String) {
        let short = match self.zone {
            Zone::Fixed(0) => "UTC".to_string(),
            Zone::Fixed(_) => return push_offset(self.offset, &COLONS, out),
            Zone::Named(tz) => {
                let at = DateTime::from_timestamp(self.instant_seconds, 0).unwrap_or_default();
                let offset = tz.offset_from_utc_datetime(&at.naive_utc());
                offset.abbreviation().unwrap_or(tz.name()).to_string()
            }
        };
        let long = ZONES.iter().find(|(abbreviation, ..)| *abbreviation == short);
        match long {
            Some((_, long, _)) if full => out.push_str(long),
            _ => out.push_str(&short),
        }
    }
}

const COLONS: OffsetStyle = OffsetStyle {
    minutes: true,
    seconds: true,
    colon: true,
    zero: "Z",
};

fn push_offset(offset: i32, style: &OffsetStyle, out: &mut String) {
    if offset == 0 {
        out.push_str(style.zero);
        return;
    }
    let total = u64::from(offset.unsigned_abs());
    let (h, m, s) = (total / 3600, total / 60 % 60, total % 60);
    out.push(if offset < 0 { '-' } else { '+' });
    push_padded(out, h, 2);
    if style.minutes || m != 0 {
        if style.colon {
            out.push(':');
        }
        push_padded(out, m, 2);
    }
    if style.seconds && s != 0 {
        if style.colon {
            out.push(':');
        }
        push_padded(out, s, 2);
    }
}

fn push_localized(offset: i32, full: bool, out: &mut String) {
    out.push_str("GMT");
    if offset == 0 {
        return;
    }
    let total = u64::from(offset.unsigned_abs());
    let (h, m, s) = (total / 3600, total / 60 % 60, total % 60);
    out.push(if offset < 0 { '-' } else { '+' });
    push_padded(out, h, if full { 2 } else { 1 });
    if full || m != 0 || s != 0 {
        out.push(':');
        push_padded(out, m, 2);
    }
    if s != 0 {
        out.push(':');
        push_padded(out, s, 2);
    }
}
