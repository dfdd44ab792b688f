//! Limits go down to where they save work: into sorts (top-k), below projections, into unions and scans.
//!
//! ```text
//! Limit 10                    Projection a
//!   Projection a         →      Sort b fetch 10
//!     Sort b                      Scan t
//!       Scan t
//! ```
//! Sound: projections keep rows and order; a union needs no more rows of an input than of the whole; an outer join gives at
//! least one row for each row of the side it keeps; a recursion gives its rows iteration by iteration, so that it can end
//! as soon as there are enough. The limit itself stays where another operator could give more rows.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::Schema;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{JoinKind, Limit, PlanRef, Projection};

use crate::OptimizerContext;
use crate::predicate::most_rows;
use crate::rule::{Direction, OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct LimitPushDown;

impl OptimizerRule for LimitPushDown {
    fn name(&self) -> &'static str {
        "LimitPushDown"
    }

    fn direction(&self) -> Direction {
        Direction::TopDown
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Limit(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match n.fetch {
            Some(0) => Transformed::yes(LogicalPlan::empty(Schema::clone(n.input.schema()))),
            Some(fetch) => push(n, fetch),
            None => Transformed::no(LogicalPlan::Limit(n)),
        })
    }
}

fn push(mut n: Limit, fetch: u64) -> Transformed<LogicalPlan> {
    let needed = n.skip.saturating_add(fetch);
    let input = owned(n.input);
    let (input, changed) = match input {
        LogicalPlan::Projection(p) => {
            let below = LogicalPlan::Limit(Limit {
                input: p.input,
                skip: n.skip,
                fetch: n.fetch,
            });
            return Transformed::yes(LogicalPlan::Projection(Projection {
                input: Arc::new(below),
                ..p
            }));
        }
        LogicalPlan::Limit(inner) => {
            let left = inner.fetch.map_or(u64::MAX, |k| k.saturating_sub(n.skip));
            return Transformed::yes(LogicalPlan::Limit(Limit {
                input: inner.input,
                skip: inner.skip.saturating_add(n.skip),
                fetch: Some(fetch.min(left)),
            }));
        }
        LogicalPlan::Sort(mut s) if s.global => {
            let wanted = s.fetch.map_or(needed, |k| k.min(needed));
            let changed = s.fetch != Some(wanted);
            s.fetch = Some(wanted);
            let sorted = LogicalPlan::Sort(s);
            if n.skip == 0 {
                return Transformed::yes(sorted);
            }
            (sorted, changed)
        }
        LogicalPlan::Union(mut u) => {
            let mut changed = false;
            for i in &mut u.inputs {
                changed |= limit_to(i, needed);
            }
            (LogicalPlan::Union(u), changed)
        }
        LogicalPlan::Scan(mut s) => {
            let changed = s.limit.is_none_or(|k| k > needed);
            if changed {
                s.limit = Some(needed);
            }
            (LogicalPlan::Scan(s), changed)
        }
        LogicalPlan::RecursiveCte(mut r) => {
            let changed = r.fetch.is_none_or(|k| k > needed);
            if changed {
                r.fetch = Some(needed);
            }
            (LogicalPlan::RecursiveCte(r), changed)
        }
        LogicalPlan::Join(mut j) => {
            let cross = j.on.is_empty() && j.filter.is_none();
            let changed = match j.kind {
                JoinKind::Left | JoinKind::LeftMark => limit_to(&mut j.left, needed),
                JoinKind::Right => limit_to(&mut j.right, needed),
                JoinKind::Inner if cross => limit_to(&mut j.left, needed) | limit_to(&mut j.right, needed),
                _ => false,
            };
            (LogicalPlan::Join(j), changed)
        }
        other => (other, false),
    };
    n.input = Arc::new(input);
    crate::rule::transformed(LogicalPlan::Limit(n), changed)
}

/// A limit on an input, unless it cannot have more rows.
fn limit_to(plan: &mut PlanRef, rows: u64) -> bool {
    let bounded = most_rows(plan).is_some_and(|most| most <= rows);
    if !bounded {
        let input = std::mem::take(plan);
        *plan = Arc::new(owned(input).limit(0, Some(rows)));
    }
    !bounded
}
