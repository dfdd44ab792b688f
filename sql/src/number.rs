//! Numbers: how far one reaches, and the literal it is.

use rsql_ast::Literal;
use rsql_common::{Error, Result};

use crate::token::{Symbol, TokenKind};

/// Kind and length of the first token of `chunk`, which holds letters, digits, `_`, periods, and signs of exponents.
/// The longest match wins; a number before an identifier of the same length.
pub(crate) fn next_in_chunk(chunk: &str) -> (TokenKind, usize) {
    let word = chunk
        .find(|c: char| c != '_' && !c.is_alphanumeric())
        .unwrap_or(chunk.len());
    let number = number_length(chunk.as_bytes(), chunk);
    if number > 0 && number >= word {
        (TokenKind::Number, number)
    } else if word > 0 {
        (TokenKind::Word, word)
    } else if chunk.starts_with('.') {
        (TokenKind::Symbol(Symbol::Period), 1)
    } else {
        let length = chunk.chars().next().map_or(1, char::len_utf8);
        (TokenKind::Unknown, length)
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Length of the longest number at the start, 0 if there is none.
fn number_length(bytes: &[u8], text: &str) -> usize {
    let whole = digits(bytes);
    let mut best = 0;
    if whole > 0 {
        best = with_suffix(bytes, exponent_end(bytes, whole));
        if bytes.get(whole).is_some_and(|b| b"lsyLSY".contains(b)) {
            best = best.max(whole + 1);
        }
    }
    if bytes.get(whole) == Some(&b'.') {
        let fraction = digits(&bytes[whole + 1..]);
        if whole + fraction > 0 {
            let plain = whole + 1 + fraction;
            let end = exponent_end(bytes, plain);
            for candidate in [with_suffix(bytes, end), end, with_suffix(bytes, plain), plain] {
                if candidate > best && ends_there(text, candidate) {
                    best = candidate;
                }
            }
        }
    }
    best
}

/// No letter, digit or underscore follows.
fn ends_there(text: &str, at: usize) -> bool {
    !text[at..].starts_with(|c: char| c == '_' || c.is_alphanumeric())
}

/// End of the exponent at `at`, or `at`.
fn exponent_end(bytes: &[u8], at: usize) -> usize {
    if !bytes.get(at).is_some_and(|b| b"eE".contains(b)) {
        return at;
    }
    let sign = usize::from(bytes.get(at + 1).is_some_and(|b| b"+-".contains(b)));
    match digits(&bytes[(at + 1 + sign).min(bytes.len())..]) {
        0 => at,
        n => at + 1 + sign + n,
    }
}

/// End of a suffix `F`, `D` or `BD` at `at`, or `at`.
fn with_suffix(bytes: &[u8], at: usize) -> usize {
    let upper = |i: usize| bytes.get(i).map(u8::to_ascii_uppercase);
    match (upper(at), upper(at + 1)) {
        (Some(b'B'), Some(b'D')) => at + 2,
        (Some(b'F' | b'D'), _) => at + 1,
        _ => at,
    }
}

/// The literal that `text` (sign included) stands for.
pub(crate) fn literal(text: &str, exponent_as_decimal: bool) -> Result<Literal> {
    let upper = text.to_ascii_uppercase();
    let body = |n: usize| &upper[..upper.len() - n];
    if upper.ends_with("BD") {
        return decimal(body(2));
    }
    let fractional = upper.contains(['.', 'E']);
    match upper.as_bytes().last() {
        Some(b'L') => integer(body(1), "bigint", i64::MIN, i64::MAX).map(Literal::Long),
        Some(b'S') => integer(body(1), "smallint", i16::MIN.into(), i16::MAX.into()).map(|n| Literal::Short(n as i16)),
        Some(b'Y') => integer(body(1), "tinyint", i8::MIN.into(), i8::MAX.into()).map(|n| Literal::Byte(n as i8)),
        Some(b'F') => float(body(1)),
        Some(b'D') => double(body(1)),
        _ if upper.contains('E') && !exponent_as_decimal => double(&upper),
        _ if fractional => decimal(&upper),
        _ => match upper.parse::<i64>() {
            Ok(n) => Ok(i32::try_from(n).map_or(Literal::Long(n), Literal::Int)),
            Err(_) => decimal(&upper),
        },
    }
}

fn out_of_range(raw: &str, min: impl Into<String>, max: impl Into<String>, type_name: &str) -> Error {
    Error::user("INVALID_NUMERIC_LITERAL_RANGE")
        .param("rawStrippedQualifier", raw)
        .param("minValue", min)
        .param("maxValue", max)
        .param("typeName", type_name)
}

fn integer(raw: &str, type_name: &str, min: i64, max: i64) -> Result<i64> {
    match raw.parse::<i64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => Err(out_of_range(raw, min.to_string(), max.to_string(), type_name)),
    }
}

fn float(raw: &str) -> Result<Literal> {
    const MAX: &str = "3.4028234663852886E+38";
    match raw.parse::<f64>() {
        Ok(v) if v.abs() <= f64::from(f32::MAX) => Ok(Literal::Float(raw.parse().unwrap_or(v as f32))),
        _ => Err(out_of_range(raw, format!("-{MAX}"), MAX, "float")),
    }
}

fn double(raw: &str) -> Result<Literal> {
    const MAX: &str = "1.7976931348623157E+308";
    match raw.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(Literal::Double(v)),
        _ => Err(out_of_range(raw, format!("-{MAX}"), MAX, "double")),
    }
}

/// Plain digits of a decimal with at most 38 digits.
fn decimal(raw: &str) -> Result<Literal> {
    let (mantissa, exponent) = match raw.split_once('E') {
        Some((m, e)) => (m, e.parse::<i64>().unwrap_or(i64::MAX)),
        None => (raw, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(m) => ("-", m),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let unscaled = all.trim_start_matches('0');
    let scale = (fraction.len() as i64).saturating_sub(exponent);
    let precision = if scale < 0 {
        (unscaled.len() as i64).saturating_sub(scale)
    } else {
        (unscaled.len() as i64).max(scale)
    };
    if precision > 38 {
        return Err(Error::user("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION")
            .param("precision", precision.to_string())
            .param("maxPrecision", "38"));
    }
    let mut plain = unscaled.to_string();
    if scale <= 0 {
        let zeros = if plain.is_empty() { 0 } else { (-scale) as usize };
        plain.extend(std::iter::repeat_n('0', zeros));
        if plain.is_empty() {
            plain.push('0');
        }
    } else {
        let scale = scale as usize;
        while plain.len() <= scale {
            plain.insert(0, '0');
        }
        plain.insert(plain.len() - scale, '.');
    }
    Ok(Literal::Decimal(format!("{sign}{plain}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values() {
        let cases = [
            ("1", Literal::Int(1)),
            ("-2147483648", Literal::Int(i32::MIN)),
            ("2147483648", Literal::Long(2_147_483_648)),
            ("9223372036854775808", Literal::Decimal("9223372036854775808".into())),
            ("-9223372036854775808l", Literal::Long(i64::MIN)),
            ("-128Y", Literal::Byte(-128)),
            ("7s", Literal::Short(7)),
            ("1.50", Literal::Decimal("1.50".into())),
            (".5", Literal::Decimal("0.5".into())),
            ("5.", Literal::Decimal("5".into())),
            ("1E2BD", Literal::Decimal("100".into())),
            ("12e-3bd", Literal::Decimal("0.012".into())),
            ("0.0BD", Literal::Decimal("0.0".into())),
            ("1e3", Literal::Double(1000.0)),
            ("1.5f", Literal::Float(1.5)),
            ("1D", Literal::Double(1.0)),
        ];
        for (text, want) in cases {
            assert_eq!(literal(text, false).unwrap(), want, "{text}");
        }
        assert_eq!(literal("1e3", true).unwrap(), Literal::Decimal("1000".into()));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        for text in ["128Y", "-32769S", "9223372036854775808L", "3.5e38F", "1e309"] {
            let error = literal(text, false).unwrap_err();
            assert_eq!(error.condition(), "INVALID_NUMERIC_LITERAL_RANGE", "{text}");
        }
        assert_eq!(
            literal("1.20E-38BD", false).unwrap_err().condition(),
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"
        );
    }
}
