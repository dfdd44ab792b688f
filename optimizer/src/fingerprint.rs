//! A hash of a plan: whether a pass changed it, without keeping a copy (constant rows can be many).

use std::hash::{DefaultHasher, Hash, Hasher};

use rsql_planner::LogicalPlan;

/// Equal for equal plans; constant rows count by their number.
pub(crate) fn fingerprint(plan: &LogicalPlan) -> u64 {
    let mut h = DefaultHasher::new();
    hash(plan, &mut h);
    h.finish()
}

fn hash(plan: &LogicalPlan, h: &mut DefaultHasher) {
    crate::walk::with_stack(|| {
        std::mem::discriminant(plan).hash(h);
        own(plan, h);
        let children = plan.children();
        children.len().hash(h);
        for c in children {
            hash(c, h);
        }
    });
}

fn own(plan: &LogicalPlan, h: &mut DefaultHasher) {
    use LogicalPlan as L;
    for f in plan.schema().iter() {
        (f.id, f.nullable).hash(h);
    }
    match plan {
        L::Values(n) => return n.rows.len().hash(h),
        L::Scan(n) => {
            n.columns.hash(h);
            n.limit.hash(h);
            n.filter_columns.len().hash(h);
        }
        L::Aggregate(n) => n.aggregates.hash(h),
        L::Window(n) => (&n.calls, n.group_limit).hash(h),
        L::Sort(n) => (&n.keys, n.fetch, n.global).hash(h),
        L::Limit(n) => (n.skip, n.fetch).hash(h),
        L::Join(n) => {
            (n.kind, n.null_aware, n.on.len(), n.filter.is_some()).hash(h);
        }
        L::DependentJoin(n) => (n.kind, n.null_aware).hash(h),
        L::With(n) => n.defs.iter().for_each(|(id, _)| id.hash(h)),
        L::CteRef(n) => n.id.hash(h),
        L::RecursiveCte(n) => n.id.hash(h),
        _ => {}
    }
    for e in plan.expressions() {
        e.hash(h);
    }
}
