//! Removes every dependent join: correlated subqueries become joins.
//!
//! ```text
//! DependentJoin Single                                Join Left on (o.k = i.k)
//!   Scan o                                      →       Scan o
//!   Aggregate [] [max(i.v)]                             Aggregate [i.k] [max(i.v)]
//!     Filter (i.k = o.k)                                  Scan i
//!       Scan i
//! ```
//! Inner ones first. In order of preference: without correlation it is a plain join; a right side that only computes on
//! the outer row is computed there (`rowwise`); correlated predicates are pulled up into the join (`pull_up`); else the
//! right side is evaluated for the set of all values of the outer columns (`domain`, after Neumann and Kemper: Unnesting
//! Arbitrary Queries). Each file argues why its way is sound.

mod connect;
mod domain;
mod pull_up;
mod recursion;
mod rowwise;

use std::collections::BTreeSet;

use rsql_common::{ColumnId, Result};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{DependentJoin, DependentKind, JoinHint, PlanRef};

use crate::OptimizerContext;
use crate::rule::PlanPass;
use crate::walk::{map_children, with_stack};

/// See the module.
pub struct UnnestDependentJoins;

impl PlanPass for UnnestDependentJoins {
    fn name(&self) -> &'static str {
        "UnnestDependentJoins"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        unnest(plan, cx)
    }
}

fn unnest(plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
    with_stack(|| {
        let plan = map_children(plan, &mut |c| unnest(c, cx))?;
        match plan {
            LogicalPlan::DependentJoin(n) => convert(&n, cx),
            other => Ok(other),
        }
    })
}

/// A dependent join taken apart.
struct Dependent {
    left: PlanRef,
    kind: DependentKind,
    /// Condition over both sides.
    condition: Vec<Expr>,
    null_aware: bool,
    /// The column that a mark join adds.
    mark: Option<ColumnId>,
    /// What the user asks of the join.
    hint: JoinHint,
}

fn convert(n: &DependentJoin, cx: &OptimizerContext) -> Result<LogicalPlan> {
    let mark = (n.kind == DependentKind::Mark)
        .then(|| n.schema.iter().last().map(|f| f.id))
        .flatten();
    let dependent = Dependent {
        left: n.left.clone(),
        kind: n.kind,
        condition: n.condition.clone().map(Expr::split_conjuncts).unwrap_or_default(),
        null_aware: n.null_aware,
        mark,
        hint: n.hint,
    };
    let right = inline_correlated_definitions(n.right.as_ref().clone(), n, cx);
    let outer = correlated(&right, n);
    if outer.is_empty() {
        return Ok(connect::uncorrelated(&dependent, right));
    }
    if let Some(plan) = rowwise::apply(&dependent, &right) {
        return Ok(plan);
    }
    if let Some(pulled) = pull_up::pull(&right, &outer, &pull_up::Use::of(&dependent), cx) {
        return Ok(connect::pulled(&dependent, pulled, cx));
    }
    domain::apply(&dependent, &right, &outer, cx)
}

/// Columns of the left side that `right` reads.
fn correlated(right: &LogicalPlan, n: &DependentJoin) -> BTreeSet<ColumnId> {
    let left = n.left.schema();
    right
        .free_columns()
        .into_iter()
        .filter(|c| left.index_of(*c).is_some())
        .collect()
}

/// Shared definitions that read outer columns are put in place of their references.
fn inline_correlated_definitions(plan: LogicalPlan, n: &DependentJoin, cx: &OptimizerContext) -> LogicalPlan {
    let outer = |p: &LogicalPlan| p.free_columns().iter().any(|c| n.left.schema().index_of(*c).is_some());
    if !outer(&plan) {
        return plan;
    }
    super::inline_cte::inline(plan, &|_, def, _| outer(def), &cx.ids)
}
