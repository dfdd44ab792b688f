//! `replace`, `translate`, `overlay`, `reverse`.

use hashbrown::HashMap;
use rsql_common::Result;
use rsql_expr::function::{ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::length::count_chars;
use super::substring::{bounds, char_range};
use super::{Definitions, doc, is_binary};
use crate::collation;
use crate::kernel::{
    BinCol, IntCol, StrCol, binary_rows, cast, check_count, mismatch, pure, some, text_rows, unexpected_input,
};

pub(super) const ALL: Definitions = &[&REPLACE, &TRANSLATE, &OVERLAY, &REVERSE];

/// `replace(str, search[, replace])`
static REPLACE: ScalarFn = pure(
    "replace",
    &[],
    doc(
        "replace(str, search[, replace])",
        "Every occurrence of a part replaced.",
        "SELECT replace('ABCabc', 'abc', 'DEF')",
    ),
    Signature::optional(
        &[TypeSpec::String, TypeSpec::String, TypeSpec::String],
        2,
        ReturnType::TextOf(0),
    ),
    |args| {
        let (texts, searches, replacements) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, StrCol::optional(args, 2)?);
        let rules = collation::rules_of(args, 0)?;
        text_rows(args.rows, |row, out| {
            let (text, search) = (some!(texts.get(row)), some!(searches.get(row)));
            let replacement = match &replacements {
                Some(r) => some!(r.get(row)),
                None => "",
            };
            if search.is_empty() {
                out.push_str(text);
                return Ok(Some(()));
            }
            if let Some(rules) = &rules {
                collation::replace(rules, text, search, replacement, out);
                return Ok(Some(()));
            }
            for (i, part) in text.split(search).enumerate() {
                if i > 0 {
                    out.push_str(replacement);
                }
                out.push_str(part);
            }
            Ok(Some(()))
        })
    },
);

/// `translate(str, from, to)`
static TRANSLATE: ScalarFn = pure(
    "translate",
    &[],
    doc(
        "translate(str, from, to)",
        "Each character of from replaced by the one of to at its place, or removed.",
        "SELECT translate('AaBbCc', 'abc', '123')",
    ),
    Signature::exact(
        &[TypeSpec::String, TypeSpec::String, TypeSpec::String],
        ReturnType::TextOf(0),
    ),
    |args| {
        let (texts, froms, tos) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, StrCol::of(args, 2)?);
        let rules = collation::rules_of(args, 0)?;
        let constant = froms.is_constant() && tos.is_constant();
        let mut table: HashMap<char, Option<char>> = HashMap::new();
        let mut ready = false;
        text_rows(args.rows, |row, out| {
            let (text, from, to) = (some!(texts.get(row)), some!(froms.get(row)), some!(tos.get(row)));
            if let Some(rules) = &rules {
                collation::translate(rules, text, from, to, out);
                return Ok(Some(()));
            }
            if !constant || !ready {
                table.clear();
                let mut to = to.chars();
                for c in from.chars() {
                    // A NUL in `to` removes the character.
                    let target = to.next().filter(|t| *t != '\0');
                    table.entry(c).or_insert(target);
                }
                ready = true;
            }
            for c in text.chars() {
                match table.get(&c) {
                    None => out.push(c),
                    Some(target) => out.extend(*target),
                }
            }
            Ok(Some(()))
        })
    },
);

/// `overlay(input, replace, pos[, len])`
static OVERLAY: ScalarFn = pure(
    "overlay",
    &[],
    doc(
        "overlay(input, replace, pos[, len])",
        "The input with len characters (as many as replace has) from pos on replaced.",
        "SELECT overlay('Spark SQL' PLACING '_' FROM 6)",
    ),
    Signature::bind_with(bind_overlay, ReturnType::SameAs(0)),
    |args| {
        let (positions, lens) = (IntCol::of(args, 2)?, IntCol::of(args, 3)?);
        if is_binary(args, 0) {
            let (inputs, replacements) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?);
            return binary_rows(args.rows, |row, out| {
                let (input, new) = (some!(inputs.get(row)), some!(replacements.get(row)));
                let (pos, len) = (some!(positions.get(row)), some!(lens.get(row)));
                let len = if len >= 0 { i64::from(len) } else { new.len() as i64 };
                let part = |(from, to): (usize, usize)| input.get(from..to.min(input.len())).unwrap_or_default();
                out.extend_from_slice(part(bounds(1, i64::from(pos) - 1, || input.len())));
                out.extend_from_slice(new);
                out.extend_from_slice(part(bounds(i64::from(pos) + len, i64::from(i32::MAX), || input.len())));
                Ok(Some(()))
            });
        }
        let (inputs, replacements) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
        text_rows(args.rows, |row, out| {
            let (input, new) = (some!(inputs.get(row)), some!(replacements.get(row)));
            let (pos, len) = (some!(positions.get(row)), some!(lens.get(row)));
            let len = if len >= 0 {
                i64::from(len)
            } else {
                count_chars(new) as i64
            };
            let part = |(from, to): (usize, usize)| char_range(input, from, to);
            out.push_str(part(bounds(1, i64::from(pos) - 1, || count_chars(input))));
            out.push_str(new);
            out.push_str(part(bounds(i64::from(pos) + len, i64::from(i32::MAX), || {
                count_chars(input)
            })));
            Ok(Some(()))
        })
    },
);

fn bind_overlay(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 3, Some(4), cx)?;
    let binary = args.iter().take(2).all(|a| a.ty() == SqlType::Binary);
    let ty = if binary { SqlType::Binary } else { SqlType::String };
    if !binary && args.iter().take(2).any(|a| a.ty() == SqlType::Binary) {
        let types: Vec<String> = args.iter().take(2).map(|a| a.ty().quoted()).collect();
        return Err(mismatch("DATA_DIFF_TYPES", &args, cx)
            .param("functionName", "`overlay`")
            .param("dataType", format!("({})", types.join(" or "))));
    }
    let mut bound = Vec::with_capacity(4);
    for (i, a) in args.into_iter().enumerate() {
        bound.push(if i < 2 {
            let a = rsql_expr::coerce::implicit_cast(a, TypeSpec::StringOrBinary, i, cx)?;
            cast(a, &ty, cx)
        } else {
            rsql_expr::coerce::implicit_cast(a, TypeSpec::Int, i, cx)?
        });
    }
    if bound.len() == 3 {
        bound.push(Expr::lit(Literal::int(-1)));
    }
    Ok(bound)
}

/// `reverse(expr)` of a text, binary or array.
static REVERSE: ScalarFn = pure(
    "reverse",
    &[],
    doc(
        "reverse(expr)",
        "A text, binary or array backwards.",
        "SELECT reverse('Spark SQL')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(1), cx)?;
            let bound = args.iter().map(|a| match a.ty() {
                SqlType::Array(_) | SqlType::Binary => Ok(a.clone()),
                t if t.is_nested() => Err(unexpected_input(&args, 0, "(\"STRING\" or \"ARRAY\")", cx)),
                _ => Ok(cast(a.clone(), &SqlType::String, cx)),
            });
            bound.collect()
        },
        ReturnType::SameAs(0),
    ),
    |args| match args.call.ty {
        SqlType::Array(_) => crate::array::reverse_array(args),
        SqlType::Binary => {
            let values = BinCol::of(args, 0)?;
            binary_rows(args.rows, |row, out| {
                out.extend(some!(values.get(row)).iter().rev());
                Ok(Some(()))
            })
        }
        _ => {
            let values = StrCol::of(args, 0)?;
            text_rows(args.rows, |row, out| {
                out.extend(some!(values.get(row)).chars().rev());
                Ok(Some(()))
            })
        }
    },
);
