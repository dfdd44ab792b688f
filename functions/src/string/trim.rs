//! `trim`, `ltrim`, `rtrim`, `btrim`.

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::{Definitions, doc};
use crate::collation;
use crate::kernel::{StrCol, cast, check_count, pure, rewritten, slice_rows, some, text_rows};

pub(super) const ALL: Definitions = &[&TRIM, &LTRIM, &RTRIM, &BTRIM];

const TEXTS: &[TypeSpec] = &[TypeSpec::String, TypeSpec::String];

/// `trim([characters, ]str)`
static TRIM: ScalarFn = pure(
    "trim",
    &[],
    doc(
        "trim([characters, ]str)",
        "Without spaces, or the given characters, at both ends.",
        "SELECT trim('    SparkSQL   ')",
    ),
    Signature::optional(TEXTS, 1, ReturnType::Of(last_text)),
    |args| trimmed(args, true, true),
);

/// `ltrim([characters, ]str)`
static LTRIM: ScalarFn = pure(
    "ltrim",
    &[],
    doc(
        "ltrim([characters, ]str)",
        "Without spaces, or the given characters, at the start.",
        "SELECT ltrim('    SparkSQL   ')",
    ),
    Signature::optional(TEXTS, 1, ReturnType::Of(last_text)),
    |args| trimmed(args, true, false),
);

/// `rtrim([characters, ]str)`
static RTRIM: ScalarFn = pure(
    "rtrim",
    &[],
    doc(
        "rtrim([characters, ]str)",
        "Without spaces, or the given characters, at the end.",
        "SELECT rtrim('    SparkSQL   ')",
    ),
    Signature::optional(TEXTS, 1, ReturnType::Of(last_text)),
    |args| trimmed(args, false, true),
);

/// `btrim(str[, characters])`
static BTRIM: ScalarFn = rewritten(
    "btrim",
    &[],
    doc(
        "btrim(str[, characters])",
        "Without spaces, or the given characters, at both ends.",
        "SELECT btrim('SSparkSQLS', 'SL')",
    ),
    |args, cx| {
        check_count(&args, 1, Some(2), cx)?;
        let bound = args.into_iter().enumerate().map(|(i, a)| {
            let a = rsql_expr::coerce::implicit_cast(a, TypeSpec::StringOrBinary, i, cx)?;
            Ok(cast(a, &SqlType::String, cx))
        });
        let mut bound = bound.collect::<Result<Vec<Expr>>>()?;
        bound.reverse();
        TRIM.resolve(bound, cx)
    },
);

/// STRING with the collation of the text that is trimmed, the last argument.
fn last_text(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(args
        .last()
        .map(Expr::ty)
        .filter(SqlType::is_string)
        .unwrap_or(SqlType::String))
}

fn trimmed(args: &EvalArgs<'_>, start: bool, end: bool) -> Result<ArrayRef> {
    let last = args.len() - 1;
    let values = StrCol::of(args, last)?;
    let characters = if last == 1 { Some(StrCol::of(args, 0)?) } else { None };
    if let Some(rules) = collation::rules_of(args, last)? {
        return text_rows(args.rows, |row, out| {
            let text = some!(values.get(row));
            let set = match &characters {
                Some(c) => some!(c.get(row)),
                None => " ",
            };
            out.push_str(&collation::trimmed(&rules, text, set, start, end));
            Ok(Some(()))
        });
    }
    slice_rows(args.rows, |row| {
        let mut text = some!(values.get(row));
        let set = match &characters {
            Some(c) => some!(c.get(row)),
            None => " ",
        };
        if start {
            text = text.trim_start_matches(|c| set.contains(c));
        }
        if end {
            text = text.trim_end_matches(|c| set.contains(c));
        }
        Ok(Some(text))
    })
}
