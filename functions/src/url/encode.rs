//! `url_encode`, `url_decode`, `try_url_decode`: `application/x-www-form-urlencoded`.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};

use super::doc;
use crate::kernel::{StrCol, fallible, pure, some, text_rows};

/// `url_encode(str)`
pub(super) static URL_ENCODE: ScalarFn = pure(
    "url_encode",
    &[],
    doc(
        "url_encode(str)",
        "The text with all but letters, digits and .-*_ as %XX, spaces as +.",
        "SELECT url_encode('https://spark.apache.org')",
    ),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| {
        let values = StrCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            for b in some!(values.get(row)).bytes() {
                match b {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(b)),
                    b' ' => out.push('+'),
                    _ => {
                        out.push('%');
                        crate::math::push_hex(out, &[b]);
                    }
                }
            }
            Ok(Some(()))
        })
    },
);

/// `url_decode(str)`
pub(super) static URL_DECODE: ScalarFn = fallible(
    "url_decode",
    &[],
    doc(
        "url_decode(str)",
        "The text a URL-encoded text stands for.",
        "SELECT url_decode('https%3A%2F%2Fspark.apache.org')",
    ),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| decoded(args, false),
);

/// `try_url_decode(str)`
pub(super) static TRY_URL_DECODE: ScalarFn = fallible(
    "try_url_decode",
    &[],
    doc(
        "try_url_decode(str)",
        "Like url_decode; NULL if the text is malformed.",
        "SELECT try_url_decode('http%3A%2F%2spark')",
    ),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| decoded(args, true),
);

fn decoded(args: &EvalArgs<'_>, lenient: bool) -> Result<ArrayRef> {
    let values = StrCol::of(args, 0)?;
    text_rows(args.rows, |row, out| {
        let text = some!(values.get(row));
        match decode(text) {
            Some(t) => out.push_str(&t),
            None if lenient => return Ok(None),
            None => return Err(args.error(Error::user("CANNOT_DECODE_URL").param("url", text))),
        }
        Ok(Some(()))
    })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut input = text.bytes();
    while let Some(b) = input.next() {
        bytes.push(match b {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(input.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            b => b,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes() {
        assert_eq!(decode("a%20b+c").as_deref(), Some("a b c"));
        assert_eq!(decode("%zz"), None);
        assert_eq!(decode("%2"), None);
    }
}
