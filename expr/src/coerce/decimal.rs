//! Precision and scale of decimal results.

use crate::SqlType;
use crate::types::MAX_DECIMAL_PRECISION;

const MIN_ADJUSTED_SCALE: i32 = 6;
const MAX: i32 = MAX_DECIMAL_PRECISION as i32;

/// A decimal of this precision and scale, cut to 38 digits: digits before the point are kept, and at least six after
/// it (fewer if the scale is smaller), if `allow_loss`; else both are just capped.
pub fn adjusted(precision: i32, scale: i32, allow_loss: bool) -> SqlType {
    if !allow_loss {
        return SqlType::Decimal(precision.min(MAX) as u8, scale.min(MAX) as i8);
    }
    if precision <= MAX {
        return SqlType::Decimal(precision as u8, scale as i8);
    }
    if scale < 0 {
        return SqlType::Decimal(MAX as u8, scale as i8);
    }
    let whole = precision - scale;
    let least = scale.min(MIN_ADJUSTED_SCALE);
    SqlType::Decimal(MAX as u8, (MAX - whole).max(least) as i8)
}

/// Result of `+` and `-`.
pub fn add((p1, s1): (u8, i8), (p2, s2): (u8, i8), allow_loss: bool) -> SqlType {
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let scale = s1.max(s2);
    adjusted((p1 - s1).max(p2 - s2) + scale + 1, scale, allow_loss)
}

/// Result of `*`.
pub fn multiply((p1, s1): (u8, i8), (p2, s2): (u8, i8), allow_loss: bool) -> SqlType {
    adjusted(
        i32::from(p1) + i32::from(p2) + 1,
        i32::from(s1) + i32::from(s2),
        allow_loss,
    )
}

/// Result of `/`.
pub fn divide((p1, s1): (u8, i8), (p2, s2): (u8, i8), allow_loss: bool) -> SqlType {
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    if allow_loss {
        let scale = MIN_ADJUSTED_SCALE.max(s1 + p2 + 1);
        return adjusted(p1 - s1 + s2 + scale, scale, true);
    }
    let mut whole = MAX.min(p1 - s1 + s2);
    let mut part = MAX.min(MIN_ADJUSTED_SCALE.max(s1 + p2 + 1));
    let excess = whole + part - MAX;
    if excess > 0 {
        part -= excess / 2 + 1;
        whole = MAX - part;
    }
    adjusted(whole + part, part, false)
}

/// Result of `%` and `pmod`.
pub fn remainder((p1, s1): (u8, i8), (p2, s2): (u8, i8), allow_loss: bool) -> SqlType {
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let scale = s1.max(s2);
    adjusted((p1 - s1).min(p2 - s2) + scale, scale, allow_loss)
}

/// The decimal that holds all values of both.
pub fn wider((p1, s1): (u8, i8), (p2, s2): (u8, i8), allow_loss: bool) -> SqlType {
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let scale = s1.max(s2);
    let whole = (p1 - s1).max(p2 - s2);
    if !allow_loss || whole + scale <= MAX {
        return SqlType::Decimal((whole + scale).min(MAX) as u8, scale.min(MAX) as i8);
    }
    SqlType::Decimal(MAX as u8, scale.min(MAX - whole).max(0) as i8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results() {
        let d = SqlType::Decimal;
        assert_eq!(add((15, 2), (15, 2), true), d(16, 2));
        assert_eq!(multiply((15, 2), (16, 2), true), d(32, 4));
        assert_eq!(multiply((32, 4), (16, 2), true), d(38, 6));
        assert_eq!(divide((10, 2), (10, 2), true), d(23, 13));
        assert_eq!(divide((38, 6), (38, 6), true), d(38, 6));
        assert_eq!(remainder((10, 2), (5, 3), true), d(5, 3));
        assert_eq!(multiply((38, 10), (38, 10), true), d(38, 6));
    }
}
