//! `bin`, `conv`, `hex`, `unhex`.

use rsql_common::Error;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{EvalMode, ScalarFn, SqlType};

use super::doc;
use crate::kernel::{
    BinCol, IntCol, LongCol, StrCol, binary_rows, cast, check_count, fallible, pure, some, text_before_cast, text_rows,
};

/// `bin(expr)`
pub(super) static BIN: ScalarFn = pure(
    "bin",
    &[],
    doc("bin(expr)", "Binary digits of a BIGINT.", "SELECT bin(13)"),
    Signature::exact(&[TypeSpec::Long], ret::STRING),
    |args| {
        let values = LongCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            use std::fmt::Write;
            let _ = write!(out, "{:b}", some!(values.get(row)));
            Ok(Some(()))
        })
    },
);

/// `conv(number, fromBase, toBase)`
pub(super) static CONV: ScalarFn = fallible(
    "conv",
    &[],
    doc(
        "conv(number, fromBase, toBase)",
        "A number's digits in another base; a negative base reads the number as signed.",
        "SELECT conv('100', 2, 10)",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::Int, TypeSpec::Int], ReturnType::TextOf(0)),
    |args| {
        let (number, from, to) = (StrCol::of(args, 0)?, IntCol::of(args, 1)?, IntCol::of(args, 2)?);
        text_rows(args.rows, |row, out| {
            let (number, from, to) = (some!(number.get(row)), some!(from.get(row)), some!(to.get(row)));
            match convert(number.trim_matches(' '), from, to) {
                Conversion::Null => Ok(None),
                Conversion::Text(text) => {
                    out.push_str(&text);
                    Ok(Some(()))
                }
                Conversion::Overflow(saturated) if args.mode() != EvalMode::Ansi => {
                    out.push_str(&saturated);
                    Ok(Some(()))
                }
                Conversion::Overflow(_) => Err(args.error(
                    Error::user("ARITHMETIC_OVERFLOW")
                        .param("message", "Overflow in function conv()")
                        .param("alternative", "")
                        .param("config", "\"spark.sql.ansi.enabled\""),
                )),
            }
        })
    },
);

#[derive(Debug, PartialEq)]
enum Conversion {
    Null,
    Text(String),
    /// The number does not fit 64 bits; what the largest one gives.
    Overflow(String),
}

fn convert(number: &str, from: i32, to: i32) -> Conversion {
    let bases = 2..=36u32;
    if !bases.contains(&from.unsigned_abs()) || from < 0 || !bases.contains(&to.unsigned_abs()) || number.is_empty() {
        return Conversion::Null;
    }
    let (mut negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let mut value = 0u64;
    let mut overflow = false;
    for digit in digits.chars().map_while(|c| c.to_digit(from.unsigned_abs())) {
        match value
            .checked_mul(u64::from(from.unsigned_abs()))
            .and_then(|v| v.checked_add(u64::from(digit)))
        {
            Some(v) => value = v,
            None => {
                overflow = true;
                value = u64::MAX;
                break;
            }
        }
    }
    if negative && to > 0 {
        // A magnitude that is no signed number stays at the largest unsigned one.
        value = if (value as i64) < 0 {
            u64::MAX
        } else {
            (value as i64).wrapping_neg() as u64
        };
    }
    if to < 0 && (value as i64) < 0 {
        value = (value as i64).wrapping_neg() as u64;
        negative = true;
    }
    let mut text = String::new();
    push_radix(&mut text, value, to.unsigned_abs());
    if negative && to < 0 {
        text.insert(0, '-');
    }
    if overflow {
        Conversion::Overflow(text)
    } else {
        Conversion::Text(text)
    }
}

fn push_radix(out: &mut String, mut value: u64, base: u32) {
    let start = out.len();
    loop {
        let digit = char::from_digit((value % u64::from(base)) as u32, base).unwrap_or('0');
        out.insert(start, digit.to_ascii_uppercase());
        value /= u64::from(base);
        if value == 0 {
            return;
        }
    }
}

/// `hex(expr)`
pub(super) static HEX: ScalarFn = pure(
    "hex",
    &[],
    doc(
        "hex(expr)",
        "Hexadecimal digits of a BIGINT, or of the bytes of a text or binary.",
        "SELECT hex(17)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(1), cx)?;
            let bound =
                args.iter().map(|a| match a.ty() {
                    SqlType::Binary => Ok(a.clone()),
                    t if t.is_string() => Ok(cast(a.clone(), &SqlType::Binary, cx)),
                    t if t.is_ansi_interval() => Ok(cast(cast(a.clone(), &SqlType::String, cx), &SqlType::Binary, cx)),
                    t if t.is_nested() || t.is_datetime() || t == SqlType::Boolean => Err(
                        crate::kernel::unexpected_input(&args, 0, "(\"BIGINT\" or \"BINARY\" or \"STRING\")", cx),
                    ),
                    _ => rsql_expr::coerce::implicit_cast(a.clone(), TypeSpec::Long, 0, cx),
                });
            bound.collect()
        },
        ReturnType::Of(text_before_cast),
    ),
    |args| {
        if args.ty(0) == SqlType::Binary {
            let values = BinCol::of(args, 0)?;
            return text_rows(args.rows, |row, out| {
                push_hex(out, some!(values.get(row)));
                Ok(Some(()))
            });
        }
        let values = LongCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            use std::fmt::Write;
            let _ = write!(out, "{:X}", some!(values.get(row)));
            Ok(Some(()))
        })
    },
);

/// Appends bytes as upper-case hexadecimal digits.
pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
}

/// `unhex(expr)`
pub(super) static UNHEX: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "unhex",
        &[],
        doc(
            "unhex(expr)",
            "Bytes of hexadecimal digits; NULL if there are other characters.",
            "SELECT unhex('537061726B')",
        ),
        Signature::exact(&[TypeSpec::String], ret::BINARY),
        |args| {
            let values = StrCol::of(args, 0)?;
            binary_rows(args.rows, |row, out| Ok(decode_hex(some!(values.get(row)), out)))
        },
    )
};

/// Appends the bytes of hexadecimal digits; an odd first digit is a byte of its own.
pub(crate) fn decode_hex(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let nibble = |b: &u8| char::from(*b).to_digit(16).map(|d| d as u8);
    let bytes = text.as_bytes();
    let (first, pairs) = bytes.split_at(bytes.len() % 2);
    for b in first {
        out.push(nibble(b)?);
    }
    for pair in pairs.chunks_exact(2) {
        out.push(nibble(&pair[0])? << 4 | nibble(&pair[1])?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions() {
        for (number, from, to, expected) in [
            ("100", 2, 10, "4"),
            ("-10", 16, -10, "-16"),
            ("-1", 10, 16, "FFFFFFFFFFFFFFFF"),
            ("11abc", 10, 16, "B"),
            ("abc", 10, 16, "0"),
        ] {
            assert_eq!(convert(number, from, to), Conversion::Text(expected.into()), "{number}");
        }
        assert!(matches!(
            convert("92233720368547758070", 10, 16),
            Conversion::Overflow(_)
        ));
        assert_eq!(convert("", 10, 16), Conversion::Null);
    }
}
