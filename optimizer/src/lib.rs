//! Rules, statistics, cost and join order: an analyzed plan to a good one.
//!
//! Reading order: [`rule`] (what a rule is), `batches` (which rules run, in which order, and why), `driver` (runs them),
//! `rules/` (one file a rule), `statistics/` and `join_order/`.

mod batches;
mod context;
mod driver;
mod filtered_scan;
mod fingerprint;
mod join_order;
mod measured;
mod partition_values;
mod predicate;
pub mod rule;
pub mod rules;
mod split_aggregate;
mod statistics;
mod struct_uses;
#[cfg(test)]
mod tests;
mod trace;
mod walk;

use rsql_common::Result;
use rsql_planner::{Estimates, LogicalPlan};

pub use context::OptimizerContext;
pub use measured::MeasuredJoins;
pub use trace::TraceEntry;

/// An optimized plan with its estimates.
#[derive(Debug, Clone)]
pub struct Optimized {
    /// The plan, ready for lowering.
    pub plan: LogicalPlan,
    /// Row estimates in the plan's shape.
    pub estimates: Estimates,
    /// Which rules changed the plan.
    pub trace: Vec<TraceEntry>,
}

/// Rewrites an analyzed plan.
pub fn optimize(plan: LogicalPlan, cx: &OptimizerContext) -> Result<Optimized> {
    run(plan, cx, false)
}

/// Like [`optimize`], with the plan's text after each rule that changed it.
pub fn optimize_traced(plan: LogicalPlan, cx: &OptimizerContext) -> Result<Optimized> {
    run(plan, cx, true)
}

fn run(plan: LogicalPlan, cx: &OptimizerContext, with_text: bool) -> Result<Optimized> {
    let mut driver = driver::Driver::new(cx, with_text);
    let plan = driver.run(plan, &batches::batches())?;
    let estimates = statistics::estimates(&plan);
    Ok(Optimized {
        plan,
        estimates,
        trace: driver.trace,
    })
}

/// Names of all rules, each once, in the order they first run; what `spark.sql.optimizer.excludedRules` takes.
pub fn rule_names() -> Vec<&'static str> {
    let mut names = Vec::new();
    for rule in batches::batches().iter().flat_map(|b| &b.rules) {
        match rule {
            rule::Rule::Node(r) => names.push(r.name()),
            rule::Rule::Pass(p) => names.push(p.name()),
            rule::Rule::Expressions(rules) => names.extend(rules.iter().map(|r| r.name())),
        }
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|n| seen.insert(*n));
    names
}
