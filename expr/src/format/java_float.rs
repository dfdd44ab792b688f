//! The digits Java (before 19) prints of a float.
//!
//! Java then did not always give the shortest digits that read back as the same value: integers keep all theirs, and
//! the test that ends the digits is a bit too careful around powers of two. Results must look like Spark's, so the
//! same rules are followed here: `d = B / S * 10^exponent`, digits are the quotients of `B / S`, and they end where
//! the rest is below `M`, half the distance to the next float. Numbers that need more than 128 bits (below 1e-25,
//! above 1e30) take the shortest digits.

use num_traits::Float;

use crate::kernel::decimal::POW10;

/// Decimal digits, the first not zero, and the power of ten of the first.
pub(super) struct Digits {
    pub digits: u64,
    pub exponent: i32,
}

/// Bits of 5^n.
fn bits_of_pow5(n: i32) -> i32 {
    // ceil(n * log2(5)) as Java's table has it, 1 for n = 0.
    if n == 0 {
        0
    } else {
        (f64::from(n) * 2.321_928_094_887_362).floor() as i32 + 1
    }
}

fn pow5(n: i32) -> Option<u128> {
    5u128.checked_pow(u32::try_from(n).ok()?)
}

fn shifted(v: u128, by: i32) -> Option<u128> {
    let by = u32::try_from(by).ok()?;
    (by < v.leading_zeros()).then(|| v << by)
}

/// Digits of a positive finite value; `None` where 128 bits do not do.
pub(super) fn digits<F: Float>(v: F) -> Option<Digits> {
    let significant: i32 = if size_of::<F>() == 4 { 24 } else { 53 };
    let (mantissa, exponent, _) = v.integer_decode();
    if mantissa == 0 || mantissa.ilog2() as i32 != significant - 1 {
        // Subnormal.
        return None;
    }
    let zeros = mantissa.trailing_zeros() as i32;
    let fraction = mantissa >> zeros;
    // Bits that count, binary exponent of the first, and how many stand behind the point.
    let n_bits = significant - zeros;
    let bin_exp = i32::from(exponent) + significant - 1;
    let tiny = (n_bits - bin_exp - 1).max(0);
    if tiny == 0 && (0..=62).contains(&bin_exp) && n_bits < 64 {
        return Some(integer(fraction << (bin_exp - n_bits + 1), bin_exp - significant - 1));
    }
    hard(u128::from(fraction), n_bits, bin_exp, tiny, significant)
}

/// An integer's digits without those that its type cannot tell apart.
fn integer(n: u64, spare_bits: i32) -> Digits {
    let spare = if spare_bits > 1 {
        spare_bits * 30_103 / 100_000
    } else {
        0
    };
    let unit = POW10[spare as usize] as u64;
    let n = n / unit + u64::from(n % unit >= unit / 2 && unit > 1);
    Digits {
        digits: n,
        exponent: n.ilog10() as i32 + spare,
    }
}

fn hard(fraction: u128, n_bits: i32, bin_exp: i32, tiny: i32, significant: i32) -> Option<Digits> {
    // An estimate of floor(log10(v)) that is exact or one too high.
    let unit = fraction as f64 / (1u64 << (n_bits - 1)) as f64;
    let estimate = (unit - 1.5) * 0.289_529_654 + 0.176_091_259 + f64::from(bin_exp) * std::f64::consts::LOG10_2;
    let mut exponent = estimate.floor() as i32;
    // Powers of two and five in B, S and M.
    let b5 = (-exponent).max(0);
    let mut b2 = b5 + tiny + bin_exp;
    let s5 = exponent.max(0);
    let mut s2 = s5 + tiny;
    let mut m2 = b2 - significant;
    b2 -= n_bits - 1;
    let common = b2.min(s2);
    b2 -= common;
    s2 -= common;
    m2 -= common;
    if n_bits == 1 {
        // Below a power of two the next float is half as far.
        m2 -= 1;
    }
    if m2 < 0 {
        b2 -= m2;
        s2 -= m2;
        m2 = 0;
    }
    // Java's two code paths differ in one comparison.
    let small = n_bits + b2 + bits_of_pow5(b5) < 64 && s2 + 1 + bits_of_pow5(s5 + 1) < 64;
    let mut b = shifted(fraction.checked_mul(pow5(b5)?)?, b2)?;
    let s = shifted(pow5(s5)?, s2)?;
    let mut m = shifted(pow5(b5)?, m2)?;
    let tens = s.checked_mul(10)?;
    // Room for the sums and products below.
    if b.max(tens).max(m).leading_zeros() < 8 {
        return None;
    }
    let mut out = 0u64;
    let mut first = true;
    let (mut low, mut high);
    loop {
        let q = b / s;
        b = (b % s) * 10;
        m = m.checked_mul(10)?;
        low = b < m;
        let sum = b.checked_add(m)?;
        high = if small { sum > tens } else { sum >= tens };
        if first && q == 0 && !high {
            exponent -= 1;
        } else {
            out = out.checked_mul(10)?.checked_add(q as u64)?;
        }
        if first && !(-3..8).contains(&exponent) {
            // Digits before and after the point.
            (low, high) = (false, false);
        }
        first = false;
        if low || high {
            break;
        }
    }
    let tie = (b * 2).cmp(&tens);
    let up = high && (!low || tie.is_gt() || tie.is_eq() && out % 2 == 1);
    let digits_before = out.max(1).ilog10();
    out += u64::from(up);
    // All nines became a one and zeros.
    exponent += (out.max(1).ilog10() - digits_before) as i32;
    Some(Digits { digits: out, exponent })
}
