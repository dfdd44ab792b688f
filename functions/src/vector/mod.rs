//! Functions on arrays of floats as vectors.

use rsql_expr::FunctionRegistry;

/// Adds the family to the registry.
pub(crate) fn register(_r: &mut FunctionRegistry) {}
