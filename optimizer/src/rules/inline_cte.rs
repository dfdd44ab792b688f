//! Puts shared definitions in place of their references where that is cheaper than sharing.
//!
//! ```text
//! With cte1: Filter (t.a > 1)             Projection t.a AS c
//!   Projection c                     →      Filter (t.a > 1)
//!     CteRef cte1 [c]                         Scan t
//! ```
//! A definition read once is inlined, so is one that is a bare scan or constant rows; definitions nobody reads are dropped.
//! Sound: each instance gets fresh ids. Not applied to definitions with volatile expressions that are read twice: all
//! readers must see the same rows.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use rsql_common::ids::IdGen;
use rsql_common::{CteId, Result};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::canonical::with_fresh_ids;
use rsql_planner::logical::{CteRef, With};

use crate::OptimizerContext;
use crate::rule::PlanPass;
use crate::walk::{map_children, owned, with_stack};

/// See the module.
pub struct InlineCte;

impl PlanPass for InlineCte {
    fn name(&self) -> &'static str {
        "InlineCTE"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        Ok(inline(plan, &|_, def, reads| reads <= 1 || is_cheap(def), &cx.ids))
    }
}

/// Reading it costs as much as reading what was kept of it.
fn is_cheap(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Scan(_) | LogicalPlan::Values(_) | LogicalPlan::Range(_) | LogicalPlan::CteRef(_) => true,
        LogicalPlan::Projection(n) => {
            n.exprs.iter().all(|e| matches!(e, rsql_expr::Expr::Column(_))) && is_cheap(&n.input)
        }
        _ => false,
    }
}

/// Number of references to each definition.
fn count(plan: &LogicalPlan, counts: &mut HashMap<CteId, usize>) {
    if let LogicalPlan::CteRef(n) = plan {
        *counts.entry(n.id).or_default() += 1;
    }
    for child in plan.children() {
        count(child, counts);
    }
}

/// Inlines the definitions that `wanted` says, given id, definition and number of references.
pub(crate) fn inline(
    plan: LogicalPlan,
    wanted: &dyn Fn(CteId, &LogicalPlan, usize) -> bool,
    ids: &IdGen,
) -> LogicalPlan {
    with_stack(|| {
        let Ok(plan) = map_children::<Infallible>(plan, &mut |c| Ok(inline(c, wanted, ids)));
        let LogicalPlan::With(mut n) = plan else { return plan };
        let mut i = 0;
        while i < n.defs.len() {
            let (id, def) = n.defs[i].clone();
            let mut counts = HashMap::new();
            n.defs[i + 1..].iter().for_each(|(_, d)| count(d, &mut counts));
            count(&n.body, &mut counts);
            let reads = counts.get(&id).copied().unwrap_or(0);
            if reads == 0 || wanted(id, &def, reads) {
                n.defs.remove(i);
                let mut first = reads == 1;
                for (_, later) in &mut n.defs[i..] {
                    *later = Arc::new(replace(owned(std::mem::take(later)), id, &def, &mut first, ids));
                }
                n.body = Arc::new(replace(owned(n.body), id, &def, &mut first, ids));
            } else {
                i += 1;
            }
        }
        let With { defs, body } = n;
        owned(body).with(defs)
    })
}

/// Replaces references to `id`; the only one may keep the definition's ids.
fn replace(plan: LogicalPlan, id: CteId, def: &Arc<LogicalPlan>, only: &mut bool, ids: &IdGen) -> LogicalPlan {
    with_stack(|| match plan {
        LogicalPlan::CteRef(n) if n.id == id => {
            let own = if std::mem::take(only) {
                def.as_ref().clone()
            } else {
                with_fresh_ids(def.as_ref().clone(), ids)
            };
            rename(own, n)
        }
        other => {
            let Ok(plan) = map_children::<Infallible>(other, &mut |c| Ok(replace(c, id, def, only, ids)));
            plan
        }
    })
}

fn rename(plan: LogicalPlan, n: CteRef) -> LogicalPlan {
    if plan.schema().iter().map(|f| f.id).eq(n.schema.iter().map(|f| f.id)) {
        return plan;
    }
    let exprs = plan.columns();
    plan.project_to(exprs, n.schema.iter().cloned().collect())
}
