//! `upper`, `lower`, `initcap`.

use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};

use super::{Definitions, doc};
use crate::kernel::{StrCol, pure, some, text_rows};

pub(super) const ALL: Definitions = &[&UPPER, &LOWER, &INITCAP];

/// `upper(str)`
static UPPER: ScalarFn = pure(
    "upper",
    &["ucase"],
    doc("upper(str)", "The text in upper case.", "SELECT upper('SparkSql')"),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| {
        let values = StrCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            if text.is_ascii() {
                out.push_str(text);
                out.make_ascii_uppercase();
            } else {
                out.push_str(&text.to_uppercase());
            }
            Ok(Some(()))
        })
    },
);

/// `lower(str)`
static LOWER: ScalarFn = pure(
    "lower",
    &["lcase"],
    doc("lower(str)", "The text in lower case.", "SELECT lower('SparkSql')"),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| {
        let values = StrCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            push_lower(out, some!(values.get(row)));
            Ok(Some(()))
        })
    },
);

/// Appends a text in lower case.
pub(super) fn push_lower(out: &mut String, text: &str) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
    } else {
        out.push_str(&text.to_lowercase());
    }
}

/// `initcap(str)`
static INITCAP: ScalarFn = pure(
    "initcap",
    &[],
    doc(
        "initcap(str)",
        "The first letter of each word in upper case, the others in lower case.",
        "SELECT initcap('sPark sql')",
    ),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| {
        let values = StrCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            let mut begins = true;
            for c in some!(values.get(row)).chars() {
                if begins {
                    out.extend(c.to_uppercase())
                } else {
                    out.extend(c.to_lowercase())
                }
                begins = c == ' ';
            }
            Ok(Some(()))
        })
    },
);
