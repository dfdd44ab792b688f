//! Fields to a date and a time; what is missing is taken from 1970-01-01 00:00:00.

use super::{Field, ParsedDatetime};
use crate::datetime::Zone;
use crate::datetime::civil::{Date, is_leap_year};

/// What was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    values: Vec<(Field, i64)>,
    pub nanos: Option<i64>,
    pub zone: Option<Zone>,
}

impl Fields {
    /// Takes a value; false if the field has another one already.
    pub fn set(&mut self, field: Field, value: i64) -> bool {
        match self.get(field) {
            Some(known) => known == value,
            None => {
                self.values.push((field, value));
                true
            }
        }
    }

    fn get(&self, field: Field) -> Option<i64> {
        self.values.iter().find(|(f, _)| *f == field).map(|(_, v)| *v)
    }

    fn ranged(&self, field: Field, name: &str, least: i64, most: i64) -> Result<Option<i64>, String> {
        match self.get(field) {
            Some(v) if v < least || v > most => {
                let shown = if field == Field::Day {
                    "28/31".to_string()
                } else {
                    most.to_string()
                };
                Err(format!(
                    "Invalid value for {name} (valid values {least} - {shown}): {v}"
                ))
            }
            v => Ok(v),
        }
    }

    pub fn resolve(&self) -> Result<ParsedDatetime, String> {
        Ok(ParsedDatetime {
            days: self.days()?,
            nanos: self.seconds_of_day()? * 1_000_000_000 + self.nanos.unwrap_or(0),
            zone: self.zone,
        })
    }

    fn year(&self) -> Result<i64, String> {
        if let Some(y) = self.get(Field::Year) {
            return Ok(y);
        }
        let Some(y) = self.get(Field::YearOfEra) else {
            return Ok(1970);
        };
        match self.get(Field::Era) {
            Some(0) => Ok(1 - y),
            _ if y < 1 => Err(format!(
                "Invalid value for YearOfEra (valid values 1 - 999999999/1000000000): {y}"
            )),
            _ => Ok(y),
        }
    }

    fn days(&self) -> Result<i32, String> {
        let year = i32::try_from(self.year()?).map_err(|_| "Invalid value for Year".to_string())?;
        let month = self.ranged(Field::Month, "MonthOfYear", 1, 12)?;
        let day = self.ranged(Field::Day, "DayOfMonth", 1, 31)?;
        let of_year = self.ranged(Field::DayOfYear, "DayOfYear", 1, 366)?;
        let out_of_range = || format!("Invalid value for Year: {year}");
        if let Some(n) = of_year {
            if n == 366 && !is_leap_year(year) {
                return Err(format!("Invalid date 'DayOfYear 366' as '{year}' is not a leap year"));
            }
            let first = Date { year, month: 1, day: 1 }.to_days().ok_or_else(out_of_range)?;
            let days = first + n as i32 - 1;
            let date = Date::from_days(days);
            let agrees =
                month.is_none_or(|m| m == i64::from(date.month)) && day.is_none_or(|d| d == i64::from(date.day));
            return if agrees {
                Ok(days)
            } else {
                Err(format!("Conflict found: day {n} of year {year}"))
            };
        }
        let date = Date {
            year,
            month: month.unwrap_or(1) as u32,
            day: day.unwrap_or(1) as u32,
        };
        date.to_days().ok_or_else(|| {
            if date.month == 2 && date.day == 29 {
                return format!("Invalid date 'February 29' as '{year}' is not a leap year");
            }
            let (months, _) = super::names::names(Field::Month, true);
            let name = months
                .get(date.month as usize - 1)
                .map_or(String::new(), |m| m.to_uppercase());
            format!("Invalid date '{name} {}'", date.day)
        })
    }

    fn seconds_of_day(&self) -> Result<i64, String> {
        let clock = self.ranged(Field::ClockHour, "ClockHourOfDay", 1, 24)?.map(|h| h % 24);
        let hour = self.ranged(Field::Hour, "HourOfDay", 0, 23)?.or(clock);
        let clock_half = self
            .ranged(Field::ClockHourOfHalf, "ClockHourOfAmPm", 1, 12)?
            .map(|h| h % 12);
        let half_hour = self.ranged(Field::HourOfHalf, "HourOfAmPm", 0, 11)?.or(clock_half);
        let half = self.get(Field::HalfDay);
        let hour = match (hour, half_hour) {
            (Some(h), _) if half.is_some_and(|p| p != h / 12) => {
                return Err(format!("Conflict found: AmPmOfDay differs from hour {h}"));
            }
            (Some(h), _) => h,
            (None, h) => half.unwrap_or(0) * 12 + h.unwrap_or(0),
        };
        let minute = self.ranged(Field::Minute, "MinuteOfHour", 0, 59)?.unwrap_or(0);
        let second = self.ranged(Field::Second, "SecondOfMinute", 0, 59)?.unwrap_or(0);
        Ok(hour * 3600 + minute * 60 + second)
    }
}
