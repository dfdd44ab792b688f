//! Outer joins whose made-up NULL rows are dropped above become inner (or one-sided) joins.
//!
//! ```text
//! Filter (b.y > 1)               Filter (b.y > 1)
//!   Join Left on (a.x = b.x)  →    Join Inner on (a.x = b.x)
//! ```
//! Sound: a predicate that is not TRUE when a column of the NULL-extended side is NULL drops every row the outer join
//! made up. Which columns must not be NULL is carried down from filters and join conditions. Not applied below limits,
//! windows and single joins.

use std::collections::BTreeSet;
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::Schema;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Join, JoinKind};

use crate::OptimizerContext;
use crate::predicate::{null_rejected, strict_columns};
use crate::rule::PlanPass;
use crate::walk::{map_children, owned, with_stack};

/// See the module.
pub struct EliminateOuterJoin;

type Columns = BTreeSet<ColumnId>;

impl PlanPass for EliminateOuterJoin {
    fn name(&self) -> &'static str {
        "EliminateOuterJoin"
    }

    fn run(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<LogicalPlan> {
        eliminate(plan, &Columns::new())
    }
}

/// `plan`, of which rows with NULL in any of `not_null` are dropped above.
fn eliminate(plan: LogicalPlan, not_null: &Columns) -> Result<LogicalPlan> {
    with_stack(|| match plan {
        LogicalPlan::Filter(ref n) => {
            let mut not_null = not_null.clone();
            null_rejected(&n.predicate, &mut not_null);
            map_children(plan, &mut |c| eliminate(c, &not_null))
        }
        LogicalPlan::Projection(ref n) => {
            let mut below = Columns::new();
            for (f, e) in n.schema.iter().zip(&n.exprs) {
                if not_null.contains(&f.id) {
                    strict_columns(e, &mut below);
                }
            }
            map_children(plan, &mut |c| eliminate(c, &below))
        }
        LogicalPlan::Aggregate(ref n) => {
            let mut below = Columns::new();
            for (f, e) in n.schema.iter().zip(&n.groups) {
                if not_null.contains(&f.id) {
                    strict_columns(e, &mut below);
                }
            }
            map_children(plan, &mut |c| eliminate(c, &below))
        }
        LogicalPlan::Repartition(_) => map_children(plan, &mut |c| eliminate(c, not_null)),
        LogicalPlan::Sort(ref n) if n.fetch.is_none() => map_children(plan, &mut |c| eliminate(c, not_null)),
        LogicalPlan::Join(n) => join(n, not_null),
        other => map_children(other, &mut |c| eliminate(c, &Columns::new())),
    })
}

fn join(mut n: Join, not_null: &Columns) -> Result<LogicalPlan> {
    use JoinKind as K;
    let within = |schema: &Schema| -> Columns {
        not_null
            .iter()
            .copied()
            .filter(|c| schema.index_of(*c).is_some())
            .collect()
    };
    let (mut left, mut right) = (within(n.left.schema()), within(n.right.schema()));
    n.kind = match n.kind {
        K::Left if !right.is_empty() => K::Inner,
        K::Right if !left.is_empty() => K::Inner,
        K::Full => match (left.is_empty(), right.is_empty()) {
            (false, false) => K::Inner,
            (false, true) => K::Left,
            (true, false) => K::Right,
            (true, true) => K::Full,
        },
        kind => kind,
    };
    // Rows that cannot fulfil the condition matter only where unmatched rows are kept.
    let mut condition = Columns::new();
    for e in n.on.iter().flat_map(|(l, r)| [l, r]) {
        strict_columns(e, &mut condition);
    }
    if let Some(f) = &n.filter {
        null_rejected(f, &mut condition);
    }
    if !n.null_aware {
        let of = |schema: &Schema| {
            condition
                .iter()
                .copied()
                .filter(|c| schema.index_of(*c).is_some())
                .collect::<Vec<_>>()
        };
        if matches!(n.kind, K::Inner | K::LeftSemi | K::Right) {
            left.extend(of(n.left.schema()));
        }
        if !matches!(n.kind, K::Right | K::Full | K::LeftMark) {
            right.extend(of(n.right.schema()));
        }
    }
    if n.kind == K::Full {
        left.clear();
        right.clear();
    }
    n.left = Arc::new(eliminate(owned(n.left), &left)?);
    n.right = Arc::new(eliminate(owned(n.right), &right)?);
    let mut plan = LogicalPlan::Join(n);
    plan.refresh_schema();
    Ok(plan)
}
