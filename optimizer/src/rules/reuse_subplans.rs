//! Computes a subplan that occurs several times once.
//!
//! ```text
//! Join Inner filter (v > w)                 With cte1: Join ps, s
//!   Aggregate [k] [sum(x) AS v]        →      Join Inner filter (v > w)
//!     Join ps, s                                Aggregate [k] [sum(x) AS v]
//!   Aggregate [] [sum(x) AS w]                    CteRef cte1
//!     Join ps, s                                Aggregate [] [sum(x) AS w]
//!                                                 CteRef cte1
//! ```
//! Sound: the occurrences are equal but for ids, deterministic, and read no column from outside. Not applied where keeping the
//! rows would cost as much as computing them: the subplan has to give far fewer rows than it reads.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::Result;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::CteRef;
use rsql_planner::logical::canonical::canonical;

use crate::OptimizerContext;
use crate::fingerprint::fingerprint;
use crate::rule::PlanPass;
use crate::statistics::{Definitions, derive};
use crate::walk::{map_children, with_stack};

/// See the module.
pub struct ReuseSubplans;

/// Rows read from which it pays.
const LEAST_READ: f64 = 100_000.0;
/// Rows given, as a part of those read.
const MOST_GIVEN: f64 = 0.2;

impl PlanPass for ReuseSubplans {
    fn name(&self) -> &'static str {
        "ReuseSubplans"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        let mut found: HashMap<u64, Vec<LogicalPlan>> = HashMap::new();
        collect(&plan, &mut found);
        let mut repeated: Vec<LogicalPlan> = found.into_values().flat_map(repeats).collect();
        // Larger ones first; what they hold is shared with them.
        repeated.sort_by_key(|p| std::cmp::Reverse(size(p)));
        let mut plan = plan;
        let mut defs = Vec::new();
        for wanted in repeated.into_iter().filter(pays) {
            let form = canonical(wanted.clone());
            let mut occurrences = 0;
            count(&plan, &form, &mut occurrences);
            if occurrences < 2 {
                continue;
            }
            let id = cx.ids.cte();
            plan = replace(plan, &form, id);
            defs.push((id, Arc::new(wanted)));
        }
        Ok(plan.with(defs))
    }
}

/// One of each group of plans that are equal but for ids.
fn repeats(plans: Vec<LogicalPlan>) -> Vec<LogicalPlan> {
    let mut forms: Vec<(LogicalPlan, LogicalPlan, usize)> = Vec::new();
    for plan in plans {
        let form = canonical(plan.clone());
        match forms.iter_mut().find(|(f, ..)| *f == form) {
            Some((.., n)) => *n += 1,
            None => forms.push((form, plan, 1)),
        }
    }
    forms
        .into_iter()
        .filter(|(.., n)| *n > 1)
        .map(|(_, plan, _)| plan)
        .collect()
}

/// Joins and aggregates that could be shared, by the hash of their canonical form.
fn collect(plan: &LogicalPlan, found: &mut HashMap<u64, Vec<LogicalPlan>>) {
    with_stack(|| {
        if is_candidate(plan) {
            let key = fingerprint(&canonical(plan.clone()));
            found.entry(key).or_default().push(plan.clone());
        }
        plan.children().into_iter().for_each(|c| collect(c, found));
    });
}

fn is_candidate(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join(_) | LogicalPlan::Aggregate(_)) && is_shareable(plan)
}

fn is_shareable(plan: &LogicalPlan) -> bool {
    let fits = !matches!(
        plan,
        LogicalPlan::With(_) | LogicalPlan::CteRef(_) | LogicalPlan::RecursiveCte(_) | LogicalPlan::Sample(_)
    );
    fits && plan.expressions().iter().all(|e| e.is_deterministic())
        && plan.children().into_iter().all(|c| is_shareable(c))
}

fn size(plan: &LogicalPlan) -> usize {
    1 + plan.children().into_iter().map(|c| size(c)).sum::<usize>()
}

fn pays(plan: &LogicalPlan) -> bool {
    let mut definitions = Definitions::new();
    let given = derive(plan, &mut definitions, None).rows;
    let read = rows_read(plan);
    read >= LEAST_READ && given <= read * MOST_GIVEN
}

fn rows_read(plan: &LogicalPlan) -> f64 {
    match plan {
        LogicalPlan::Scan(n) => n.facts.as_ref().and_then(|f| f.rows).map_or(0.0, |r| r as f64),
        other => other.children().into_iter().map(|c| rows_read(c)).sum(),
    }
}

fn count(plan: &LogicalPlan, form: &LogicalPlan, n: &mut usize) {
    if is_candidate(plan) && canonical(plan.clone()) == *form {
        *n += 1;
    } else {
        plan.children().into_iter().for_each(|c| count(c, form, n));
    }
}

/// Occurrences as references under their own ids.
fn replace(plan: LogicalPlan, form: &LogicalPlan, id: rsql_common::CteId) -> LogicalPlan {
    with_stack(|| {
        if is_candidate(&plan) && canonical(plan.clone()) == *form {
            let schema = plan.schema().clone();
            return LogicalPlan::CteRef(CteRef { id, schema });
        }
        let Ok(plan) = map_children::<std::convert::Infallible>(plan, &mut |c| Ok(replace(c, form, id)));
        plan
    })
}
