//! The proleptic Gregorian calendar: days since 1970-01-01 to year, month, day and back.

use super::MICROS_PER_DAY;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Astronomical year: 0 is 1 BC.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The date of a day number.
    pub fn from_days(days: i32) -> Date {
        let z = i64::from(days) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Date {
            year: (yoe + era * 400 + i64::from(month <= 2)) as i32,
            month: month as u32,
            day: (doy - (153 * mp + 2) / 5 + 1) as u32,
        }
    }

    /// The day number; `None` if there is no such day or it is out of range.
    pub fn to_days(self) -> Option<i32> {
        let valid = (1..=12).contains(&self.month) && self.day >= 1 && self.day <= days_in_month(self.year, self.month);
        if valid {
            i32::try_from(days_from_civil(i64::from(self.year), self.month, self.day)).ok()
        } else {
            None
        }
    }

    /// Day of the year, from 1.
    pub fn day_of_year(self) -> u32 {
        let first = days_from_civil(i64::from(self.year), 1, 1);
        (days_from_civil(i64::from(self.year), self.month, self.day) - first + 1) as u32
    }

    /// 1 to 4.
    pub fn quarter(self) -> u32 {
        (self.month - 1) / 3 + 1
    }

    /// ISO week-based year and week.
    pub fn iso_week(self) -> (i32, u32) {
        let days = days_from_civil(i64::from(self.year), self.month, self.day);
        // The Thursday of the week decides its year.
        let thursday = days - i64::from(weekday(days as i32)) + 4;
        let year = Date::from_days(thursday as i32).year;
        let first = days_from_civil(i64::from(year), 1, 1);
        (year, ((thursday - first) / 7 + 1) as u32)
    }
}

/// Day number of a date; `month` must be 1 to 12, `day` may run over.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let m = i64::from(month);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// True for years with 366 days.
pub fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// 28 to 31.
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// ISO day of the week of a day number: Monday is 1, Sunday 7.
pub fn weekday(days: i32) -> u32 {
    ((i64::from(days) + 3).rem_euclid(7) + 1) as u32
}

/// The day `months` later; the day of month is cut to the month's length. `None` when out of range.
pub fn add_months(days: i32, months: i32) -> Option<i32> {
    let date = Date::from_days(days);
    let total = i64::from(date.year) * 12 + i64::from(date.month) - 1 + i64::from(months);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
    let day = date.day.min(days_in_month(i32::try_from(year).ok()?, month));
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// Last day of the month of a day number.
pub fn last_day(days: i32) -> i32 {
    let d = Date::from_days(days);
    days + (days_in_month(d.year, d.month) - d.day) as i32
}

/// Day number and microseconds within the day of a wall clock's microseconds.
pub fn split_micros(local: i64) -> (i32, i64) {
    (
        local.div_euclid(MICROS_PER_DAY) as i32,
        local.rem_euclid(MICROS_PER_DAY),
    )
}

/// Wall-clock microseconds of a day number and microseconds within the day.
pub fn join_micros(days: i32, micros: i64) -> Option<i64> {
    // Near the lower end the day alone is out of range while the instant is not.
    i64::try_from(i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(micros)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(year: i32, month: u32, day: u32) -> Date {
        Date { year, month, day }
    }

    #[test]
    fn days_round_trip() {
        for (date, days) in [
            (d(1970, 1, 1), 0),
            (d(2000, 2, 29), 11016),
            (d(1582, 10, 15), -141_427),
            (d(0, 1, 1), -719_528),
            (d(-1, 12, 31), -719_529),
            (d(9999, 12, 31), 2_932_896),
        ] {
            assert_eq!(Date::from_days(days), date);
            assert_eq!(date.to_days(), Some(days));
        }
        for days in (i32::MIN..i32::MAX).step_by(1_000_003) {
            let date = Date::from_days(days);
            assert_eq!(
                days_from_civil(i64::from(date.year), date.month, date.day),
                i64::from(days)
            );
        }
        assert_eq!(d(2023, 2, 29).to_days(), None);
    }

    #[test]
    fn calendar_parts() {
        assert_eq!(weekday(0), 4);
        assert_eq!(d(2021, 1, 3).iso_week(), (2020, 53));
        assert_eq!(d(2019, 12, 31).iso_week(), (2020, 1));
        assert_eq!(d(2020, 12, 31).day_of_year(), 366);
        assert_eq!(
            add_months(d(2024, 1, 31).to_days().unwrap(), 1),
            d(2024, 2, 29).to_days()
        );
        assert_eq!(
            add_months(d(2024, 1, 31).to_days().unwrap(), -13),
            d(2022, 12, 31).to_days()
        );
        assert_eq!(
            Some(last_day(d(2023, 2, 1).to_days().unwrap())),
            d(2023, 2, 28).to_days()
        );
    }
}
