//! Decimals as unscaled integers.

use std::fmt::Write;

/// Powers of ten that fit an `i128`.
pub const POW10: [i128; 39] = {
    let mut p = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        p[i] = p[i - 1] * 10;
        i += 1;
    }
    p
};

/// True if `unscaled` has at most `precision` digits.
pub fn fits(unscaled: i128, precision: u8) -> bool {
    let limit = POW10[usize::from(precision.min(38))];
    unscaled < limit && unscaled > -limit
}

/// `value / 10^digits`, half away from zero.
pub fn shift_right_half_up(value: i128, digits: u32) -> i128 {
    if digits == 0 {
        return value;
    }
    if digits > 38 {
        return 0;
    }
    let divisor = POW10[digits as usize];
    let (q, r) = (value / divisor, value % divisor);
    if r.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) {
        q + value.signum()
    } else {
        q
    }
}

/// `unscaled` of scale `from` at scale `to` (HALF_UP), if it has at most `precision` digits then.
pub fn rescale(unscaled: i128, from: i8, to: i8, precision: u8) -> Option<i128> {
    let shift = i32::from(to) - i32::from(from);
    let value = if shift >= 0 {
        if unscaled == 0 {
            0
        } else {
            unscaled.checked_mul(*POW10.get(shift as usize)?)?
        }
    } else {
        shift_right_half_up(unscaled, shift.unsigned_abs())
    };
    fits(value, precision).then_some(value)
}

/// Reads `[+-]digits[.digits][e[+-]digits]`: unscaled value and scale (which may be negative). `None` if it is no
/// number; digits beyond what an `i128` holds are rounded away (HALF_UP) while the scale allows it.
pub fn parse(text: &str) -> Option<(i128, i32)> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], rest[at + 1..].parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + part.len() == 0 || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value: i128 = 0;
    let mut dropped = 0i32;
    let mut round_up = false;
    for b in whole.bytes().chain(part.bytes()) {
        let digit = i128::from(b - b'0');
        if dropped == 0 && value < POW10[37] {
            value = value * 10 + digit;
        } else {
            if dropped == 0 {
                round_up = digit >= 5;
            }
            dropped += 1;
        }
    }
    value += i128::from(round_up);
    let scale = part.len() as i32 - dropped - exponent;
    Some((if negative { -value } else { value }, scale))
}

/// Reads a number as a decimal of a precision and scale (HALF_UP): `Err(false)` if it is no number, `Err(true)` if it
/// does not fit.
pub fn parse_as(text: &str, precision: u8, scale: i8) -> Result<i128, bool> {
    let (value, from) = parse(text).ok_or(false)?;
    if value == 0 {
        return Ok(0);
    }
    let shift = i32::from(scale) - from;
    let out = if shift >= 0 {
        POW10
            .get(shift as usize)
            .and_then(|m| value.checked_mul(*m))
            .ok_or(true)?
    } else {
        shift_right_half_up(value, shift.unsigned_abs())
    };
    if fits(out, precision) { Ok(out) } else { Err(true) }
}

/// Appends a decimal without exponent: `-0.05`.
pub fn push_plain(out: &mut String, unscaled: i128, scale: i8) {
    if unscaled < 0 {
        out.push('-');
    }
    let n = unscaled.unsigned_abs();
    if scale <= 0 {
        // Writing into a string cannot fail.
        _ = write!(out, "{n}");
        if n != 0 {
            (0..-i32::from(scale)).for_each(|_| out.push('0'));
        }
        return;
    }
    let unit = POW10[usize::from(scale.unsigned_abs().min(38))].unsigned_abs();
    _ = write!(
        out,
        "{}.{:0width$}",
        n / unit,
        n % unit,
        width = scale.unsigned_abs() as usize
    );
}

/// A decimal without exponent.
pub fn to_plain(unscaled: i128, scale: i8) -> String {
    let mut out = String::new();
    push_plain(&mut out, unscaled, scale);
    out
}

/// The nearest double.
pub fn to_f64(unscaled: i128, scale: i8) -> f64 {
    // Both exact below 2^53 and 10^22: one correctly rounded division.
    if scale == 0 {
        return unscaled as f64;
    }
    if unscaled.unsigned_abs() < 1 << 53 && (0..=22).contains(&scale) {
        return unscaled as f64 / POW10[scale as usize] as f64;
    }
    format!("{unscaled}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, want) in [
            ("1.50", Some((150, 2))),
            ("-.5", Some((-5, 1))),
            ("5.", Some((5, 0))),
            ("1e3", Some((1, -3))),
            ("+2.5E-3", Some((25, 4))),
            (".", None),
            ("e5", None),
            ("1x", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
        assert_eq!(parse_as("1.005", 10, 2), Ok(101));
        assert_eq!(parse_as("1e3", 10, 2), Ok(100_000));
        assert_eq!(parse_as("123", 2, 0), Err(true));
        assert_eq!(parse_as("x", 2, 0), Err(false));
        assert_eq!(
            parse_as("99999999999999999999999999999999999999.4", 38, 0),
            Ok(POW10[37] * 10 - 1)
        );
        assert_eq!((to_plain(-5, 2), to_plain(5, -2)), ("-0.05".into(), "500".into()));
        assert_eq!(to_f64(-15, 1), -1.5);
    }

    #[test]
    fn rounds_half_away_from_zero() {
        for (v, want) in [(25, 3), (-25, -3), (24, 2), (-24, -2), (4, 0), (5, 1)] {
            assert_eq!(shift_right_half_up(v, 1), want);
        }
        assert_eq!(rescale(125, 2, 1, 10), Some(13));
        assert_eq!(rescale(99, 0, 2, 3), None);
    }
}
