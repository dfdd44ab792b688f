//! Map functions.

mod build;
mod parts;
mod str_to_map;

#[cfg(test)]
mod tests;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::FunctionKind::Scalar;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &build::MAP,
        &build::MAP_FROM_ARRAYS,
        &build::MAP_FROM_ENTRIES,
        &build::MAP_CONCAT,
        &parts::MAP_KEYS,
        &parts::MAP_VALUES,
        &parts::MAP_ENTRIES,
        &parts::MAP_CONTAINS_KEY,
        &str_to_map::STR_TO_MAP,
    ] {
        r.add(Scalar(f));
    }
}
