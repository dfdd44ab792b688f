//! Higher-order functions: those that take lambdas.
//!
//! Kernels call a lambda once for many elements: the elements of all rows stand in one array, with the row each came
//! from.

mod aggregate;
mod array_sort;
mod bind_lambda;
mod maps;
mod quantify;
mod transform;

#[cfg(test)]
mod tests;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::FunctionKind::Scalar;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &transform::TRANSFORM,
        &transform::FILTER,
        &transform::ZIP_WITH,
        &quantify::EXISTS,
        &quantify::FORALL,
        &aggregate::AGGREGATE,
        &array_sort::ARRAY_SORT,
        &maps::MAP_FILTER,
        &maps::TRANSFORM_KEYS,
        &maps::TRANSFORM_VALUES,
        &maps::MAP_ZIP_WITH,
    ] {
        r.add(Scalar(f));
    }
}
