//! Distinct keys with a number each, by tuple sketches: `tuple_sketch_agg_*`, unions, intersections and differences of
//! them (with theta sketches too), estimates and summaries; for DOUBLE and INTEGER numbers.

mod aggregates;
pub(super) mod compact;
mod groups;
mod parameters;
mod scalars;
pub(super) mod summary;
pub(super) mod table;
#[cfg(test)]
mod tests;

use rsql_expr::function::FunctionRegistry;

pub(super) fn register(r: &mut FunctionRegistry) {
    super::add(r, aggregates::ALL, scalars::ALL);
}
