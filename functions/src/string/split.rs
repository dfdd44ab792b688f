//! `split` and `split_part`.

use arrow::array::StringViewBuilder;
use rsql_common::Error;
use rsql_expr::ScalarFn;
use rsql_expr::function::{ReturnType, Signature, TypeSpec};

use super::java_regex::JavaRegex;
use super::regexp::list_rows;
use super::{Definitions, doc, texts_like_first};
use crate::collation;
use crate::kernel::{IntCol, StrCol, fallible, slice_rows, some};

pub(super) const ALL: Definitions = &[&SPLIT, &SPLIT_PART];

/// `split(str, regexp[, limit])`
static SPLIT: ScalarFn = fallible(
    "split",
    &[],
    doc(
        "split(str, regexp[, limit])",
        "Pieces between matches, at most limit of them if it is positive.",
        "SELECT split('oneAtwoBthreeC', '[ABC]')",
    ),
    Signature::optional(
        &[TypeSpec::String, TypeSpec::String, TypeSpec::Int],
        2,
        ReturnType::Of(texts_like_first),
    ),
    |args| {
        let (texts, patterns, limits) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, IntCol::optional(args, 2)?);
        let folds_case = collation::folds_case(args, 0);
        list_rows(args.rows, |row, list| {
            let (text, pattern) = (some!(texts.get(row)), some!(patterns.get(row)));
            let limit = match &limits {
                Some(l) => some!(l.get(row)),
                None => -1,
            };
            let limit = usize::try_from(limit).ok().filter(|l| *l > 0).unwrap_or(usize::MAX);
            if pattern.is_empty() && !text.is_empty() {
                split_characters(text, limit, list);
                return Ok(Some(()));
            }
            let regex = JavaRegex::get(&collation::folded(pattern, folds_case), "split").map_err(|e| args.error(e))?;
            let mut pieces = 1;
            let mut start = 0;
            if limit > 1 {
                regex.each_match(text, 0, |from, to| {
                    // An empty match at the start of the text makes no piece.
                    if to == 0 {
                        return true;
                    }
                    list.append_value(&text[start..from]);
                    start = to;
                    pieces += 1;
                    pieces < limit
                });
            }
            list.append_value(&text[start..]);
            Ok(Some(()))
        })
    },
);

fn split_characters(text: &str, limit: usize, list: &mut StringViewBuilder) {
    let mut chars = text.char_indices();
    for _ in 1..limit {
        let Some((i, c)) = chars.next() else { return };
        list.append_value(&text[i..i + c.len_utf8()]);
    }
    if !chars.as_str().is_empty() {
        list.append_value(chars.as_str());
    }
}

/// `split_part(str, delimiter, part)`
static SPLIT_PART: ScalarFn = fallible(
    "split_part",
    &[],
    doc(
        "split_part(str, delimiter, part)",
        "A piece by its number from 1, or backwards from -1; empty if there is none.",
        "SELECT split_part('11.12.13', '.', 3)",
    ),
    Signature::exact(
        &[TypeSpec::String, TypeSpec::String, TypeSpec::Int],
        ReturnType::TextOf(0),
    ),
    |args| {
        let (texts, delimiters, parts) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, IntCol::of(args, 2)?);
        let rules = collation::rules_of(args, 0)?;
        slice_rows(args.rows, |row| {
            let (text, delimiter, part) = (some!(texts.get(row)), some!(delimiters.get(row)), some!(parts.get(row)));
            if part == 0 {
                return Err(args.error(Error::user("INVALID_INDEX_OF_ZERO")));
            }
            if let Some(rules) = &rules {
                return Ok(Some(collation::split_part(rules, text, delimiter, part)));
            }
            let nth = part.unsigned_abs() as usize - 1;
            Ok(Some(if delimiter.is_empty() {
                if nth == 0 { text } else { "" }
            } else if part > 0 {
                text.split(delimiter).nth(nth).unwrap_or("")
            } else {
                let count = text.split(delimiter).count();
                count
                    .checked_sub(nth + 1)
                    .and_then(|i| text.split(delimiter).nth(i))
                    .unwrap_or("")
            }))
        })
    },
);
