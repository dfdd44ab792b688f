//! Aggregate functions.
//!
//! State is kept by column: one slot a group. Numeric accumulators read slices, dictionary codes and constants without
//! decoding them ([`input`]); values of any type are kept as references into gathered arrays ([`store`]).

mod average;
mod bitmap;
mod booleans;
mod by;
mod collect;
mod collecting;
mod count;
mod count_min_sketch;
mod covariance;
mod decimal_sums;
mod define;
mod few_groups;
mod first_last;
mod folding;
mod histogram;
mod hll;
mod input;
mod listagg;
mod min_max;
mod mode;
mod moments;
mod percentile;
mod percentile_approx;
mod registers;
mod store;
mod sum;

pub(crate) use decimal_sums::decimal_array;

use rsql_expr::FunctionRegistry;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    count::register(r);
    sum::register(r);
    average::register(r);
    min_max::register(r);
    first_last::register(r);
    booleans::register(r);
    moments::register(r);
    covariance::register(r);
    collect::register(r);
    by::register(r);
    mode::register(r);
    percentile::register(r);
    percentile_approx::register(r);
    hll::register(r);
    histogram::register(r);
    count_min_sketch::register(r);
    listagg::register(r);
    bitmap::register(r);
}

#[cfg(test)]
mod tests;
