//! `rlike` and the `regexp_*` functions.

use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringViewBuilder};
use arrow::datatypes::{DataType, Field, Int32Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn};

use super::java_regex::JavaRegex;
use super::{Definitions, doc, texts_like_first};
use crate::collation;
use crate::kernel::{
    IntCol, StrCol, bool_rows, check_count, constant, fallible, mismatch, non_foldable, prim_rows, slice_rows, some,
    text_rows,
};

pub(super) const ALL: Definitions = &[
    &RLIKE,
    &REGEXP_REPLACE,
    &REGEXP_EXTRACT,
    &REGEXP_EXTRACT_ALL,
    &REGEXP_COUNT,
    &REGEXP_SUBSTR,
    &REGEXP_INSTR,
];

const PAIR: &[TypeSpec] = &[TypeSpec::String, TypeSpec::String];
const WITH_GROUP: &[TypeSpec] = &[TypeSpec::String, TypeSpec::String, TypeSpec::Int];

/// The pattern argument, compiled once where it is constant.
struct Patterns<'a, 'b> {
    args: &'a EvalArgs<'b>,
    column: StrCol,
    constant: Option<Rc<JavaRegex>>,
    /// The text's collation makes case not count.
    folds_case: bool,
}

impl<'a, 'b> Patterns<'a, 'b> {
    fn of(args: &'a EvalArgs<'b>, i: usize) -> Result<Self> {
        let mut patterns = Self {
            args,
            column: StrCol::of(args, i)?,
            constant: None,
            folds_case: collation::folds_case(args, 0),
        };
        if patterns.column.is_constant() && args.rows > 0 {
            patterns.constant = patterns.get(0)?;
        }
        Ok(patterns)
    }

    fn get(&self, row: usize) -> Result<Option<Rc<JavaRegex>>> {
        if let Some(regex) = &self.constant {
            return Ok(Some(Rc::clone(regex)));
        }
        match self.column.get(row) {
            Some(p) => JavaRegex::get(&collation::folded(p, self.folds_case), &self.args.call.func)
                .map(Some)
                .map_err(|e| self.args.error(e)),
            None => Ok(None),
        }
    }
}

/// `str RLIKE regexp`
static RLIKE: ScalarFn = fallible(
    "rlike",
    &["regexp", "regexp_like"],
    doc(
        "str RLIKE regexp",
        "True if the regular expression occurs in the text.",
        "SELECT 'Spark' RLIKE 'p.r'",
    ),
    Signature::exact(PAIR, ret::BOOLEAN),
    |args| {
        let (texts, patterns) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?);
        if let Some(regex) = &patterns.constant {
            return bool_rows(args.rows, |row| Ok(texts.get(row).map(|t| regex.is_match(t))));
        }
        bool_rows(args.rows, |row| {
            Ok(Some(some!(patterns.get(row)?).is_match(some!(texts.get(row)))))
        })
    },
);

fn bind_replace(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 3, Some(4), cx)?;
    let mut bound = Vec::with_capacity(4);
    for (i, a) in args.iter().enumerate() {
        let spec = if i < 3 { TypeSpec::String } else { TypeSpec::Int };
        bound.push(rsql_expr::coerce::implicit_cast(a.clone(), spec, i, cx)?);
    }
    let Some(position) = bound.get(3) else { return Ok(bound) };
    match constant(position, cx).map(|l| l.value.as_i64()) {
        None => Err(non_foldable(&args, 3, "position", cx)),
        Some(Some(..=0)) => Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
            .param("exprName", "position")
            .param("valueRange", format!("(0, {}]", i32::MAX))),
        Some(_) => Ok(bound),
    }
}

/// `regexp_replace(str, regexp, rep[, position])`
static REGEXP_REPLACE: ScalarFn = fallible(
    "regexp_replace",
    &[],
    doc(
        "regexp_replace(str, regexp, rep[, position])",
        "Every match from the position on replaced; $1 stands for a group.",
        "SELECT regexp_replace('100-200', r'(\\d+)', 'num')",
    ),
    Signature::bind_with(bind_replace, ReturnType::TextOf(0)),
    |args| {
        let (texts, patterns, replacements) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?, StrCol::of(args, 2)?);
        let positions = IntCol::optional(args, 3)?;
        text_rows(args.rows, |row, out| {
            let (text, regex, replacement) = (
                some!(texts.get(row)),
                some!(patterns.get(row)?),
                some!(replacements.get(row)),
            );
            let position = match &positions {
                Some(p) => some!(p.get(row)),
                None => 1,
            };
            // The binding took care that positions start at 1.
            let skip = usize::try_from(position - 1).unwrap_or(0);
            let Some(start) = text.char_indices().map(|(i, _)| i).chain([text.len()]).nth(skip) else {
                out.push_str(text);
                return Ok(Some(()));
            };
            let mut copied = 0;
            let mut failure = None;
            let plain = !replacement.contains(['$', '\\']);
            if plain {
                regex.each_match(text, start, |from, to| {
                    out.push_str(&text[copied..from]);
                    out.push_str(replacement);
                    copied = to;
                    true
                });
            } else {
                regex.each_captures(text, start, |groups| {
                    let Some((from, to)) = groups[0] else { return false };
                    out.push_str(&text[copied..from]);
                    copied = to;
                    failure = push_replacement(out, replacement, text, groups, &regex).err();
                    failure.is_none()
                });
            }
            if let Some(e) = failure {
                return Err(args.error(e));
            }
            out.push_str(&text[copied..]);
            Ok(Some(()))
        })
    },
);

/// Appends a replacement in Java's syntax: `$1`, `${name}`, backslash for the next character as it is.
fn push_replacement(
    out: &mut String,
    replacement: &str,
    text: &str,
    groups: &[Option<(usize, usize)>],
    regex: &JavaRegex,
) -> Result<()> {
    let refused = || {
        Error::user("INVALID_REGEXP_REPLACE")
            .param("source", text)
            .param("replacement", replacement)
    };
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or_else(refused)?),
            '$' if chars.peek() == Some(&'{') => {
                chars.next();
                let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let group = regex.group_named(&name).ok_or_else(refused)?;
                if let Some((from, to)) = groups.get(group).copied().flatten() {
                    out.push_str(&text[from..to]);
                }
            }
            '$' => {
                let first = chars.next().and_then(|c| c.to_digit(10)).ok_or_else(refused)?;
                let mut group = first as usize;
                if group >= groups.len() {
                    return Err(refused());
                }
                // Further digits belong to the number as long as there is such a group.
                while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + d as usize;
                    if longer >= groups.len() {
                        break;
                    }
                    group = longer;
                    chars.next();
                }
                if let Some((from, to)) = groups.get(group).copied().flatten() {
                    out.push_str(&text[from..to]);
                }
            }
            c => out.push(c),
        }
    }
    Ok(())
}

/// Checks the group asked for against the pattern. Only a match asks for it: without one any number is fine.
fn group_index(args: &EvalArgs<'_>, index: i32, regex: &JavaRegex) -> Result<usize> {
    let count = regex.group_count();
    match usize::try_from(index).ok().filter(|i| *i <= count) {
        Some(i) => Ok(i),
        None => Err(args.error(
            Error::user("INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX")
                .param("parameter", "`idx`")
                .param("functionName", quoted_name([&args.call.func]))
                .param("groupCount", count.to_string())
                .param("groupIndex", index.to_string()),
        )),
    }
}

/// The group asked for at argument 2: the first unless it says otherwise.
fn asked(groups: Option<&IntCol>, row: usize) -> Option<i32> {
    groups.map_or(Some(1), |g| g.get(row))
}

/// The text of a group of a match; empty where the group took no part.
fn group<'a>(text: &'a str, captures: &[Option<(usize, usize)>], index: usize) -> &'a str {
    captures
        .get(index)
        .copied()
        .flatten()
        .map_or("", |(from, to)| &text[from..to])
}

/// `regexp_extract(str, regexp[, idx])`
static REGEXP_EXTRACT: ScalarFn = fallible(
    "regexp_extract",
    &[],
    doc(
        "regexp_extract(str, regexp[, idx])",
        "A group of the first match; empty without a match.",
        "SELECT regexp_extract('100-200', r'(\\d+)-(\\d+)', 1)",
    ),
    Signature::optional(WITH_GROUP, 2, ReturnType::TextOf(0)),
    |args| {
        let (texts, patterns, groups) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?, IntCol::optional(args, 2)?);
        slice_rows(args.rows, |row| {
            let (text, regex) = (some!(texts.get(row)), some!(patterns.get(row)?));
            let index = some!(asked(groups.as_ref(), row));
            let mut found = Ok("");
            regex.each_captures(text, 0, |captures| {
                found = group_index(args, index, &regex).map(|i| group(text, captures, i));
                false
            });
            found.map(Some)
        })
    },
);

/// `regexp_extract_all(str, regexp[, idx])`
static REGEXP_EXTRACT_ALL: ScalarFn = fallible(
    "regexp_extract_all",
    &[],
    doc(
        "regexp_extract_all(str, regexp[, idx])",
        "A group of every match.",
        "SELECT regexp_extract_all('100-200, 300-400', r'(\\d+)-(\\d+)', 1)",
    ),
    Signature::optional(WITH_GROUP, 2, ReturnType::Of(texts_like_first)),
    |args| {
        let (texts, patterns, groups) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?, IntCol::optional(args, 2)?);
        list_rows(args.rows, |row, list| {
            let (text, regex) = (some!(texts.get(row)), some!(patterns.get(row)?));
            let index = some!(asked(groups.as_ref(), row));
            let mut outcome = Ok(Some(()));
            regex.each_captures(text, 0, |captures| match group_index(args, index, &regex) {
                Ok(i) => {
                    list.append_value(group(text, captures, i));
                    true
                }
                Err(e) => {
                    outcome = Err(e);
                    false
                }
            });
            outcome
        })
    },
);

/// `ARRAY<STRING>` rows: the closure appends the row's elements; `None` makes the row NULL.
pub(crate) fn list_rows(
    rows: usize,
    mut f: impl FnMut(usize, &mut StringViewBuilder) -> Result<Option<()>>,
) -> Result<ArrayRef> {
    let field = Arc::new(Field::new("item", DataType::Utf8View, true));
    let mut builder = ListBuilder::with_capacity(StringViewBuilder::new(), rows).with_field(field);
    for row in 0..rows {
        let present = f(row, builder.values())?.is_some();
        builder.append(present);
    }
    Ok(Arc::new(builder.finish()))
}

/// `regexp_count(str, regexp)`
static REGEXP_COUNT: ScalarFn = fallible(
    "regexp_count",
    &[],
    doc(
        "regexp_count(str, regexp)",
        "Number of matches.",
        "SELECT regexp_count('Steven Jones and Stephen', 'Ste(v|ph)en')",
    ),
    Signature::exact(PAIR, ret::INT),
    |args| {
        let (texts, patterns) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?);
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            let (text, regex) = (some!(texts.get(row)), some!(patterns.get(row)?));
            let mut count = 0;
            regex.each_match(text, 0, |_, _| {
                count += 1;
                true
            });
            Ok(Some(count))
        })
    },
);

/// The first match in a text.
fn first_match(regex: &JavaRegex, text: &str) -> Option<(usize, usize)> {
    let mut found = None;
    regex.each_match(text, 0, |from, to| {
        found = Some((from, to));
        false
    });
    found
}

/// `regexp_substr(str, regexp)`
static REGEXP_SUBSTR: ScalarFn = fallible(
    "regexp_substr",
    &[],
    doc(
        "regexp_substr(str, regexp)",
        "The first match; NULL without one.",
        "SELECT regexp_substr('Steven Jones', 'Ste(v|ph)en')",
    ),
    Signature::exact(PAIR, ReturnType::TextOf(0)),
    |args| {
        let (texts, patterns) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?);
        slice_rows(args.rows, |row| {
            let (text, regex) = (some!(texts.get(row)), some!(patterns.get(row)?));
            // An empty match counts as none.
            Ok(first_match(&regex, text)
                .filter(|(from, to)| from < to)
                .map(|(from, to)| &text[from..to]))
        })
    },
);

/// `regexp_instr(str, regexp[, idx])`
static REGEXP_INSTR: ScalarFn = fallible(
    "regexp_instr",
    &[],
    doc(
        "regexp_instr(str, regexp[, idx])",
        "Position of the first match, from 1; 0 without one.",
        "SELECT regexp_instr('abc', 'b')",
    ),
    Signature::optional(WITH_GROUP, 2, ret::INT),
    |args| {
        let (texts, patterns) = (StrCol::of(args, 0)?, Patterns::of(args, 1)?);
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            let (text, regex) = (some!(texts.get(row)), some!(patterns.get(row)?));
            Ok(Some(
                first_match(&regex, text).map_or(0, |(from, _)| text[..from].chars().count() as i32 + 1),
            ))
        })
    },
);
