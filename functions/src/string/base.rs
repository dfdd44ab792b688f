//! `base64`, `unbase64`, `to_base32`, `from_base32`, `ascii`, `chr`.

use arrow::datatypes::{DataType, Int32Type};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsql_common::Error;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};
use rsql_expr::{EvalMode, ScalarFn};

use super::{Definitions, doc};
use crate::kernel::{BinCol, LongCol, StrCol, binary_rows, fallible, prim_rows, pure, some, text_rows};

pub(super) const ALL: Definitions = &[&BASE64, &UNBASE64, &TO_BASE32, &FROM_BASE32, &ASCII, &CHR];

/// `base64(bin)`
static BASE64: ScalarFn = pure(
    "base64",
    &[],
    doc("base64(bin)", "Base64 text of bytes.", "SELECT base64('Spark SQL')"),
    Signature::exact(&[TypeSpec::Binary], ret::STRING),
    |args| {
        let values = BinCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            STANDARD.encode_string(some!(values.get(row)), out);
            Ok(Some(()))
        })
    },
);

/// `unbase64(str)`
static UNBASE64: ScalarFn = fallible(
    "unbase64",
    &[],
    doc(
        "unbase64(str)",
        "Bytes of a Base64 text.",
        "SELECT unbase64('U3BhcmsgU1FM')",
    ),
    Signature::exact(&[TypeSpec::String], ret::BINARY),
    |args| {
        let values = StrCol::of(args, 0)?;
        binary_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            match decode_base64(text, out) {
                Some(()) => Ok(Some(())),
                None if args.mode() == EvalMode::Try => Ok(None),
                None => Err(args.error(conversion_error(text, "BASE64", "unbase64"))),
            }
        })
    },
);

/// `CONVERSION_INVALID_INPUT` about a text that is not in a format.
pub(super) fn conversion_error(text: &str, format: &str, suggestion: &str) -> Error {
    Error::user("CONVERSION_INVALID_INPUT")
        .param("str", format!("'{text}'"))
        .param("fmt", format!("'{format}'"))
        .param("targetType", "\"BINARY\"")
        .param("suggestion", format!("`try_{}`", suggestion.trim_start_matches("un")))
}

/// Appends the bytes of a MIME Base64 text: characters outside the alphabet are skipped, padding may be missing.
pub(super) fn decode_base64(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut sextets = 0usize;
    for b in text.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => continue,
        };
        sextets += 1;
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    // A single sextet is no byte.
    (sextets % 4 != 1).then_some(())
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `to_base32(bin)`
static TO_BASE32: ScalarFn = pure(
    "to_base32",
    &[],
    doc("to_base32(bin)", "Base32 text of bytes.", "SELECT to_base32('foobar')"),
    Signature::exact(&[TypeSpec::Binary], ret::STRING),
    |args| {
        let values = BinCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            for chunk in some!(values.get(row)).chunks(5) {
                let mut padded = [0u8; 8];
                padded[3..3 + chunk.len()].copy_from_slice(chunk);
                let bits = u64::from_be_bytes(padded);
                let digits = (chunk.len() * 8).div_ceil(5);
                for i in 0..8 {
                    let digit = (bits >> (35 - 5 * i) & 31) as usize;
                    out.push(if i < digits { char::from(BASE32[digit]) } else { '=' });
                }
            }
            Ok(Some(()))
        })
    },
);

/// `from_base32(str)`
static FROM_BASE32: ScalarFn = fallible(
    "from_base32",
    &[],
    doc(
        "from_base32(str)",
        "Bytes of a Base32 text.",
        "SELECT from_base32('MZXW6YTBOI======')",
    ),
    Signature::exact(&[TypeSpec::String], ret::BINARY),
    |args| {
        let values = StrCol::of(args, 0)?;
        binary_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            let (mut bits, mut held) = (0u32, 0u32);
            for b in text.trim_end_matches('=').bytes() {
                let digit = BASE32.iter().position(|d| *d == b.to_ascii_uppercase());
                let Some(digit) = digit else {
                    return Err(args.error(conversion_error(text, "BASE32", "from_base32")));
                };
                bits = bits << 5 | digit as u32;
                held += 5;
                if held >= 8 {
                    held -= 8;
                    out.push((bits >> held) as u8);
                    bits &= (1 << held) - 1;
                }
            }
            Ok(Some(()))
        })
    },
);

/// `ascii(str)`
static ASCII: ScalarFn = pure(
    "ascii",
    &[],
    doc(
        "ascii(str)",
        "Code point of the first character.",
        "SELECT ascii('222')",
    ),
    Signature::exact(&[TypeSpec::String], ret::INT),
    |args| {
        let values = StrCol::of(args, 0)?;
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            Ok(Some(some!(values.get(row)).chars().next().map_or(0, |c| c as i32)))
        })
    },
);

/// `chr(code)`
static CHR: ScalarFn = pure(
    "chr",
    &["char"],
    doc(
        "chr(code)",
        "The character of a code below 256 (taken modulo 256); empty for a negative one.",
        "SELECT chr(65)",
    ),
    Signature::exact(&[TypeSpec::Long], ret::STRING),
    |args| {
        let values = LongCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            let code = some!(values.get(row));
            if code >= 0 {
                out.push(char::from((code & 0xff) as u8));
            }
            Ok(Some(()))
        })
    },
);

#[cfg(test)]
mod tests {
    use super::decode_base64;

    #[test]
    fn lenient_base64() {
        for (text, expected) in [
            ("U3BhcmsgU1FM", Some("Spark SQL")),
            ("YQ", Some("a")),
            ("Y\nQ==", Some("a")),
            ("Y", None),
        ] {
            let mut out = Vec::new();
            let done = decode_base64(text, &mut out).map(|()| String::from_utf8(out).unwrap());
            assert_eq!(done.as_deref(), expected, "{text}");
        }
    }
}
