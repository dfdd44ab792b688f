//! `str_to_map`: text cut into entries.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewBuilder};
use regex::Regex;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Family, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, Literal, ScalarFn, SqlType};

use crate::collation::folded;
use crate::collection::{MapGather, bind};
use crate::definition::{doc, scalar};
use crate::kernel::StrCol;

pub(super) static STR_TO_MAP: ScalarFn = scalar(
    "str_to_map",
    doc(
        Family::Map,
        "str_to_map(text[, pairDelim[, keyValueDelim]])",
        "The map of the text's entries; both delimiters are regular expressions, `,` and `:` if not given.",
        "SELECT str_to_map('a:1,b:2,c:3', ',', ':')",
    ),
    Signature::bind_with(
        |args, cx| {
            bind::count(&args, 1, Some(3), cx)?;
            let mut args = args
                .into_iter()
                .enumerate()
                .map(|(i, a)| bind::implicit(a, TypeSpec::Text, i, cx))
                .collect::<Result<Vec<_>>>()?;
            for default in [",", ":"].into_iter().skip(args.len() - 1) {
                args.push(Expr::lit(Literal::string(default)));
            }
            Ok(args)
        },
        ReturnType::Of(|args, _| {
            let text = args.first().map(Expr::ty).filter(SqlType::is_string);
            let text = text.unwrap_or(SqlType::String);
            Ok(SqlType::map(text.clone(), text, true))
        }),
    ),
    NullRule::Propagate,
    Effects::FALLIBLE,
    str_to_map,
);

/// The pattern compiled last, since patterns rarely change from row to row.
#[derive(Default)]
struct Pattern(Option<(String, Regex)>);

impl Pattern {
    fn get(&mut self, pattern: &str) -> Result<&Regex> {
        if self.0.as_ref().is_none_or(|(p, _)| p != pattern) {
            let regex = Regex::new(pattern).map_err(|_| {
                Error::user("INVALID_PARAMETER_VALUE.PATTERN")
                    .param("parameter", "`regexp`")
                    .param("functionName", "`str_to_map`")
                    .param("value", format!("'{pattern}'"))
            })?;
            self.0 = Some((pattern.to_string(), regex));
        }
        match &self.0 {
            Some((_, regex)) => Ok(regex),
            None => Err(Error::internal("no pattern")),
        }
    }
}

fn str_to_map(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (texts, pairs, entries) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, StrCol::of(args, 2)?);
    let (mut keys, mut values) = (StringViewBuilder::new(), StringViewBuilder::new());
    let (mut pair_pattern, mut entry_pattern) = (Pattern::default(), Pattern::default());
    let folds_case = crate::collation::folds_case(args, 0);
    let mut ends = Vec::with_capacity(args.rows);
    let mut count = 0;
    for row in 0..args.rows {
        if let (Some(text), Some(pair), Some(entry)) = (texts.get(row), pairs.get(row), entries.get(row)) {
            let pair = pair_pattern.get(&folded(pair, folds_case))?;
            let entry = entry_pattern.get(&folded(entry, folds_case))?;
            for part in pair.split(text) {
                let mut key_value = entry.splitn(part, 2);
                keys.append_value(key_value.next().unwrap_or_default());
                values.append_option(key_value.next());
                count += 1;
            }
        }
        ends.push(count);
    }
    let (keys, values): (ArrayRef, ArrayRef) = (Arc::new(keys.finish()), Arc::new(values.finish()));
    let mut out = MapGather::new(&keys, args)?;
    let mut start = 0;
    for end in ends {
        for i in start..end {
            out.push(i, Some(i)).map_err(|e| args.error(e))?;
        }
        out.end_row()?;
        start = end;
    }
    out.finish(&values, &args.call.ty)
}
