//! `is_valid_utf8`, `make_valid_utf8`, `validate_utf8`, `try_validate_utf8`: texts here are always valid, binaries may
//! not be.

use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::{Definitions, doc};
use crate::kernel::{BinCol, bool_rows, cast, check_count, fallible, pure, some, text_before_cast, text_rows};

pub(super) const ALL: Definitions = &[&IS_VALID_UTF8, &MAKE_VALID_UTF8, &VALIDATE_UTF8, &TRY_VALIDATE_UTF8];

fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(1), cx)?;
    args.into_iter()
        .map(|a| match a.ty() {
            SqlType::Binary => Ok(a),
            _ => Ok(cast(
                rsql_expr::coerce::implicit_cast(a, TypeSpec::String, 0, cx)?,
                &SqlType::Binary,
                cx,
            )),
        })
        .collect()
}

/// `is_valid_utf8(str)`
static IS_VALID_UTF8: ScalarFn = pure(
    "is_valid_utf8",
    &[],
    doc(
        "is_valid_utf8(str)",
        "True if the bytes are valid UTF-8.",
        "SELECT is_valid_utf8('Spark')",
    ),
    Signature::bind_with(bind, ret::BOOLEAN),
    |args| {
        let values = BinCol::of(args, 0)?;
        bool_rows(args.rows, |row| {
            Ok(values.get(row).map(|b| std::str::from_utf8(b).is_ok()))
        })
    },
);

/// `make_valid_utf8(str)`
static MAKE_VALID_UTF8: ScalarFn = pure(
    "make_valid_utf8",
    &[],
    doc(
        "make_valid_utf8(str)",
        "The text with replacement characters where the bytes are invalid.",
        "SELECT make_valid_utf8('Spark')",
    ),
    Signature::bind_with(bind, ReturnType::Of(text_before_cast)),
    |args| {
        let values = BinCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            out.push_str(&String::from_utf8_lossy(some!(values.get(row))));
            Ok(Some(()))
        })
    },
);

/// `validate_utf8(str)`
static VALIDATE_UTF8: ScalarFn = fallible(
    "validate_utf8",
    &[],
    doc(
        "validate_utf8(str)",
        "The text, or an error if its bytes are invalid.",
        "SELECT validate_utf8('Spark')",
    ),
    Signature::bind_with(bind, ReturnType::Of(text_before_cast)),
    |args| {
        let values = BinCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            let bytes = some!(values.get(row));
            let text = std::str::from_utf8(bytes).map_err(|_| {
                let shown: String = bytes.iter().map(|b| format!("\\x{b:02X}")).collect();
                args.error(Error::user("INVALID_UTF8_STRING").param("str", shown))
            })?;
            out.push_str(text);
            Ok(Some(()))
        })
    },
);

/// `try_validate_utf8(str)`
static TRY_VALIDATE_UTF8: ScalarFn = fallible(
    "try_validate_utf8",
    &[],
    doc(
        "try_validate_utf8(str)",
        "The text, or NULL if its bytes are invalid.",
        "SELECT try_validate_utf8('Spark')",
    ),
    Signature::bind_with(bind, ReturnType::Of(text_before_cast)),
    |args| {
        let values = BinCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            let Ok(text) = std::str::from_utf8(some!(values.get(row))) else {
                return Ok(None);
            };
            out.push_str(text);
            Ok(Some(()))
        })
    },
);
