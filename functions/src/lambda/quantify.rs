//! `exists` and `forall`, three-valued.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array};
use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, ScalarFn};

use super::bind_lambda::array_predicate;
use crate::collection::Lists;
use crate::definition::{doc, scalar};

pub(super) static EXISTS: ScalarFn = ScalarFn {
    aliases: &["any_match"],
    ..scalar(
        "exists",
        doc(
            Family::Lambda,
            "exists(array, predicate)",
            "True if the predicate is true for an element; NULL if it is for none and NULL for some.",
            "SELECT exists(array(1, 2, 3), x -> x % 2 == 0)",
        ),
        Signature::bind_with(array_predicate, ret::BOOLEAN),
        NullRule::Custom,
        Effects::PURE,
        |args| quantify(args, true),
    )
};

pub(super) static FORALL: ScalarFn = ScalarFn {
    aliases: &["all_match"],
    ..scalar(
        "forall",
        doc(
            Family::Lambda,
            "forall(array, predicate)",
            "True if the predicate is true for all elements; NULL if it is false for none and NULL for some.",
            "SELECT forall(array(2, 4, 8), x -> x % 2 == 0)",
        ),
        Signature::bind_with(array_predicate, ret::BOOLEAN),
        NullRule::Custom,
        Effects::PURE,
        |args| quantify(args, false),
    )
};

/// `decisive`: the value of the predicate that settles a row.
fn quantify(args: &EvalArgs<'_>, decisive: bool) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    // All elements at once; if that fails, an element after the decisive one may be at fault.
    let verdicts = at_once(args, &lists, decisive).or_else(|_| step_by_step(args, &lists, decisive))?;
    let result: BooleanArray = verdicts
        .into_iter()
        .enumerate()
        .map(|(row, verdict)| if lists.is_null(row) { None } else { verdict })
        .collect();
    Ok(Arc::new(result))
}

fn at_once(args: &EvalArgs<'_>, lists: &Lists, decisive: bool) -> Result<Vec<Option<bool>>> {
    let (rows, elements) = lists.rows_and_elements()?;
    let truth = args.lambda(1)?.call(&[elements], &rows)?;
    let truth = truth.as_boolean();
    let mut verdicts = vec![Some(!decisive); args.rows];
    for (i, row) in rows.into_iter().enumerate() {
        note(&mut verdicts[row as usize], truth, i, decisive);
    }
    Ok(verdicts)
}

fn step_by_step(args: &EvalArgs<'_>, lists: &Lists, decisive: bool) -> Result<Vec<Option<bool>>> {
    let mut verdicts = vec![Some(!decisive); args.rows];
    for step in 0.. {
        let rows: Vec<u32> = (0..args.rows)
            .filter(|r| !lists.is_null(*r) && step < lists.range(*r).len() && verdicts[*r] != Some(decisive))
            .map(|r| r as u32)
            .collect();
        if rows.is_empty() {
            break;
        }
        let picks = rows.iter().map(|r| (lists.range(*r as usize).start + step) as u32);
        let elements = arrow::compute::take(&lists.values, &UInt32Array::from_iter_values(picks), None)?;
        let truth = args.lambda(1)?.call(&[elements], &rows)?;
        let truth = truth.as_boolean();
        for (i, row) in rows.into_iter().enumerate() {
            note(&mut verdicts[row as usize], truth, i, decisive);
        }
    }
    Ok(verdicts)
}

fn note(verdict: &mut Option<bool>, truth: &BooleanArray, i: usize, decisive: bool) {
    if *verdict == Some(decisive) {
        return;
    }
    if truth.is_null(i) {
        *verdict = None;
    } else if truth.value(i) == decisive {
        *verdict = Some(decisive);
    }
}
