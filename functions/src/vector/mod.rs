//! Functions on arrays of floats as vectors.

mod aggregate;
mod measure;

use rsql_common::Result;
use rsql_expr::function::FunctionKind::{Aggregate, Scalar};
use rsql_expr::function::ResolveCx;
use rsql_expr::{Expr, FunctionRegistry, SqlType};

use crate::kernel::unexpected_input;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &measure::VECTOR_COSINE_SIMILARITY,
        &measure::VECTOR_INNER_PRODUCT,
        &measure::VECTOR_L2_DISTANCE,
        &measure::VECTOR_NORM,
        &measure::VECTOR_NORMALIZE,
    ] {
        r.add(Scalar(f));
    }
    r.add(Aggregate(&aggregate::VECTOR_SUM));
    r.add(Aggregate(&aggregate::VECTOR_AVG));
}

/// Fails unless argument `index` is an array of floats; nothing is cast.
fn vector(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<()> {
    match args.get(index).map(Expr::ty) {
        Some(SqlType::Array(a)) if a.element == SqlType::Float => Ok(()),
        _ => Err(unexpected_input(args, index, "\"ARRAY<FLOAT>\"", cx)),
    }
}
