//! Functions as fdlibm computes them, to the last digit: Java's `StrictMath` prescribes it. Those that the `libm` crate
//! computes alike are called there.

/// Hyperbolic cosine as fdlibm computes it, from `exp` and `expm1`.
pub(super) fn cosh(x: f64) -> f64 {
    const HALF_LN_2: f64 = 0.5 * std::f64::consts::LN_2;
    let x = x.abs();
    if x < HALF_LN_2 {
        let t = x.exp_m1();
        return if x < f64::EPSILON / 8.0 {
            1.0 + t
        } else {
            1.0 + t * t / (2.0 * (1.0 + t))
        };
    }
    if x < 22.0 {
        let t = strict_exp(x);
        return 0.5 * t + 0.5 / t;
    }
    if x < 709.0 {
        return 0.5 * strict_exp(x);
    }
    let w = strict_exp(0.5 * x);
    0.5 * w * w
}

/// Cube root by fdlibm's method: a guess from the exponent, improved to 23 bits, then one step of Newton's.
pub(super) fn cbrt(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let high = |v: f64| (v.to_bits() >> 32) as u32;
    let from_high = |h: u32| f64::from_bits(u64::from(h) << 32);
    let magnitude = x.abs();
    let guess = if high(magnitude) < 0x0010_0000 {
        // Subnormal: scaled by 2^54 first.
        from_high(high(magnitude * 18_014_398_509_481_984.0) / 3 + 696_219_795)
    } else {
        from_high(high(magnitude) / 3 + 715_094_163)
    };
    let s = 0.542_857_142_857_142_8 + guess * guess / magnitude * guess;
    let better = guess
        * (0.357_142_857_142_857_15
            + 1.607_142_857_142_857_2 / (s + 1.414_285_714_285_714_4 - 0.705_306_122_448_979_6 / s));
    let t = from_high(high(better) + 1);
    let r = magnitude / (t * t);
    (t + t * ((r - t) / (t + t + r))).copysign(x)
}

/// e^x by the method Java's StrictMath prescribes (a remainder within ±ln 2 / 2 and a rational approximation), so that
/// the last digits agree.
pub(super) fn strict_exp(x: f64) -> f64 {
    const LN2_HIGH: f64 = 0.6931471803691238;
    const LN2_LOW: f64 = 1.9082149292705877e-10;
    const P: [f64; 5] = [
        0.16666666666666602,
        -0.0027777777777015593,
        6.613756321437934e-05,
        -1.6533902205465252e-06,
        4.1381367970572385e-08,
    ];
    if x.is_nan() || x.abs() > 700.0 {
        return x.exp();
    }
    let size = x.abs();
    if size < (-28f64).exp2() {
        return 1.0 + x;
    }
    let (k, high, low) = if size <= 0.5 * std::f64::consts::LN_2 {
        (0, x, 0.0)
    } else if size < 1.5 * std::f64::consts::LN_2 {
        (x.signum() as i32, x - LN2_HIGH * x.signum(), LN2_LOW * x.signum())
    } else {
        let k = (std::f64::consts::LOG2_E * x + 0.5 * x.signum()) as i32;
        (k, x - f64::from(k) * LN2_HIGH, f64::from(k) * LN2_LOW)
    };
    let r = high - low;
    let t = r * r;
    let c = r - t * (P[0] + t * (P[1] + t * (P[2] + t * (P[3] + t * P[4]))));
    if k == 0 {
        return 1.0 - ((r * c) / (c - 2.0) - r);
    }
    let y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    y * f64::from(k).exp2()
}

#[cfg(test)]
mod tests {
    use super::{cbrt, cosh, strict_exp};

    #[test]
    fn last_digits_are_javas() {
        assert_eq!(cbrt(0.0004917598000527565), 0.0789316184453206);
        assert_eq!(cbrt(-27.0), -3.0);
        assert_eq!(cbrt(5e-324).powi(3), 5e-324);
        assert_eq!(cosh(1.0), 1.543080634815244);
        assert_eq!(cosh(-0.44103526797777937), 1.0988427673771288);
    }

    #[test]
    fn exponentials() {
        assert_eq!(strict_exp(1.0), 2.7182818284590455);
        assert_eq!(strict_exp(0.0), 1.0);
        assert!((strict_exp(-3.5) / (-3.5f64).exp() - 1.0).abs() < 1e-15);
    }
}
