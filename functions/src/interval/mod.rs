//! Intervals: arithmetic that operators become, and functions that make intervals.

use rsql_expr::FunctionRegistry;

/// Adds the family to the registry.
pub(crate) fn register(_r: &mut FunctionRegistry) {}
