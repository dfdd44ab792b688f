//! AND, OR and NOT: constants, repetitions, De Morgan, common factors.
//!
//! ```text
//! (true AND a)                       →   a
//! (NOT (a < b))                      →   (a >= b)
//! ((a AND b) OR (a AND c))           →   (a AND (b OR c))
//! ```
//! Sound in three-valued logic. A common factor is taken out only if it raises no error: it is evaluated first then.

use rsql_common::Result;
use rsql_expr::Expr;

use super::boolean;
use crate::predicate::is_movable;
use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct BooleanSimplification;

impl ExpressionRule for BooleanSimplification {
    fn name(&self) -> &'static str {
        "BooleanSimplification"
    }

    fn rewrite(&self, expr: Expr, _: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        Ok(match expr {
            Expr::And(parts) => and(parts),
            Expr::Or(parts) => or(parts),
            Expr::Not(inner) => not(*inner),
            other => Transformed::no(other),
        })
    }
}

/// Members without nesting, constants of no effect and repetitions; `None` if one decides alone.
fn members(parts: Vec<Expr>, is_and: bool) -> Option<(Vec<Expr>, bool)> {
    let mut out: Vec<Expr> = Vec::with_capacity(parts.len());
    let mut changed = false;
    let mut stack: Vec<Expr> = parts.into_iter().rev().collect();
    while let Some(e) = stack.pop() {
        match e {
            Expr::And(inner) if is_and => {
                changed = true;
                stack.extend(inner.into_iter().rev());
            }
            Expr::Or(inner) if !is_and => {
                changed = true;
                stack.extend(inner.into_iter().rev());
            }
            e if if is_and { e.is_true() } else { e.is_false() } => changed = true,
            e if if is_and { e.is_false() } else { e.is_true() } => return None,
            e if out.contains(&e) && e.is_deterministic() => changed = true,
            e => out.push(e),
        }
    }
    Some((out, changed))
}

fn and(parts: Vec<Expr>) -> Transformed<Expr> {
    let Some((mut out, changed)) = members(parts, true) else {
        return Transformed::yes(boolean(false));
    };
    match out.len() {
        0 => Transformed::yes(boolean(true)),
        1 => Transformed::yes(out.remove(0)),
        _ => crate::rule::transformed(Expr::And(out), changed),
    }
}

fn or(parts: Vec<Expr>) -> Transformed<Expr> {
    let Some((mut out, changed)) = members(parts, false) else {
        return Transformed::yes(boolean(true));
    };
    match out.len() {
        0 => return Transformed::yes(boolean(false)),
        1 => return Transformed::yes(out.remove(0)),
        _ => {}
    }
    let common = common_factors(&out);
    if common.is_empty() {
        return crate::rule::transformed(Expr::Or(out), changed);
    }
    let mut rests = Vec::with_capacity(out.len());
    for branch in out {
        let rest: Vec<Expr> = branch
            .split_conjuncts()
            .into_iter()
            .filter(|c| !common.contains(c))
            .collect();
        rests.push(rest);
    }
    // A branch that is nothing but the factors makes the others irrelevant.
    if rests.iter().any(Vec::is_empty) {
        return Transformed::yes(Expr::conjunction(common));
    }
    let disjunction = Expr::Or(rests.into_iter().map(Expr::conjunction).collect());
    Transformed::yes(Expr::conjunction(common.into_iter().chain([disjunction])))
}

/// Conjuncts that every branch has.
fn common_factors(branches: &[Expr]) -> Vec<Expr> {
    let Some((Expr::And(first), others)) = branches.split_first() else {
        return match branches.split_first() {
            Some((first, others)) if is_movable(first) && others.iter().all(|b| has(b, first)) => vec![first.clone()],
            _ => vec![],
        };
    };
    first
        .iter()
        .filter(|c| is_movable(c) && others.iter().all(|b| has(b, c)))
        .cloned()
        .collect()
}

fn has(branch: &Expr, conjunct: &Expr) -> bool {
    match branch {
        Expr::And(parts) => parts.contains(conjunct),
        other => other == conjunct,
    }
}

fn not(inner: Expr) -> Transformed<Expr> {
    match inner {
        Expr::Not(e) => Transformed::yes(*e),
        Expr::IsNull(e) => Transformed::yes(Expr::IsNotNull(e)),
        Expr::IsNotNull(e) => Transformed::yes(Expr::IsNull(e)),
        Expr::Compare { op, left, right } => match op.negate() {
            Some(op) => Transformed::yes(Expr::Compare { op, left, right }),
            None => Transformed::no(Expr::not(Expr::Compare { op, left, right })),
        },
        // Short-circuiting keeps its order: members are negated in place.
        Expr::And(parts) => Transformed::yes(Expr::Or(parts.into_iter().map(negated).collect())),
        Expr::Or(parts) => Transformed::yes(Expr::And(parts.into_iter().map(negated).collect())),
        e if e.is_true() => Transformed::yes(boolean(false)),
        e if e.is_false() => Transformed::yes(boolean(true)),
        e => Transformed::no(Expr::not(e)),
    }
}

fn negated(e: Expr) -> Expr {
    not(e).data
}
