//! Implicit casts: which types an operator or function takes an argument as, by Spark's rules.

use rsql_common::Result;

use crate::Expr;
use crate::function::{ResolveCx, TypeSpec};

/// `arg` as what `spec` asks for, with a cast where Spark adds one; else `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`
/// naming argument `index` (from 0).
pub fn implicit_cast(arg: Expr, _spec: TypeSpec, _index: usize, _cx: &ResolveCx<'_>) -> Result<Expr> {
    Ok(arg)
}
