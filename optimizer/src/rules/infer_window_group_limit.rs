//! A filter that keeps the first rows of each window partition limits the rows before the window sorts them.
//!
//! ```text
//! Filter (rn <= 3)                                     Filter (rn <= 3)
//!   Window [row_number() AS rn] partition by [a]   →     Window [row_number() AS rn] … group limit: row_number() <= 3
//!     Scan t                                               Scan t
//! ```
//! Sound: a row beyond the limit among some rows of its partition is so among all, and the filter, which stays, drops it.
//! The other calls must see of each row's partition only what comes before it. Not applied to ranks above
//! `spark.sql.optimizer.windowGroupLimitThreshold`, behind a conjunct that may raise an error or is volatile, nor beside
//! calls over other frames or that may fail.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::tree::{FrameBound, FrameUnits, WindowFunc};
use rsql_expr::{CompareOp, Expr, WindowCall};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{GroupLimit, RankFunction, Window};

use crate::OptimizerContext;
use crate::predicate::is_movable;
use crate::rule::{OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct InferWindowGroupLimit;

impl OptimizerRule for InferWindowGroupLimit {
    fn name(&self) -> &'static str {
        "InferWindowGroupLimit"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        let most = cx.settings.int("spark.sql.optimizer.windowGroupLimitThreshold")?;
        let limit = match n.input.as_ref() {
            LogicalPlan::Window(w) if w.group_limit.is_none() => limit_of(&n.predicate, w),
            _ => None,
        };
        let Some(limit) = limit.filter(|l| i64::try_from(l.rows).is_ok_and(|rows| rows <= most)) else {
            return Ok(Transformed::no(LogicalPlan::Filter(n)));
        };
        let mut window = owned(n.input);
        if let LogicalPlan::Window(w) = &mut window {
            w.group_limit = Some(limit);
        }
        n.input = Arc::new(window);
        Ok(Transformed::yes(LogicalPlan::Filter(n)))
    }
}

/// The smallest limit that a predicate puts on a ranking call of the window below it.
fn limit_of(predicate: &Expr, window: &Window) -> Option<GroupLimit> {
    if window.order_by.is_empty() || !window.calls.iter().all(looks_back) {
        return None;
    }
    let first = window.schema.len() - window.calls.len();
    let rank_of = |e: &Expr| {
        let Expr::Column(c) = e else { return None };
        let call = window.calls.get(window.schema.index_of(c.id)?.checked_sub(first)?)?;
        match &call.func {
            WindowFunc::Window { func, .. } => RankFunction::of(func),
            WindowFunc::Aggregate(_) => None,
        }
    };
    let conjuncts = predicate.clone().split_conjuncts();
    let bounds = conjuncts.iter().take_while(|c| is_movable(c)).filter_map(|c| {
        let (e, rows) = upper_bound(c)?;
        let (rank, rows) = (rank_of(e)?, u64::try_from(rows).ok()?);
        (rows > 0).then_some(GroupLimit { rank, rows })
    });
    bounds.min_by_key(|l| (l.rows, strictness(l.rank)))
}

/// Of equal bounds the one on row numbers leaves fewest rows.
fn strictness(rank: RankFunction) -> u8 {
    match rank {
        RankFunction::RowNumber => 0,
        RankFunction::Rank => 1,
        RankFunction::DenseRank => 2,
    }
}

/// The operand of a comparison and the largest integer it lets pass.
fn upper_bound(e: &Expr) -> Option<(&Expr, i64)> {
    let number = |e: &Expr| e.as_literal().and_then(|l| l.value.as_i64());
    match e {
        Expr::Compare { op, left, right } => {
            let (operand, op, bound) = match (number(left), number(right)) {
                (None, Some(bound)) => (left, *op, bound),
                (Some(bound), None) => (right, op.flip(), bound),
                _ => return None,
            };
            match op {
                CompareOp::LtEq | CompareOp::Eq | CompareOp::NullSafeEq => Some((operand, bound)),
                CompareOp::Lt => Some((operand, bound.checked_sub(1)?)),
                _ => None,
            }
        }
        Expr::In { expr, list } => {
            let bounds: Option<Vec<i64>> = list.iter().map(number).collect();
            Some((expr, bounds?.into_iter().max()?))
        }
        _ => None,
    }
}

/// The call's value for a row depends on the rows before it alone, and cannot fail.
fn looks_back(call: &WindowCall) -> bool {
    match &call.func {
        WindowFunc::Window { func, .. } => RankFunction::of(func).is_some(),
        WindowFunc::Aggregate(a) => {
            let growing = call.frame.units == FrameUnits::Rows
                && call.frame.start == FrameBound::Unbounded
                && call.frame.end == FrameBound::CurrentRow;
            growing && matches!(&*a.func, "count" | "min" | "max") && a.args.iter().chain(&a.filter).all(is_movable)
        }
    }
}
