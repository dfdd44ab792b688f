//! `substring`, `left`, `right`, `substring_index`.

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::length::count_chars;
use super::{Definitions, doc, is_binary};
use crate::collation;
use crate::kernel::{BinCol, IntCol, StrCol, binary_rows, cast, check_count, pure, slice_rows, some};

pub(super) const ALL: Definitions = &[&SUBSTRING, &LEFT, &RIGHT, &SUBSTRING_INDEX];

/// `substring(str, pos[, len])`
static SUBSTRING: ScalarFn = pure(
    "substring",
    &["substr"],
    doc(
        "substring(str, pos[, len])",
        "Part of a text or binary from a position, counted from 1 or backwards from -1.",
        "SELECT substring('Spark SQL', 5, 1)",
    ),
    Signature::optional(
        &[TypeSpec::StringOrBinary, TypeSpec::Int, TypeSpec::Int],
        2,
        ReturnType::SameAs(0),
    ),
    |args| {
        let (pos, len) = (IntCol::of(args, 1)?, IntCol::optional(args, 2)?);
        let span = |row: usize| -> Option<(i64, i64)> {
            let pos = i64::from(pos.get(row)?);
            let len = match &len {
                Some(l) => i64::from(l.get(row)?),
                None => i64::from(i32::MAX),
            };
            Some((pos, len))
        };
        if is_binary(args, 0) {
            let values = BinCol::of(args, 0)?;
            return binary_rows(args.rows, |row, out| {
                let (value, (pos, len)) = (some!(values.get(row)), some!(span(row)));
                let (from, to) = bounds(pos, len, || value.len());
                out.extend_from_slice(value.get(from..to.min(value.len())).unwrap_or_default());
                Ok(Some(()))
            });
        }
        let values = StrCol::of(args, 0)?;
        slice_rows(args.rows, |row| {
            let (text, (pos, len)) = (some!(values.get(row)), some!(span(row)));
            let (from, to) = bounds(pos, len, || count_chars(text));
            Ok(Some(char_range(text, from, to)))
        })
    },
);

/// Start and end, from 0, of `len` characters at SQL's position `pos`.
pub(super) fn bounds(pos: i64, len: i64, total: impl Fn() -> usize) -> (usize, usize) {
    let start = match pos {
        1.. => pos - 1,
        0 => 0,
        _ => total() as i64 + pos,
    };
    let end = start + len;
    if end <= start.max(0) {
        (0, 0)
    } else {
        (start.max(0) as usize, end as usize)
    }
}

/// Characters `from..to` of a text.
pub(super) fn char_range(text: &str, from: usize, to: usize) -> &str {
    if from >= to {
        return "";
    }
    if text.is_ascii() {
        return text.get(from..to.min(text.len())).unwrap_or_default();
    }
    let mut starts = text.char_indices().map(|(i, _)| i).skip(from);
    let Some(start) = starts.next() else { return "" };
    let end = starts.nth(to - from - 1).unwrap_or(text.len());
    &text[start..end]
}

/// `left(str, len)`
static LEFT: ScalarFn = pure(
    "left",
    &[],
    doc("left(str, len)", "The first characters.", "SELECT left('Spark SQL', 3)"),
    Signature::exact(&[TypeSpec::StringOrBinary, TypeSpec::Int], ReturnType::SameAs(0)),
    |args| ends(args, true),
);

/// `right(str, len)`
static RIGHT: ScalarFn = pure(
    "right",
    &[],
    doc(
        "right(str, len)",
        "The last characters.",
        "SELECT right('Spark SQL', 3)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 2, Some(2), cx)?;
            let mut args = args.into_iter();
            let text = args.next().map(|a| cast(a, &SqlType::String, cx));
            let len = match args.next() {
                Some(l) => Some(rsql_expr::coerce::implicit_cast(l, TypeSpec::Int, 1, cx)?),
                None => None,
            };
            Ok(text.into_iter().chain(len).collect::<Vec<Expr>>())
        },
        ReturnType::TextOf(0),
    ),
    |args| ends(args, false),
);

fn ends(args: &EvalArgs<'_>, left: bool) -> Result<ArrayRef> {
    let len = IntCol::of(args, 1)?;
    if is_binary(args, 0) {
        let values = BinCol::of(args, 0)?;
        return binary_rows(args.rows, |row, out| {
            let (value, n) = (some!(values.get(row)), some!(len.get(row)).max(0) as usize);
            out.extend_from_slice(&value[..n.min(value.len())]);
            Ok(Some(()))
        });
    }
    let values = StrCol::of(args, 0)?;
    slice_rows(args.rows, |row| {
        let (text, n) = (some!(values.get(row)), some!(len.get(row)).max(0) as usize);
        if left {
            return Ok(Some(char_range(text, 0, n)));
        }
        let total = count_chars(text);
        Ok(Some(char_range(text, total.saturating_sub(n), total)))
    })
}

/// `substring_index(str, delimiter, count)`
static SUBSTRING_INDEX: ScalarFn = pure(
    "substring_index",
    &[],
    doc(
        "substring_index(str, delimiter, count)",
        "What stands before the count-th delimiter, or after it from the right for a negative count.",
        "SELECT substring_index('www.apache.org', '.', 2)",
    ),
    Signature::exact(
        &[TypeSpec::String, TypeSpec::String, TypeSpec::Int],
        ReturnType::TextOf(0),
    ),
    |args| {
        let (values, delimiters, counts) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, IntCol::of(args, 2)?);
        let rules = collation::rules_of(args, 0)?;
        slice_rows(args.rows, |row| {
            let (text, delimiter) = (some!(values.get(row)), some!(delimiters.get(row)));
            let count = some!(counts.get(row));
            Ok(Some(match &rules {
                Some(rules) => collation::substring_index(rules, text, delimiter, count),
                None => before_delimiter(text, delimiter, count),
            }))
        })
    },
);

fn before_delimiter<'a>(text: &'a str, delimiter: &str, count: i32) -> &'a str {
    if delimiter.is_empty() || count == 0 {
        return "";
    }
    let step = text.char_indices().nth(1).map_or(text.len(), |(i, _)| i).max(1);
    if count > 0 {
        let mut from = 0;
        let mut left = count;
        while let Some(found) = text.get(from..).and_then(|t| t.find(delimiter)) {
            left -= 1;
            if left == 0 {
                return &text[..from + found];
            }
            // Occurrences may overlap.
            from += found + text[from + found..].chars().next().map_or(step, char::len_utf8);
        }
        return text;
    }
    let mut end = text.len();
    let mut left = count.unsigned_abs();
    while let Some(found) = text[..end].rfind(delimiter) {
        left -= 1;
        if left == 0 {
            return &text[found + delimiter.len()..];
        }
        end = found + delimiter.len() - delimiter.chars().next_back().map_or(1, char::len_utf8);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        for (text, pos, len, expected) in [
            ("Spark SQL", 5, 99, "k SQL"),
            ("Spark SQL", -3, 99, "SQL"),
            ("Spark SQL", 0, 2, "Sp"),
            ("abc", -5, 3, "a"),
            ("äöü", 2, 1, "ö"),
            ("abc", 10, 1, ""),
            ("abc", 1, -1, ""),
        ] {
            let (from, to) = bounds(pos, len, || count_chars(text));
            assert_eq!(char_range(text, from, to), expected, "{text} {pos} {len}");
        }
        assert_eq!(before_delimiter("www.apache.org", ".", 2), "www.apache");
        assert_eq!(before_delimiter("www.apache.org", ".", -2), "apache.org");
        assert_eq!(before_delimiter("www.apache.org", ".", 5), "www.apache.org");
        assert_eq!(before_delimiter("www||apache||org", "||", -1), "org");
    }
}
