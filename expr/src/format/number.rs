//! Numbers as Java prints them.

use std::fmt::{LowerExp, Write};

use num_traits::Float;

use crate::kernel::decimal::push_plain;

/// Appends a float as `Double.toString` and `Float.toString` do: `1.0`, `1.0E10`, `NaN`, `Infinity`.
pub fn push_float<F: Float + LowerExp>(out: &mut String, v: F) {
    if v.is_nan() {
        out.push_str("NaN");
        return;
    }
    if v.is_sign_negative() {
        out.push('-');
    }
    let v = v.abs();
    if v.is_infinite() {
        out.push_str("Infinity");
        return;
    }
    if v.is_zero() {
        out.push_str("0.0");
        return;
    }
    if v == F::min_positive_value() * F::epsilon() {
        // The least value, which Java writes with two digits.
        out.push_str(if size_of::<F>() == 4 { "1.4E-45" } else { "4.9E-324" });
        return;
    }
    // The shortest digits that read back as the same value: d[.ddd]e[-]x.
    let mut text = Digits::default();
    // Writing into the buffer cannot fail: 19 digits and an exponent fit.
    _ = match super::java_float::digits(v) {
        Some(d) => {
            let n = d.digits;
            write!(text, "{n:e}").and_then(|()| text.set_exponent(d.exponent))
        }
        None => write!(text, "{v:e}"),
    };
    let text = text.text();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (first, rest) = mantissa.split_at(1);
    let rest = rest.strip_prefix('.').unwrap_or("");
    if (-3..7).contains(&exponent) {
        if exponent < 0 {
            out.push_str("0.");
            (1..-exponent).for_each(|_| out.push('0'));
            out.push_str(first);
            out.push_str(rest);
            return;
        }
        let whole = exponent as usize;
        out.push_str(first);
        out.push_str(&rest[..whole.min(rest.len())]);
        (rest.len()..whole).for_each(|_| out.push('0'));
        out.push('.');
        out.push_str(rest.get(whole..).filter(|r| !r.is_empty()).unwrap_or("0"));
    } else {
        out.push_str(first);
        out.push('.');
        out.push_str(if rest.is_empty() { "0" } else { rest });
        _ = write!(out, "E{exponent}");
    }
}

/// A small buffer on the stack to format into.
struct Digits {
    bytes: [u8; 40],
    len: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self { bytes: [0; 40], len: 0 }
    }
}

impl Digits {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl Digits {
    /// Replaces what follows `e`.
    fn set_exponent(&mut self, exponent: i32) -> std::fmt::Result {
        self.len = self.bytes[..self.len]
            .iter()
            .position(|b| *b == b'e')
            .unwrap_or(self.len);
        write!(self, "e{exponent}")
    }
}

impl Write for Digits {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let room = self
            .bytes
            .get_mut(self.len..self.len + s.len())
            .ok_or(std::fmt::Error)?;
        room.copy_from_slice(s.as_bytes());
        self.len += s.len();
        Ok(())
    }
}

/// A float as Java prints it.
pub fn float_string<F: Float + LowerExp>(v: F) -> String {
    let mut out = String::new();
    push_float(&mut out, v);
    out
}

/// Appends a decimal as `BigDecimal.toString` does: with an exponent where the value is very small.
pub fn push_scientific_decimal(out: &mut String, unscaled: i128, scale: i8) {
    let digits = unscaled.unsigned_abs().to_string();
    let exponent = digits.len() as i32 - 1 - i32::from(scale);
    if scale >= 0 && exponent >= -6 {
        push_plain(out, unscaled, scale);
        return;
    }
    if unscaled < 0 {
        out.push('-');
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    _ = write!(out, "E{exponent:+}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats() {
        for (v, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.5, "100.5"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (1.234e10, "1.234E10"),
            (0.001, "0.001"),
            (0.00012, "1.2E-4"),
            (-1.5e-10, "-1.5E-10"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
            (123_456.789, "123456.789"),
            (9.007_199_254_740_993e17, "9.0071992547409933E17"),
            (4.9e-324, "4.9E-324"),
            (-1.0 / 2_147_483_648.0, "-4.6566128730773926E-10"),
            (1.0 / 3.0, "0.3333333333333333"),
            (2.0 / 3.0, "0.6666666666666666"),
            (1e22, "1.0E22"),
            (2e-3, "0.002"),
            (1.0 - f64::EPSILON, "0.9999999999999998"),
            (9.5e-5, "9.5E-5"),
            (1e23, "9.999999999999999E22"),
        ] {
            assert_eq!(float_string(v), text);
        }
        assert_eq!(float_string(0.1f32), "0.1");
        assert_eq!(float_string(123_456_789f32), "1.23456792E8");
    }

    #[test]
    fn decimals() {
        let text = |v, s| {
            let mut out = String::new();
            push_scientific_decimal(&mut out, v, s);
            out
        };
        assert_eq!(
            (text(15, 1), text(1, 10), text(0, 18), text(-123, 12)),
            ("1.5".into(), "1E-10".into(), "0E-18".into(), "-1.23E-10".into())
        );
    }
}
