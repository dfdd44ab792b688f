//! The hash code of a decimal as Scala computes it: equal numbers of all types hash alike, so a decimal that is a whole
//! number or exactly a double's text hashes like that number.

use super::item::fold;

/// Of `unscaled` * 10^-`scale`.
pub(super) fn of(unscaled: i128, scale: i8) -> i32 {
    let (digits, scale) = stripped(unscaled, i32::from(scale));
    if scale <= 0 {
        return whole(digits, -scale);
    }
    let double = format!("{digits}e-{scale}").parse::<f64>().unwrap_or(f64::NAN);
    if shortest(double) == Some((digits, scale)) {
        return of_double(double);
    }
    mix_last(big_integer(digits), scale)
}

/// Without trailing zeros.
fn stripped(mut digits: i128, mut scale: i32) -> (i128, i32) {
    if digits == 0 {
        return (0, 0);
    }
    while digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    (digits, scale)
}

/// The digits and scale of the shortest text that reads as `v`.
fn shortest(v: f64) -> Option<(i128, i32)> {
    let text = format!("{v:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let fraction = mantissa.split_once('.').map_or(0, |(_, f)| f.len() as i32);
    let digits: i128 = mantissa.replace('.', "").parse().ok()?;
    Some(stripped(digits, fraction - exponent))
}

/// A whole number: as a long if it is one.
fn whole(digits: i128, zeros: i32) -> i32 {
    let value = 10i128.checked_pow(zeros as u32).and_then(|p| digits.checked_mul(p));
    match value {
        Some(v) => match i64::try_from(v) {
            Ok(v) => of_long(v),
            Err(_) => big_integer(v),
        },
        None => big_integer(digits),
    }
}

fn of_long(v: i64) -> i32 {
    i32::try_from(v).unwrap_or_else(|_| fold(v))
}

fn of_double(v: f64) -> i32 {
    if f64::from(v as i32) == v {
        return v as i32;
    }
    if (v as i64) as f64 == v {
        return fold(v as i64);
    }
    if f64::from(v as f32) == v {
        return (v as f32).to_bits() as i32;
    }
    fold(v.to_bits() as i64)
}

/// `java.math.BigInteger.hashCode`
fn big_integer(v: i128) -> i32 {
    let magnitude = v.unsigned_abs();
    let words = [96, 64, 32, 0].map(|shift| (magnitude >> shift) as u32 as i32);
    let hash = words
        .iter()
        .skip_while(|w| **w == 0)
        .fold(0i32, |hash, w| hash.wrapping_mul(31).wrapping_add(*w));
    if v < 0 { hash.wrapping_neg() } else { hash }
}

/// `MurmurHash3.mixLast` of Scala
fn mix_last(hash: i32, data: i32) -> i32 {
    let k = data.wrapping_mul(0xcc9e_2d51_u32 as i32).rotate_left(15);
    hash ^ k.wrapping_mul(0x1b87_3593)
}
