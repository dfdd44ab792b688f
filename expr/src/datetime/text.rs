//! Dates, timestamps and times to text, as casts write them.

use super::civil::{Date, split_micros};
use super::{MICROS_PER_SECOND, Zone};

/// Appends `n` in decimal, at least `width` digits wide.
pub(crate) fn push_padded(out: &mut String, n: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    let mut rest = n;
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits[at..].iter().for_each(|d| out.push(char::from(*d)));
}

/// Appends `1970-01-01`; years beyond four digits get a sign.
pub fn push_date(out: &mut String, days: i32) {
    let d = Date::from_days(days);
    if d.year < 0 {
        out.push('-');
    } else if d.year > 9999 {
        out.push('+');
    }
    push_padded(out, u64::from(d.year.unsigned_abs()), 4);
    out.push('-');
    push_padded(out, u64::from(d.month), 2);
    out.push('-');
    push_padded(out, u64::from(d.day), 2);
}

/// Appends `00:00:00[.f]` from microseconds within a day, without trailing zeros.
pub fn push_time_of_day(out: &mut String, micros: i64) {
    let seconds = micros.div_euclid(MICROS_PER_SECOND) as u64;
    push_padded(out, seconds / 3600, 2);
    out.push(':');
    push_padded(out, seconds / 60 % 60, 2);
    out.push(':');
    push_padded(out, seconds % 60, 2);
    push_fraction(out, micros.rem_euclid(MICROS_PER_SECOND) as u64, 6);
}

/// Appends `.f` from `digits` digits of a fraction, without trailing zeros; nothing for zero.
pub fn push_fraction(out: &mut String, fraction: u64, digits: usize) {
    if fraction > 0 {
        out.push('.');
        push_padded(out, fraction, digits);
        while out.ends_with('0') {
            out.pop();
        }
    }
}

/// Appends wall-clock microseconds: `1970-01-01 00:00:00[.f]`.
pub fn push_timestamp_ntz(out: &mut String, local: i64) {
    let (days, micros) = split_micros(local);
    push_date(out, days);
    out.push(' ');
    push_time_of_day(out, micros);
}

/// Appends an instant as the wall clock of `zone`.
pub fn push_timestamp(out: &mut String, micros: i64, zone: &Zone) {
    push_timestamp_ntz(out, zone.to_local(micros));
}

/// Appends a TIME from nanoseconds of the day.
pub fn push_time(out: &mut String, nanos: i64) {
    let second = MICROS_PER_SECOND * 1000;
    push_time_of_day(out, nanos.div_euclid(second) * MICROS_PER_SECOND);
    push_fraction(out, nanos.rem_euclid(second) as u64, 9);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_zeros_go() {
        for (micros, text) in [
            (0, "1970-01-01 00:00:00"),
            (1_500_000, "1970-01-01 00:00:01.5"),
            (-1, "1969-12-31 23:59:59.999999"),
            (253_402_300_800_000_000, "+10000-01-01 00:00:00"),
        ] {
            let mut out = String::new();
            push_timestamp(&mut out, micros, &Zone::UTC);
            assert_eq!(out, text);
        }
    }
}
