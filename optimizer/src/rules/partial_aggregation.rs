//! Aggregates below a join what the join would multiply: fewer rows are joined.
//!
//! ```text
//! Aggregate [c.k] [count(o.x)]          Aggregate [c.k] [coalesce(sum(n), 0)]
//!   Join Left on (c.k = o.k)      →       Join Left on (c.k = o.k)
//!     Scan c                                Scan c
//!     Scan o                                Aggregate [o.k] [count(o.x) AS n]
//!                                             Scan o
//! ```
//! Sound for aggregates of which partial results can be aggregated again without loss (`split_aggregate.rs`) and joins by keys
//! alone: rows with equal keys meet the same partners. Sums must not overflow below, where they also meet rows that the join
//! would drop: those of INTs do not if there are surely fewer than 2^32 rows. Above, a sum overflows when it did before. Not
//! applied where the join drops many rows before they would be aggregated, nor where the keys hardly repeat; not to means of
//! integers, of which the join may repeat the sums.

use rsql_common::Result;
use rsql_expr::{Expr, Field, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, field_for};
use rsql_planner::logical::{Aggregate, Join, JoinKind};

use crate::OptimizerContext;
use crate::predicate::{is_movable, is_selection, most_rows};
use crate::rule::{OptimizerRule, Transformed};
use crate::split_aggregate::{Limits, Parts, magnitude, partial_type};
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
            c.filter.is_none()
                && !c.args.is_empty()
                && c.args.iter().all(|e| {
                    let columns = e.columns();
                    // An error in a row that the join drops is none.
                    is_movable(e) && !columns.is_empty() && columns.iter().all(|id| right.index_of(*id).is_some())
                })
        });
    if !fits || matches!(join.right.as_ref(), LogicalPlan::Aggregate(_)) {
        return None;
    }
    let rows = most_rows(&join.right).map_or(f64::INFINITY, |n| n as f64);
    let limits = Limits {
        sum: &|e| magnitude(&e.ty()) * rows,
        whole: false,
    };
    let types = n.aggregates.iter().map(|c| partial_type(c, &limits));
    let types: Vec<SqlType> = types.collect::<Option<_>>()?;
    if !pays(join) {
        return None;
    }
    let calls = n.aggregates.iter().zip(types);
    let parts: Vec<Parts> = calls.map(|(c, ty)| Parts::of(c, ty, cx)).collect();
    // Below: by the join's keys.
    let keys: Vec<(Expr, Field)> = join
        .on
        .iter()
        .map(|(_, r)| (r.clone(), field_for(r, "key", right, &cx.ids)))
        .collect();
    let (mut partial, mut merged) = (Vec::new(), Vec::new());
    // Above: by the groups, over the partial results.
    let groups = n.groups.iter().cloned().zip(n.schema.iter().cloned()).collect();
    let mut outputs: Vec<Expr> = n.schema.iter().take(n.groups.len()).map(column).collect();
    for part in parts {
        partial.extend(part.partial);
        merged.extend(part.merged);
        outputs.push(part.result);
    }
    let below = join.right.as_ref().clone().aggregate(keys, partial);
    let joined =
        LogicalPlan::join(join.left.clone(), below, join.kind, join.on.clone(), None).with_join_hint(join.hint);
    let fields = n.schema.iter().cloned().collect();
    Some(joined.aggregate(groups, merged).project_to(outputs, fields))
}

/// The join below, looking through selections of columns.
fn join_of(plan: &LogicalPlan) -> Option<&Join> {
    match plan {
        LogicalPlan::Join(n) => Some(n),
        LogicalPlan::Projection(p) if is_selection(p) => join_of(&p.input),
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
