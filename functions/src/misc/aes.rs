//! `aes_encrypt`, `aes_decrypt`, `try_aes_decrypt`.

use rsql_common::{Error, Result};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};
use rsql_expr::tree::Effects;

use super::cipher::{Aes, BLOCK};
use super::doc;
use crate::kernel::{BinCol, StrCol, binary_rows, fallible, some};

pub(super) const ALL: &[&ScalarFn] = &[&AES_ENCRYPT, &AES_DECRYPT, &TRY_AES_DECRYPT];

/// Bytes of GCM's initialization vector.
const GCM_IV: usize = 12;

/// `aes_encrypt(expr, key[, mode[, padding[, iv[, aad]]]])`
static AES_ENCRYPT: ScalarFn = ScalarFn {
    // Without an initialization vector a random one is taken.
    effects: Effects {
        deterministic: false,
        fallible: true,
    },
    ..fallible(
        "aes_encrypt",
        &[],
        doc(
            "aes_encrypt(expr, key[, mode[, padding[, iv[, aad]]]])",
            "AES encryption in the mode GCM, CBC or ECB; the initialization vector stands before the result.",
            "SELECT hex(aes_encrypt('Spark SQL', '0000111122223333', 'ECB'))",
        ),
        Signature::optional(
            &[
                TypeSpec::Binary,
                TypeSpec::Binary,
                TypeSpec::String,
                TypeSpec::String,
                TypeSpec::Binary,
                TypeSpec::Binary,
            ],
            2,
            ret::BINARY,
        ),
        |args| {
            let call = Call::of(args)?;
            let (ivs, aads) = (BinCol::optional(args, 4)?, BinCol::optional(args, 5)?);
            binary_rows(args.rows, |row, out| {
                let (data, aes, mode) = some!(call.row(row)?);
                let given = match &ivs {
                    Some(iv) => some!(iv.get(row)),
                    None => &[],
                };
                let aad = match &aads {
                    Some(aad) => some!(aad.get(row)),
                    None => &[],
                };
                if !aad.is_empty() && mode != Mode::Gcm {
                    return Err(call.error("UNSUPPORTED_FEATURE.AES_MODE_AAD", mode));
                }
                if !given.is_empty() && mode == Mode::Ecb {
                    return Err(call.error("UNSUPPORTED_FEATURE.AES_MODE_IV", mode));
                }
                let random: [u8; BLOCK] = rand::random();
                let length = if mode == Mode::Gcm { GCM_IV } else { BLOCK };
                let iv = if given.is_empty() { &random[..length] } else { given };
                let wrong = || {
                    call.error("INVALID_PARAMETER_VALUE.AES_IV_LENGTH", mode)
                        .param("parameter", "`iv`")
                        .param("actualLength", given.len().to_string())
                };
                match mode {
                    Mode::Ecb => out.extend(aes.encrypt_blocks(data, None)),
                    Mode::Cbc => {
                        let iv: [u8; BLOCK] = iv.try_into().map_err(|_| wrong())?;
                        out.extend(iv);
                        out.extend(aes.encrypt_blocks(data, Some(iv)));
                    }
                    Mode::Gcm => {
                        let iv: [u8; GCM_IV] = iv.try_into().map_err(|_| wrong())?;
                        let (encrypted, tag) = aes.gcm(data, &iv, aad, true);
                        out.extend(iv);
                        out.extend(encrypted);
                        out.extend(tag);
                    }
                }
                Ok(Some(()))
            })
        },
    )
};

const DECRYPT_ARGS: &[TypeSpec] = &[
    TypeSpec::Binary,
    TypeSpec::Binary,
    TypeSpec::String,
    TypeSpec::String,
    TypeSpec::Binary,
];

/// `aes_decrypt(expr, key[, mode[, padding[, aad]]])`
static AES_DECRYPT: ScalarFn = fallible(
    "aes_decrypt",
    &[],
    doc(
        "aes_decrypt(expr, key[, mode[, padding[, aad]]])",
        "What aes_encrypt encrypted.",
        "SELECT aes_decrypt(unbase64('3lmwu+Mw0H3fi5NDvcu9lg=='), '1234567890abcdef', 'ECB', 'PKCS')",
    ),
    Signature::optional(DECRYPT_ARGS, 2, ret::BINARY),
    |args| decrypted(args, false),
);

/// `try_aes_decrypt(expr, key[, mode[, padding[, aad]]])`
static TRY_AES_DECRYPT: ScalarFn = fallible(
    "try_aes_decrypt",
    &[],
    doc(
        "try_aes_decrypt(expr, key[, mode[, padding[, aad]]])",
        "Like aes_decrypt; NULL where that fails.",
        "SELECT try_aes_decrypt(unbase64('3lmwu+Mw0H3fi5NDvcu9lg=='), '1234567890abcdef', 'ECB', 'PKCS')",
    ),
    Signature::optional(DECRYPT_ARGS, 2, ret::BINARY),
    |args| decrypted(args, true),
);

fn decrypted(args: &EvalArgs<'_>, lenient: bool) -> Result<arrow::array::ArrayRef> {
    let call = Call::of(args)?;
    let aads = BinCol::optional(args, 4)?;
    binary_rows(args.rows, |row, out| {
        let (data, aes, mode) = match call.row(row) {
            Err(_) if lenient => return Ok(None),
            found => some!(found?),
        };
        let aad = match &aads {
            Some(aad) => some!(aad.get(row)),
            None => &[],
        };
        let plain = match mode {
            Mode::Ecb => aes.decrypt_blocks(data, None),
            Mode::Cbc => data
                .split_first_chunk::<BLOCK>()
                .and_then(|(iv, rest)| aes.decrypt_blocks(rest, Some(*iv))),
            Mode::Gcm => data.split_first_chunk::<GCM_IV>().and_then(|(iv, rest)| {
                let (encrypted, tag) = rest.split_last_chunk::<BLOCK>()?;
                let (plain, expected) = aes.gcm(encrypted, iv, aad, false);
                (expected == *tag).then_some(plain)
            }),
        };
        match plain {
            Some(plain) => out.extend(plain),
            None if lenient => return Ok(None),
            None => {
                return Err(args.error(
                    Error::user("INVALID_PARAMETER_VALUE.AES_CRYPTO_ERROR")
                        .param("parameter", "`expr`, `key`")
                        .param("functionName", "`aes_encrypt`/`aes_decrypt`")
                        .param("detailMessage", "the input does not decrypt"),
                ));
            }
        }
        Ok(Some(()))
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Ecb,
    Cbc,
    Gcm,
}

/// The arguments both directions have.
struct Call<'a, 'b> {
    args: &'a EvalArgs<'b>,
    data: BinCol,
    keys: BinCol,
    modes: Option<StrCol>,
    paddings: Option<StrCol>,
}

impl<'a, 'b> Call<'a, 'b> {
    fn of(args: &'a EvalArgs<'b>) -> Result<Self> {
        Ok(Self {
            args,
            data: BinCol::of(args, 0)?,
            keys: BinCol::of(args, 1)?,
            modes: StrCol::optional(args, 2)?,
            paddings: StrCol::optional(args, 3)?,
        })
    }

    /// Input, cipher and mode of a row; `None` for a NULL argument.
    fn row(&self, row: usize) -> Result<Option<(&[u8], Aes, Mode)>> {
        let (data, key) = (some!(self.data.get(row)), some!(self.keys.get(row)));
        let mode = match &self.modes {
            Some(m) => some!(m.get(row)).to_uppercase(),
            None => "GCM".into(),
        };
        let padding = match &self.paddings {
            Some(p) => some!(p.get(row)).to_uppercase(),
            None => "DEFAULT".into(),
        };
        let Some(aes) = Aes::new(key) else {
            return Err(self.args.error(
                Error::user("INVALID_PARAMETER_VALUE.AES_KEY_LENGTH")
                    .param("parameter", "`key`")
                    .param("functionName", "`aes_encrypt`/`aes_decrypt`")
                    .param("actualLength", key.len().to_string()),
            ));
        };
        let mode = match (mode.as_str(), padding.as_str()) {
            ("ECB", "DEFAULT" | "PKCS") => Mode::Ecb,
            ("CBC", "DEFAULT" | "PKCS") => Mode::Cbc,
            ("GCM", "DEFAULT" | "NONE") => Mode::Gcm,
            _ => {
                return Err(self.args.error(
                    Error::user("UNSUPPORTED_FEATURE.AES_MODE")
                        .param("mode", mode)
                        .param("padding", padding)
                        .param("functionName", "`aes_encrypt`/`aes_decrypt`"),
                ));
            }
        };
        Ok(Some((data, aes, mode)))
    }

    fn error(&self, condition: &'static str, mode: Mode) -> Error {
        self.args.error(
            Error::user(condition)
                .param("mode", format!("{mode:?}").to_uppercase())
                .param("functionName", "`aes_encrypt`/`aes_decrypt`"),
        )
    }
}
