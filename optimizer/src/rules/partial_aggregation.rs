//! Aggregates below a join what the join would multiply: fewer rows are joined.
//!
//! ```text
//! Aggregate [c.k] [count(o.x)]          Aggregate [c.k] [coalesce(sum(n), 0)]
//!   Join Left on (c.k = o.k)      →       Join Left on (c.k = o.k)
//!     Scan c                                Scan c
//!     Scan o                                Aggregate [o.k] [count(o.x) AS n]
//!                                             Scan o
//! ```
//! Sound for aggregates of which partial results can be aggregated again without loss (counts, extremes) and joins by keys
//! alone: rows with equal keys meet the same partners. Not applied where the join drops many rows before they would be
//! aggregated, nor where the keys hardly repeat.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::{AggregateCall, Expr, Field, Literal, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, field_for};
use rsql_planner::logical::{Aggregate, Join, JoinKind};

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};
use crate::statistics::{Definitions, derive};

/// See the module.
pub struct PartialAggregationBelowJoin;

/// Rows of the aggregated side from which it pays.
const LEAST_ROWS: f64 = 50_000.0;
/// Groups have to be at most this part of the rows.
const MOST_GROUPS: f64 = 0.5;

impl OptimizerRule for PartialAggregationBelowJoin {
    fn name(&self) -> &'static str {
        "PartialAggregationBelowJoin"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match rewrite(&n, cx) {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(LogicalPlan::Aggregate(n)),
        })
    }
}

fn rewrite(n: &Aggregate, cx: &OptimizerContext) -> Option<LogicalPlan> {
    let join = join_of(&n.input)?;
    let (left, right) = (join.left.schema(), join.right.schema());
    let of_left = |e: &Expr| matches!(e, Expr::Column(c) if left.index_of(c.id).is_some());
    let fits = matches!(join.kind, JoinKind::Left | JoinKind::Inner)
        && join.filter.is_none()
        && !join.on.is_empty()
        && join.on.iter().all(|(_, r)| matches!(r, Expr::Column(_)))
        && !n.aggregates.is_empty()
        && n.groups.iter().all(of_left)
        && n.aggregates.iter().all(|c| {
            matches!(&*c.func, "count" | "min" | "max")
                && !c.distinct
                && c.filter.is_none()
                && !c.args.is_empty()
                && c.args.iter().all(|e| {
                    let columns = e.columns();
                    !columns.is_empty() && columns.iter().all(|id| right.index_of(*id).is_some())
                })
        });
    if !fits || matches!(join.right.as_ref(), LogicalPlan::Aggregate(_)) || !pays(join) {
        return None;
    }
    // Below: by the join's keys.
    let keys: Vec<(Expr, Field)> = join
        .on
        .iter()
        .map(|(_, r)| (r.clone(), field_for(r, "key", right, &cx.ids)))
        .collect();
    let partial: Vec<_> = n
        .aggregates
        .iter()
        .map(|c| (c.clone(), cx.ids.column(), Arc::from("partial")))
        .collect();
    let below = join.right.as_ref().clone().aggregate(keys, partial.clone());
    let joined =
        LogicalPlan::join(join.left.clone(), below, join.kind, join.on.clone(), None).with_join_hint(join.hint);
    // Above: by the groups, over the partial results.
    let groups = n.groups.iter().cloned().zip(n.schema.iter().cloned()).collect();
    let mut outputs: Vec<Expr> = n.schema.iter().take(n.groups.len()).map(column).collect();
    let mut finals = Vec::new();
    for (call, id, _) in partial {
        let value = Expr::Column(rsql_expr::Column {
            id,
            ty: call.ty.clone(),
        });
        let result = cx.ids.column();
        let merged = Expr::Column(rsql_expr::Column {
            id: result,
            ty: call.ty.clone(),
        });
        let count = &*call.func == "count";
        outputs.push(if count {
            Expr::Coalesce {
                args: vec![merged, Expr::lit(Literal::long(0))],
                ty: SqlType::Long,
            }
        } else {
            merged
        });
        let func = if count { Arc::from("sum") } else { call.func.clone() };
        let merge = AggregateCall {
            func,
            args: vec![value],
            nullable: true,
            ..call
        };
        finals.push((merge, result, Arc::from("merged")));
    }
    let fields = n.schema.iter().cloned().collect();
    Some(joined.aggregate(groups, finals).project_to(outputs, fields))
}

/// The join below, looking through selections of columns.
fn join_of(plan: &LogicalPlan) -> Option<&Join> {
    match plan {
        LogicalPlan::Join(n) => Some(n),
        LogicalPlan::Projection(p) => {
            let bare = p.exprs.iter().zip(p.schema.iter());
            let selection = bare
                .into_iter()
                .all(|(e, f)| matches!(e, Expr::Column(c) if c.id == f.id));
            selection.then(|| join_of(&p.input)).flatten()
        }
        _ => None,
    }
}

fn pays(join: &Join) -> bool {
    let mut definitions = Definitions::new();
    let right = derive(&join.right, &mut definitions, None);
    if right.rows < LEAST_ROWS {
        return false;
    }
    let keys = join.on.iter().filter_map(|(_, r)| match r {
        Expr::Column(c) => Some(right.distinct(c.id)),
        _ => None,
    });
    let groups: f64 = keys.product();
    let whole = derive(&LogicalPlan::Join(join.clone()), &mut definitions, None);
    groups <= right.rows * MOST_GROUPS && whole.rows >= right.rows * MOST_GROUPS
}
