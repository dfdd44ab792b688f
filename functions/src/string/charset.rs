//! `encode`, `decode`, `to_binary`, `try_to_binary`.

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{CompareOp, EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::base::{conversion_error, decode_base64};
use super::{Definitions, doc};
use crate::kernel::{
    BinCol, StrCol, binary_rows, cast, check_count, constant_text, fallible, rewritten, some, text_rows, to_common,
};

pub(super) const ALL: Definitions = &[
    &ENCODE,
    &DECODE,
    &DECODE_BYTES,
    &TO_BINARY,
    &TRY_TO_BINARY,
    &PARSE_BYTES,
];

/// Character sets by name.
#[derive(Clone, Copy)]
enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16,
    Utf16Be,
    Utf16Le,
    Utf32,
}

impl Charset {
    fn find(args: &EvalArgs<'_>, name: &str) -> Result<Self> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "US-ASCII" => Self::Ascii,
            "ISO-8859-1" => Self::Latin1,
            "UTF-8" => Self::Utf8,
            "UTF-16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            "UTF-32" => Self::Utf32,
            _ => {
                return Err(args.error(
                    Error::user("INVALID_PARAMETER_VALUE.CHARSET")
                        .param("parameter", "`charset`")
                        .param("functionName", quoted_name([public_name(args)]))
                        .param("charset", name)
                        .param(
                            "charsets",
                            "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8",
                        ),
                ));
            }
        })
    }

    fn encode(self, text: &str, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Utf8 => out.extend_from_slice(text.as_bytes()),
            Self::Ascii if text.is_ascii() => out.extend_from_slice(text.as_bytes()),
            Self::Ascii => return None,
            Self::Latin1 => {
                for c in text.chars() {
                    out.push(u8::try_from(u32::from(c)).ok()?);
                }
            }
            Self::Utf16 => {
                if !text.is_empty() {
                    out.extend_from_slice(&[0xfe, 0xff]);
                }
                text.encode_utf16().for_each(|u| out.extend(u.to_be_bytes()));
            }
            Self::Utf16Be => text.encode_utf16().for_each(|u| out.extend(u.to_be_bytes())),
            Self::Utf16Le => text.encode_utf16().for_each(|u| out.extend(u.to_le_bytes())),
            Self::Utf32 => text.chars().for_each(|c| out.extend(u32::from(c).to_be_bytes())),
        }
        Some(())
    }

    fn decode(self, bytes: &[u8], out: &mut String) -> Option<()> {
        let units = |little: bool, bytes: &[u8]| -> Option<Vec<u16>> {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let read = if little { u16::from_le_bytes } else { u16::from_be_bytes };
            rest.is_empty().then(|| pairs.iter().map(|p| read(*p)).collect())
        };
        match self {
            Self::Utf8 => out.push_str(std::str::from_utf8(bytes).ok()?),
            Self::Ascii if bytes.is_ascii() => out.push_str(std::str::from_utf8(bytes).ok()?),
            Self::Ascii => return None,
            Self::Latin1 => out.extend(bytes.iter().map(|b| char::from(*b))),
            Self::Utf16 => {
                let (little, rest) = match bytes {
                    [0xff, 0xfe, rest @ ..] => (true, rest),
                    [0xfe, 0xff, rest @ ..] => (false, rest),
                    rest => (false, rest),
                };
                out.push_str(&String::from_utf16(&units(little, rest)?).ok()?);
            }
            Self::Utf16Be => out.push_str(&String::from_utf16(&units(false, bytes)?).ok()?),
            Self::Utf16Le => out.push_str(&String::from_utf16(&units(true, bytes)?).ok()?),
            Self::Utf32 => {
                let (quads, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return None;
                }
                for quad in quads {
                    out.push(char::from_u32(u32::from_be_bytes(*quad))?);
                }
            }
        }
        Some(())
    }
}

/// The name users know the running function by.
fn public_name(args: &EvalArgs<'_>) -> &'static str {
    if args.call.func.as_ref() == "encode" {
        "encode"
    } else {
        "decode"
    }
}

fn malformed(args: &EvalArgs<'_>, charset: &str) -> Error {
    args.error(
        Error::user("MALFORMED_CHARACTER_CODING")
            .param("function", quoted_name([public_name(args)]))
            .param("charset", charset),
    )
}

/// `encode(str, charset)`
static ENCODE: ScalarFn = fallible(
    "encode",
    &[],
    doc(
        "encode(str, charset)",
        "Bytes of a text in a character set.",
        "SELECT encode('abc', 'utf-8')",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::String], ret::BINARY),
    |args| {
        let (texts, charsets) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
        binary_rows(args.rows, |row, out| {
            let (text, name) = (some!(texts.get(row)), some!(charsets.get(row)));
            match Charset::find(args, name)?.encode(text, out) {
                Some(()) => Ok(Some(())),
                None => Err(malformed(args, name)),
            }
        })
    },
);

/// `decode(bin, charset)`, and `decode(expr, search, result[, ...][, default])`.
static DECODE: ScalarFn = rewritten(
    "decode",
    &[],
    doc(
        "decode(bin, charset), decode(expr, search, result[, ...][, default])",
        "Text of bytes in a character set; or the result that stands behind the search value equal to expr.",
        "SELECT decode(encode('abc', 'utf-8'), 'utf-8')",
    ),
    |args, cx| {
        check_count(&args, 2, None, cx)?;
        if args.len() == 2 {
            DECODE_BYTES.resolve(args, cx)
        } else {
            search(args, cx)
        }
    },
);

/// CASE over null-safe comparisons.
fn search(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    let mut args = args.into_iter();
    let subject = args.next().unwrap_or_default();
    let rest: Vec<Expr> = args.collect();
    let mut results: Vec<Expr> = rest.chunks_exact(2).map(|p| p[1].clone()).collect();
    results.extend(rest.chunks_exact(2).remainder().first().cloned());
    let (results, ty) = to_common(results, cx)?;
    let mut branches = Vec::new();
    for (pair, result) in rest.chunks_exact(2).zip(&results) {
        let equal = rsql_expr::coerce::compare(CompareOp::NullSafeEq, subject.clone(), pair[0].clone(), cx)?;
        branches.push((equal, result.clone()));
    }
    let otherwise = results.into_iter().nth(branches.len()).map(Box::new);
    Ok(Expr::Case {
        branches,
        otherwise,
        ty,
    })
}

/// Text of bytes in a character set.
static DECODE_BYTES: ScalarFn = fallible(
    "decode_bytes",
    &[],
    doc(
        "decode_bytes(bin, charset)",
        "Text of bytes in a character set.",
        "SELECT decode(encode('abc', 'utf-8'), 'utf-8')",
    ),
    Signature::exact(&[TypeSpec::Binary, TypeSpec::String], ret::STRING),
    |args| {
        let (values, charsets) = (BinCol::of(args, 0)?, StrCol::of(args, 1)?);
        text_rows(args.rows, |row, out| {
            let (bytes, name) = (some!(values.get(row)), some!(charsets.get(row)));
            match Charset::find(args, name)?.decode(bytes, out) {
                Some(()) => Ok(Some(())),
                None => Err(malformed(args, name)),
            }
        })
    },
);

/// `to_binary(str[, fmt])`
static TO_BINARY: ScalarFn = rewritten(
    "to_binary",
    &[],
    doc(
        "to_binary(str[, fmt])",
        "Bytes of a text in a format: hex, utf-8 or base64.",
        "SELECT to_binary('abc', 'utf-8')",
    ),
    parse_bytes,
);

/// `try_to_binary(str[, fmt])`
static TRY_TO_BINARY: ScalarFn = rewritten(
    "try_to_binary",
    &[],
    doc(
        "try_to_binary(str[, fmt])",
        "Like to_binary; NULL if the text is not in the format.",
        "SELECT try_to_binary('abc', 'utf-8')",
    ),
    |args, cx| parse_bytes(args, &cx.with_mode(EvalMode::Try)),
);

fn parse_bytes(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 1, Some(2), cx)?;
    let mut args_iter = args.iter().cloned();
    let text = args_iter.next().unwrap_or_default();
    let format = args_iter.next().unwrap_or_else(|| Expr::lit(Literal::string("hex")));
    if let Some(name) = constant_text(&format, cx)
        && !matches!(name.to_ascii_lowercase().as_str(), "hex" | "utf-8" | "utf8" | "base64")
        && cx.mode != EvalMode::Try
    {
        return Err(crate::kernel::mismatch("INVALID_ARG_VALUE", &args, cx)
            .param("inputName", "fmt")
            .param("requireType", "case-insensitive \"STRING\"")
            .param("validValues", "'hex', 'utf-8', 'utf8', or 'base64'")
            .param("inputValue", format!("'{name}'")));
    }
    PARSE_BYTES.resolve(
        vec![cast(text, &SqlType::String, cx), cast(format, &SqlType::String, cx)],
        cx,
    )
}

/// Bytes of a text in a format.
static PARSE_BYTES: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..fallible(
        "parse_bytes",
        &[],
        doc(
            "parse_bytes(str, fmt)",
            "Bytes of a text in a format.",
            "SELECT to_binary('abc', 'utf-8')",
        ),
        Signature::exact(&[TypeSpec::String, TypeSpec::String], ret::BINARY),
        |args| {
            let (texts, formats) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
            binary_rows(args.rows, |row, out| {
                let (text, format) = (some!(texts.get(row)), some!(formats.get(row)));
                let (done, name) = match format.to_ascii_lowercase().as_str() {
                    "hex" => (crate::math::decode_hex(text, out), "HEX"),
                    "utf-8" | "utf8" => {
                        out.extend_from_slice(text.as_bytes());
                        (Some(()), "UTF-8")
                    }
                    "base64" => (strict_base64(text).and_then(|()| decode_base64(text, out)), "BASE64"),
                    _ => (None, "UNKNOWN"),
                };
                match done {
                    Some(()) => Ok(Some(())),
                    None if args.mode() == EvalMode::Try => Ok(None),
                    None => Err(args.error(conversion_error(text, name, "to_binary"))),
                }
            })
        },
    )
};

/// Only characters of the alphabet, white space among them, and right padding without any.
fn strict_base64(text: &str) -> Option<()> {
    let text = text.trim();
    let (digits, padding) = text.split_at(text.find('=').unwrap_or(text.len()));
    let digits: Vec<u8> = digits.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let alphabet = digits
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || *b == b'+' || *b == b'/');
    let shape = match digits.len() % 4 {
        0 => padding.is_empty(),
        2 => matches!(padding, "" | "=="),
        3 => matches!(padding, "" | "="),
        _ => false,
    };
    (alphabet && shape).then_some(())
}
