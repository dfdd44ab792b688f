//! Expected sizes of physical plans.

use rsql_expr::{Schema, SqlType};

use crate::PhysicalPlan;

/// Part of the rows that a filter which is not in a scan is taken to keep.
const FILTER_KEEPS: f64 = 0.5;
/// Rows a generator is taken to make of one.
const GENERATED: f64 = 4.0;

/// Rows that a plan is expected to give.
pub(crate) fn rows(plan: &PhysicalPlan) -> f64 {
    use PhysicalPlan as P;
    match plan {
        P::Values(n) => n.rows.len() as f64,
        P::Range(n) => ((n.end as f64 - n.start as f64) / n.step as f64).max(0.0),
        P::Scan(n) => n.limit.map_or(n.estimate, |l| n.estimate.min(l as f64)),
        P::Projection(n) => rows(&n.input),
        P::Filter(n) => rows(&n.input) * FILTER_KEEPS,
        P::HashAggregate(n) => n.estimate.min(rows(&n.input).max(1.0)),
        P::Window(n) => rows(&n.input),
        P::WindowGroupLimit(n) => rows(&n.input) * FILTER_KEEPS,
        P::Sort(n) => at_most(rows(&n.input), n.fetch),
        P::Limit(n) => at_most(rows(&n.input), n.fetch),
        P::HashJoin(n) => n.estimate,
        P::NestedLoopJoin(n) => n.estimate,
        P::Union(n) => n.inputs.iter().map(rows).sum(),
        P::Generate(n) => rows(&n.input) * GENERATED,
        P::Expand(n) => rows(&n.input) * n.projections.len() as f64,
        P::With(n) => rows(&n.body),
        P::CteScan(_) => crate::Estimates::unknown().rows,
        P::RecursiveCte(n) => rows(&n.anchor) + rows(&n.recursive),
        P::Sample(n) => rows(&n.input) * (n.upper - n.lower),
        P::Exchange(n) => n.estimate,
        P::StageInput(n) => n.estimate,
    }
}

fn at_most(rows: f64, fetch: Option<u64>) -> f64 {
    fetch.map_or(rows, |f| rows.min(f as f64))
}

/// Bytes that a plan is expected to give.
pub(super) fn bytes(plan: &PhysicalPlan) -> f64 {
    rows(plan).max(1.0) * row_bytes(plan.schema())
}

/// Bytes of a row.
pub(crate) fn row_bytes(schema: &Schema) -> f64 {
    schema.iter().map(|f| width(&f.ty)).sum::<f64>() + 1.0
}

fn width(ty: &SqlType) -> f64 {
    match ty {
        SqlType::Boolean | SqlType::Byte => 1.0,
        SqlType::Short => 2.0,
        SqlType::Int | SqlType::Float | SqlType::Date => 4.0,
        t if t.is_nested() => 64.0,
        t if t.is_string() => 24.0,
        _ => 8.0,
    }
}
