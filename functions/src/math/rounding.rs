//! Rounding of integers, decimals and floats at a decimal place.

/// Direction of rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Half away from zero.
    HalfUp,
    /// Half to the even digit.
    HalfEven,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
}

/// `value / divisor`, rounded; `divisor` is positive.
pub(super) fn divide(value: i128, divisor: i128, rounding: Rounding) -> i128 {
    let (q, r) = (value / divisor, value % divisor);
    if r == 0 {
        return q;
    }
    let twice = r.unsigned_abs() * 2;
    let away = match rounding {
        Rounding::HalfUp => twice >= divisor.unsigned_abs(),
        Rounding::HalfEven => twice > divisor.unsigned_abs() || (twice == divisor.unsigned_abs() && q % 2 != 0),
        Rounding::Ceiling => value > 0,
        Rounding::Floor => value < 0,
    };
    if away { q + value.signum() } else { q }
}

/// 10^n, if it fits.
pub(super) fn power_of_ten(n: u32) -> Option<i128> {
    10i128.checked_pow(n)
}

/// An unscaled decimal of scale `from`, rounded at `place` and brought to scale `to`.
pub(super) fn rescale(value: i128, from: i32, place: i32, to: i32, rounding: Rounding) -> i128 {
    let rounded = if place >= from {
        return value * power_of_ten((to - from).max(0) as u32).unwrap_or(1);
    } else {
        match power_of_ten((from - place) as u32) {
            Some(divisor) => divide(value, divisor, rounding),
            // So far left that every value is less than half a unit.
            None => match rounding {
                Rounding::Ceiling if value > 0 => 1,
                Rounding::Floor if value < 0 => -1,
                _ => 0,
            },
        }
    };
    rounded.saturating_mul(power_of_ten((to - place).max(0) as u32).unwrap_or(i128::MAX))
}

/// The decimal text of a float (`1.25e-3`), rounded at `place`.
pub(crate) fn round_text(scientific: &str, place: i32, rounding: Rounding) -> Option<String> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let negative = mantissa.starts_with('-');
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    // Digits before the place at which is rounded.
    let keep = i64::from(exponent) + 1 + i64::from(place);
    if keep >= digits.len() as i64 {
        return None;
    }
    let keep = usize::try_from(keep.max(-1) + 1).ok()?;
    // One leading zero takes a carry.
    let mut kept: Vec<u8> = std::iter::once(0).chain(digits.iter().copied()).take(keep).collect();
    let rest: Vec<u8> = if keep == 0 {
        vec![0]
    } else {
        digits[keep - 1..].to_vec()
    };
    let half = match rest.split_first() {
        Some((5, tail)) if tail.iter().all(|d| *d == 0) => std::cmp::Ordering::Equal,
        Some((d, _)) if *d >= 5 => std::cmp::Ordering::Greater,
        _ => std::cmp::Ordering::Less,
    };
    let up = match (rounding, half) {
        (_, std::cmp::Ordering::Less) => false,
        (Rounding::HalfEven, std::cmp::Ordering::Equal) => kept.last().is_some_and(|d| d % 2 == 1),
        _ => true,
    };
    if up {
        for d in kept.iter_mut().rev() {
            if *d == 9 {
                *d = 0;
            } else {
                *d += 1;
                break;
            }
        }
    }
    let text: String = kept.iter().map(|d| char::from(b'0' + d)).collect();
    let text = if text.is_empty() { "0".to_string() } else { text };
    let sign = if negative && text.bytes().any(|b| b != b'0') {
        "-"
    } else {
        ""
    };
    Some(format!("{sign}{text}e{}", -place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        for (v, from, place, to, rounding, expected) in [
            (25, 1, 0, 0, Rounding::HalfUp, 3),
            (25, 1, 0, 0, Rounding::HalfEven, 2),
            (35, 1, 0, 0, Rounding::HalfEven, 4),
            (31411, 4, 3, 3, Rounding::Ceiling, 3142),
            (31411, 4, -3, 0, Rounding::Ceiling, 1000),
            (31411, 4, -3, 0, Rounding::Floor, 0),
            (-1, 1, 0, 0, Rounding::Ceiling, 0),
            (-25, 1, 0, 0, Rounding::HalfUp, -3),
        ] {
            assert_eq!(rescale(v, from, place, to, rounding), expected, "{v} {place}");
        }
    }

    #[test]
    fn floats() {
        let round =
            |x: f64, place, r| -> f64 { round_text(&format!("{x:e}"), place, r).map_or(x, |t| t.parse().unwrap()) };
        assert_eq!(round(2.5, 0, Rounding::HalfUp), 3.0);
        assert_eq!(round(2.5, 0, Rounding::HalfEven), 2.0);
        assert_eq!(round(1.005, 2, Rounding::HalfUp), 1.01);
        assert_eq!(round(-0.4, 0, Rounding::HalfUp), 0.0);
        assert_eq!(round(99.99, 1, Rounding::HalfUp), 100.0);
        assert_eq!(round(55.0, -2, Rounding::HalfUp), 100.0);
        assert_eq!(round(45.0, -2, Rounding::HalfUp), 0.0);
        assert_eq!(round(4.0, -3, Rounding::HalfUp), 0.0);
        assert_eq!(round(123.456, 5, Rounding::HalfUp), 123.456);
    }
}
