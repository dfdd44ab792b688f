//! Names of unnamed columns: Spark's text of an expression, with constants as values and functions by their names.

mod constant;
mod function;

pub(crate) use constant::{constant, sql_constant};
pub(crate) use function::{aggregate, function, qualified_function, scalar, window};
