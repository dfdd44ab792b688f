//! `md5`, `sha1`, `sha2`, `crc32`, `hmac`.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int64Type};
use md5::Md5;
use rsql_common::{Error, Result};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::doc;
use crate::kernel::{BinCol, IntCol, StrCol, binary_rows, fallible, prim_rows, pure, some, text_rows};

/// `md5(expr)`
pub(super) static MD5: ScalarFn = pure(
    "md5",
    &[],
    doc("md5(expr)", "MD5 digest as hexadecimal text.", "SELECT md5('Spark')"),
    Signature::exact(&[TypeSpec::Binary], ret::STRING),
    |args| hex_digest(args, &|b| Md5::digest(b).to_vec()),
);

/// `sha1(expr)`
pub(super) static SHA1: ScalarFn = pure(
    "sha1",
    &["sha"],
    doc(
        "sha1(expr)",
        "SHA-1 digest as hexadecimal text.",
        "SELECT sha1('Spark')",
    ),
    Signature::exact(&[TypeSpec::Binary], ret::STRING),
    |args| hex_digest(args, &|b| Sha1::digest(b).to_vec()),
);

/// `sha2(expr, bitLength)`
pub(super) static SHA2: ScalarFn = fallible(
    "sha2",
    &[],
    doc(
        "sha2(expr, bitLength)",
        "SHA-2 digest of 224, 256, 384 or 512 bits (0 is 256) as hexadecimal text.",
        "SELECT sha2('Spark', 256)",
    ),
    Signature::exact(&[TypeSpec::Binary, TypeSpec::Int], ret::STRING),
    |args| {
        let (values, bits) = (BinCol::of(args, 0)?, IntCol::of(args, 1)?);
        text_rows(args.rows, |row, out| {
            let (value, bits) = (some!(values.get(row)), some!(bits.get(row)));
            push_hex(out, &some!(sha2_digest(bits, value)));
            Ok(Some(()))
        })
    },
);

/// `crc32(expr)`
pub(super) static CRC32: ScalarFn = pure(
    "crc32",
    &[],
    doc("crc32(expr)", "CRC-32 checksum.", "SELECT crc32('Spark')"),
    Signature::exact(&[TypeSpec::Binary], ret::LONG),
    |args| {
        let values = BinCol::of(args, 0)?;
        prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
            Ok(values.get(row).map(|v| i64::from(crc32fast::hash(v))))
        })
    },
);

/// `hmac(key, message[, algorithm])`
pub(super) static HMAC: ScalarFn = fallible(
    "hmac",
    &[],
    doc(
        "hmac(message, key[, algorithm])",
        "Keyed-hash message authentication code, by SHA-256 unless another algorithm is named.",
        "SELECT hex(hmac('Spark', 'key'))",
    ),
    Signature::optional(&[TypeSpec::Binary, TypeSpec::Binary, TypeSpec::String], 2, ret::BINARY),
    |args| {
        let (first, second) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?);
        let algorithm = StrCol::optional(args, 2)?;
        binary_rows(args.rows, |row, out| {
            let (message, key) = (some!(first.get(row)), some!(second.get(row)));
            let name = match &algorithm {
                Some(a) => some!(a.get(row)),
                None => "SHA-256",
            };
            match keyed(name, key, message) {
                Some(mac) => out.extend(mac),
                None => {
                    return Err(args.error(
                        Error::user("INVALID_PARAMETER_VALUE.HMAC_ALGORITHM")
                            .param("parameter", "`algorithm`")
                            .param("functionName", "`hmac`")
                            .param("invalidValue", format!("'{name}'")),
                    ));
                }
            }
            Ok(Some(()))
        })
    },
);

fn hex_digest(args: &EvalArgs<'_>, digest: &dyn Fn(&[u8]) -> Vec<u8>) -> Result<ArrayRef> {
    let values = BinCol::of(args, 0)?;
    text_rows(args.rows, |row, out| {
        push_hex(out, &digest(some!(values.get(row))));
        Ok(Some(()))
    })
}

/// Appends bytes as lower-case hexadecimal digits.
fn push_hex(out: &mut String, bytes: &[u8]) {
    for b in bytes {
        for nibble in [b >> 4, b & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}

fn sha2_digest(bits: i32, value: &[u8]) -> Option<Vec<u8>> {
    Some(match bits {
        0 | 256 => Sha256::digest(value).to_vec(),
        224 => Sha224::digest(value).to_vec(),
        384 => Sha384::digest(value).to_vec(),
        512 => Sha512::digest(value).to_vec(),
        _ => return None,
    })
}

/// HMAC (RFC 2104) by the digest of this name.
fn keyed(algorithm: &str, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let name: String = algorithm
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_uppercase();
    let (digest, block): (fn(&[u8]) -> Vec<u8>, usize) = match name.as_str() {
        "MD5" => (|b| Md5::digest(b).to_vec(), 64),
        "SHA1" => (|b| Sha1::digest(b).to_vec(), 64),
        "SHA224" => (|b| Sha224::digest(b).to_vec(), 64),
        "SHA256" => (|b| Sha256::digest(b).to_vec(), 64),
        "SHA384" => (|b| Sha384::digest(b).to_vec(), 128),
        "SHA512" => (|b| Sha512::digest(b).to_vec(), 128),
        _ => return None,
    };
    let mut padded = if key.len() > block { digest(key) } else { key.to_vec() };
    padded.resize(block, 0);
    let mut inner: Vec<u8> = padded.iter().map(|b| b ^ 0x36).collect();
    inner.extend_from_slice(message);
    let mut outer: Vec<u8> = padded.iter().map(|b| b ^ 0x5c).collect();
    outer.extend(digest(&inner));
    Some(digest(&outer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        let hex = |b: &[u8]| {
            let mut s = String::new();
            push_hex(&mut s, b);
            s
        };
        assert_eq!(hex(&Md5::digest(b"Spark")), "8cde774d6f7333752ed72cacddb05126");
        let mac = keyed("sha-256", b"key", b"The quick brown fox jumps over the lazy dog").unwrap();
        assert_eq!(
            hex(&mac),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
        );
    }
}
