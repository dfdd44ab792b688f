//! Collations at work: keys that stand for texts where texts are compared, grouped and sorted, and what the string
//! functions do when their arguments have a collation.

mod cased;
mod collate;
mod compare;
mod edit;
mod key;
mod rules;
mod search;
mod trim;

use std::borrow::Cow;
use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::function::{EvalArgs, FunctionKind, FunctionRegistry};

pub(crate) use cased::{initcap, lower, push_title, upper};
pub(crate) use compare::{Place, find_in_set, instr, locate, tested};
pub(crate) use edit::{replace, split_part, substring_index, translate};
pub(crate) use key::comparable;
pub(crate) use rules::Rules;
pub(crate) use trim::trimmed;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in collate::ALL.iter().chain(key::ALL) {
        r.add(FunctionKind::Scalar(f));
    }
}

/// The rules of argument `i`, unless it compares by bytes.
pub(crate) fn rules_of(args: &EvalArgs<'_>, i: usize) -> Result<Option<Arc<Rules>>> {
    match args.ty(i).collation() {
        Some(c) if !c.is_binary() && !c.is_indeterminate() => Rules::get(c).map(Some),
        _ => Ok(None),
    }
}

/// The regular expression, matching without regard to case if asked.
pub(crate) fn folded(pattern: &str, folds_case: bool) -> Cow<'_, str> {
    if folds_case {
        Cow::Owned(format!("(?i){pattern}"))
    } else {
        Cow::Borrowed(pattern)
    }
}

/// Argument `i` is a text whose case does not count: patterns match it without regard to case.
pub(crate) fn folds_case(args: &EvalArgs<'_>, i: usize) -> bool {
    args.ty(i)
        .collation()
        .is_some_and(rsql_expr::Collation::is_lcase_family)
}
