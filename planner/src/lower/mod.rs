//! Logical plan to physical plan: ids become slots, operators get their algorithm and runtime filters are laid.
//!
//! Nothing is estimated here; sizes come with the plan as [`Estimates`].

mod binding;
mod join;
mod nodes;
mod runtime_filters;
mod scan;
mod top_k_filters;

use rsql_common::ids::IdGen;
use rsql_common::{Error, Result};

use crate::estimates::Estimates;
use crate::{LogicalPlan, PhysicalPlan};
pub(crate) use join::build_side;
pub(crate) use runtime_filters::publish as publish_filters;

/// The physical plan of an optimized logical plan.
pub fn lower(plan: &LogicalPlan, estimates: &Estimates, ids: &IdGen) -> Result<PhysicalPlan> {
    let mut physical = node(plan, estimates)?;
    lay_filters(&mut physical, ids);
    Ok(physical)
}

/// Lays runtime filters in a plan that has none.
pub(crate) fn lay_filters(plan: &mut PhysicalPlan, ids: &IdGen) {
    runtime_filters::lay(plan, ids);
    top_k_filters::lay(plan, ids);
}

/// One node and what is below it.
fn node(plan: &LogicalPlan, e: &Estimates) -> Result<PhysicalPlan> {
    use LogicalPlan as L;
    match plan {
        L::Values(n) => nodes::values(n),
        L::Range(n) => Ok(nodes::range(n)),
        L::Scan(n) => scan::scan(n, e),
        L::Projection(n) => nodes::projection(n, e),
        L::Filter(n) => nodes::filter(n, e),
        L::Aggregate(n) => nodes::aggregate(n, e),
        L::Window(n) => nodes::window(n, e),
        L::Sort(n) => nodes::sort(n, e),
        L::Limit(n) => nodes::limit(n, e),
        L::Join(n) => join::join(n, e),
        L::Union(n) => nodes::union(n, e),
        L::Generate(n) => nodes::generate(n, e),
        L::Expand(n) => nodes::expand(n, e),
        L::With(n) => nodes::with(n, e),
        L::CteRef(n) => Ok(nodes::cte_ref(n)),
        L::RecursiveCte(n) => nodes::recursive_cte(n, e),
        L::Sample(n) => nodes::sample(n, e),
        L::Repartition(n) => nodes::repartition(n, e),
        L::DependentJoin(_) | L::SetOp(_) | L::Hint(_) => Err(Error::internal(format!(
            "{} has no physical form; it is rewritten before",
            plan.name()
        ))),
    }
}
