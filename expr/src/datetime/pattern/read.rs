//! Text to fields.

use super::names::{ZONES, names, shown};
use super::resolve::Fields;
use super::{Field, Item, Number, OffsetStyle};
use crate::datetime::Zone;

/// A text being read. Failures are the byte at which reading stopped.
pub(super) struct Reader<'a> {
    text: &'a str,
    pub at: usize,
    pub fields: Fields,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            fields: Fields::default(),
        }
    }

    pub fn items(&mut self, items: &[Item]) -> Result<(), usize> {
        for item in items {
            match item {
                Item::Literal(text) => self.literal(text)?,
                Item::Number(n) => self.number(n)?,
                Item::ShortYear => {
                    let year = self.digits(2, 2)?;
                    self.set(Field::Year, 2000 + year)?;
                }
                Item::Fraction(least, most) => {
                    let start = self.at;
                    let value = self.digits(*least, *most)?;
                    let digits = (self.at - start) as u32;
                    let nanos = value * 10i64.pow(9 - digits);
                    if self.fields.nanos.replace(nanos).is_some_and(|known| known != nanos) {
                        return Err(start);
                    }
                }
                Item::Text(field, full) => self.name(*field, *full)?,
                Item::Offset(style) => self.offset(style)?,
                Item::LocalizedOffset(_) => self.localized()?,
                Item::ZoneId => self.zone_id()?,
                Item::ZoneName(_) => self.zone_name()?,
                Item::Optional(items) => {
                    let (at, fields) = (self.at, self.fields.clone());
                    if self.items(items).is_err() {
                        self.at = at;
                        self.fields = fields;
                    }
                }
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn set(&mut self, field: Field, value: i64) -> Result<(), usize> {
        if self.fields.set(field, value) {
            Ok(())
        } else {
            Err(self.at)
        }
    }

    fn literal(&mut self, text: &str) -> Result<(), usize> {
        let found = self.rest().get(..text.len()).filter(|t| t.eq_ignore_ascii_case(text));
        found.ok_or(self.at)?;
        self.at += text.len();
        Ok(())
    }

    /// Takes from `least` to `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Result<i64, usize> {
        let run = self.rest().bytes().take(most).take_while(u8::is_ascii_digit).count();
        if run < least {
            return Err(self.at);
        }
        let value = self.rest()[..run].parse().map_err(|_| self.at)?;
        self.at += run;
        Ok(value)
    }

    fn number(&mut self, n: &Number) -> Result<(), usize> {
        let start = self.at;
        let first = self.rest().bytes().next();
        let negative = !n.fixed && first == Some(b'-');
        let positive = n.exceeds_pad && first == Some(b'+');
        if negative || positive {
            self.at += 1;
        }
        // Digits that following numbers need are left to them.
        let run = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let most = n.most.min(run.saturating_sub(n.reserved).max(n.least));
        let from = self.at;
        let value = self.digits(n.least, most).map_err(|_| start)?;
        let taken = self.at - from;
        if n.exceeds_pad && !negative && (positive != (taken > n.least)) && (positive || n.reserved == 0) {
            self.at = start;
            return Err(start);
        }
        self.set(n.field, if negative { -value } else { value })
            .map_err(|_| start)
    }

    fn name(&mut self, field: Field, full: bool) -> Result<(), usize> {
        let (all, first) = names(field, full);
        let rest = self.rest();
        let found = all
            .iter()
            .enumerate()
            .map(|(i, name)| (i, shown(field, full, name)))
            .filter(|(_, name)| rest.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name)))
            .max_by_key(|(_, name)| name.len());
        let (i, name) = found.ok_or(self.at)?;
        self.set(field, first + i as i64)?;
        self.at += name.len();
        Ok(())
    }

    fn offset(&mut self, style: &OffsetStyle) -> Result<(), usize> {
        let start = self.at;
        if self
            .rest()
            .get(..style.zero.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(style.zero))
        {
            self.at += style.zero.len();
            self.fields.zone = Some(Zone::UTC);
            return Ok(());
        }
        let negative = match self.rest().bytes().next() {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => return Err(start),
        };
        self.at += 1;
        let hours = self.digits(2, 2).map_err(|_| start)?;
        let part = |reader: &mut Self, needed: bool| -> Result<i64, usize> {
            let before = reader.at;
            if style.colon {
                if !reader.rest().starts_with(':') {
                    return if needed { Err(start) } else { Ok(0) };
                }
                reader.at += 1;
            }
            match reader.digits(2, 2) {
                Ok(v) if v < 60 => Ok(v),
                _ if needed => Err(start),
                _ => {
                    reader.at = before;
                    Ok(0)
                }
            }
        };
        let minutes = part(self, style.minutes)?;
        let seconds = if style.seconds { part(self, false)? } else { 0 };
        self.offset_seconds(hours * 3600 + minutes * 60 + seconds, negative)
            .ok_or(start)
    }

    fn offset_seconds(&mut self, seconds: i64, negative: bool) -> Option<()> {
        if seconds > 18 * 3600 {
            return None;
        }
        let seconds = i32::try_from(seconds).ok()?;
        self.fields.zone = Some(Zone::Fixed(if negative { -seconds } else { seconds }));
        Some(())
    }

    /// `GMT`, `GMT+8`, `GMT+08:00`
    fn localized(&mut self) -> Result<(), usize> {
        self.literal("GMT")?;
        let negative = match self.rest().bytes().next() {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => {
                self.fields.zone = Some(Zone::UTC);
                return Ok(());
            }
        };
        self.at += 1;
        let mut seconds = self.digits(1, 2)? * 3600;
        for unit in [60, 1] {
            if self.rest().starts_with(':') {
                self.at += 1;
                seconds += self.digits(2, 2)? * unit;
            }
        }
        self.offset_seconds(seconds, negative).ok_or(self.at)
    }

    /// The longest zone id that stands here.
    fn zone_id(&mut self) -> Result<(), usize> {
        let rest = self.rest();
        let most = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"/_+-:~.".contains(b))
            .count();
        let (len, zone) = (1..=most)
            .rev()
            .find_map(|len| Some((len, Zone::find(&rest[..len])?)))
            .ok_or(self.at)?;
        self.fields.zone = Some(zone);
        self.at += len;
        Ok(())
    }

    fn zone_name(&mut self) -> Result<(), usize> {
        let rest = self.rest();
        let starts = |name: &str| rest.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name));
        let named = ZONES
            .iter()
            .flat_map(|(short, long, id)| [(*short, *id), (*long, *id)])
            .filter(|(name, _)| starts(name))
            .max_by_key(|(name, _)| name.len());
        match named {
            // `GMT+8` and regions are ids.
            Some((name, id)) if !rest[name.len()..].starts_with(['+', '-', '/']) => {
                self.fields.zone = Some(Zone::find(id).ok_or(self.at)?);
                self.at += name.len();
                Ok(())
            }
            _ => self.zone_id(),
        }
    }
}
