//! `upper`, `lower`, `initcap`.

use rsql_expr::ScalarFn;
use rsql_expr::function::{ReturnType, Signature, TypeSpec};

use super::{Definitions, doc};
use crate::collation;
use crate::kernel::{StrCol, pure, some, text_rows};

pub(super) const ALL: Definitions = &[&UPPER, &LOWER, &INITCAP];

/// `upper(str)`
static UPPER: ScalarFn = pure(
    "upper",
    &["ucase"],
    doc("upper(str)", "The text in upper case.", "SELECT upper('SparkSql')"),
    Signature::exact(&[TypeSpec::String], ReturnType::TextOf(0)),
    |args| {
        let (values, rules) = (StrCol::of(args, 0)?, collation::rules_of(args, 0)?);
        text_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            if let Some(rules) = &rules {
                collation::upper(rules, text, out);
            } else if text.is_ascii() {
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
    Signature::exact(&[TypeSpec::String], ReturnType::TextOf(0)),
    |args| {
        let (values, rules) = (StrCol::of(args, 0)?, collation::rules_of(args, 0)?);
        text_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            match &rules {
                Some(rules) => collation::lower(rules, text, out),
                None => push_lower(out, text),
            }
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
    Signature::exact(&[TypeSpec::String], ReturnType::TextOf(0)),
    |args| {
        let (values, rules) = (StrCol::of(args, 0)?, collation::rules_of(args, 0)?);
        text_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            if let Some(rules) = &rules {
                collation::initcap(rules, text, out);
                return Ok(Some(()));
            }
            for word in text.split_inclusive(' ') {
                if word.is_ascii() {
                    let start = out.len();
                    push_lower(out, word);
                    out[start..start + 1].make_ascii_uppercase();
                } else {
                    collation::push_title(word, out);
                }
            }
            Ok(Some(()))
        })
    },
);
