//! Quantiles by KLL sketches, of BIGINT, FLOAT and DOUBLE values: `kll_sketch_agg_*`, `kll_merge_agg_*`,
//! `kll_sketch_merge_*`, `kll_sketch_get_n_*`, `kll_sketch_get_quantile_*`, `kll_sketch_get_rank_*`,
//! `kll_sketch_to_string_*`.

mod aggregates;
mod bytes;
mod groups;
mod item;
mod scalars;
#[cfg(test)]
mod tests;
mod view;

use rsql_expr::function::FunctionRegistry;

pub(super) fn register(r: &mut FunctionRegistry) {
    super::add(r, aggregates::ALL, scalars::ALL);
}
