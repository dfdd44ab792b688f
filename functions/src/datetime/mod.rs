//! Date and time functions.

pub(crate) mod shift;

use rsql_expr::FunctionRegistry;

/// Adds the family to the registry.
pub(crate) fn register(_r: &mut FunctionRegistry) {}
