//! DISTINCT without groups becomes an aggregate over groups: those spill, and all workers build them.
//!
//! ```text
//! Aggregate [] [count(DISTINCT x), sum(DISTINCT x)]        Aggregate [] [count(x), sum(x)]
//!   Scan t                                             →     Aggregate [x] []
//!                                                              Scan t
//! ```
//! Sound: the groups are the distinct values, NULL among them, which these functions ignore. Not applied with groups, where the
//! sets are part of the hash table and as fast; to calls over other arguments or without DISTINCT, which need all rows; nor to
//! calls with FILTER.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::{AggregateCall, Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Aggregate;
use rsql_planner::logical::build::{column, field_for};

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct RewriteDistinctAggregates;

impl OptimizerRule for RewriteDistinctAggregates {
    fn name(&self) -> &'static str {
        "RewriteDistinctAggregates"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(if fits(&n) {
            Transformed::yes(rewrite(n, cx))
        } else {
            Transformed::no(LogicalPlan::Aggregate(n))
        })
    }
}

fn fits(n: &Aggregate) -> bool {
    let Some(first) = n.aggregates.first() else {
        return false;
    };
    let reads_columns = |e: &Expr| e.is_deterministic() && !e.columns().is_empty();
    n.groups.is_empty()
        && !first.args.is_empty()
        && first.args.iter().all(reads_columns)
        && (1..first.args.len()).all(|i| !first.args[..i].contains(&first.args[i]))
        && n.aggregates.iter().all(|c| is_plain(c) && c.args == first.args)
}

/// A DISTINCT call that ignores NULL and the order of its input.
fn is_plain(call: &AggregateCall) -> bool {
    call.distinct
        && call.filter.is_none()
        && call.order_by.is_empty()
        && matches!(&*call.func, "count" | "sum" | "avg" | "min" | "max")
}

fn rewrite(n: Aggregate, cx: &OptimizerContext) -> LogicalPlan {
    let input = n.input.schema();
    let args = n.aggregates.first().map(|c| c.args.clone()).unwrap_or_default();
    let keys: Vec<(Expr, Field)> = args
        .into_iter()
        .map(|e| {
            let name = match &e {
                Expr::Column(c) => input.field(c.id).map(|f| Arc::clone(&f.name)),
                _ => None,
            };
            let field = field_for(&e, name.unwrap_or_else(|| "distinct".into()), input, &cx.ids);
            (e, field)
        })
        .collect();
    let over: Vec<Expr> = keys.iter().map(|(_, f)| column(f)).collect();
    let calls = n.aggregates.into_iter().zip(n.schema.iter()).map(|(call, field)| {
        let call = AggregateCall {
            distinct: false,
            args: over.clone(),
            ..call
        };
        (call, field.id, Arc::clone(&field.name))
    });
    let calls = calls.collect();
    crate::walk::owned(n.input)
        .aggregate(keys, vec![])
        .aggregate(vec![], calls)
}
