//! Checks of arguments that the functions over sketches share, with Spark's errors.

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{ResolveCx, TypeSpec};
use rsql_expr::{Expr, Literal, Scalar, SqlType};

use crate::kernel::{cast, check_count, constant, mismatch, unexpected_input};

/// Argument `i`, which must have a type that `accepts` holds for; a bare NULL becomes `null_type`.
pub(super) fn exact(
    args: &[Expr],
    i: usize,
    accepts: impl Fn(&SqlType) -> bool,
    null_type: &SqlType,
    required: &str,
    cx: &ResolveCx<'_>,
) -> Result<Expr> {
    let arg = argument(args, i)?;
    match arg.ty() {
        SqlType::Void => Ok(cast(arg.clone(), null_type, cx)),
        ty if accepts(&ty) => Ok(arg.clone()),
        _ => Err(unexpected_input(args, i, required, cx)),
    }
}

/// Argument `i` as a sketch: a BINARY and nothing else.
pub(super) fn sketch(args: &[Expr], i: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    exact(args, i, |ty| *ty == SqlType::Binary, &SqlType::Binary, "\"BINARY\"", cx)
}

/// The arguments of a function of one sketch.
pub(super) fn one_sketch(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(1), cx)?;
    Ok(vec![sketch(&args, 0, cx)?])
}

/// The arguments of a function of two sketches.
pub(super) fn two_sketches(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    Ok(vec![sketch(&args, 0, cx)?, sketch(&args, 1, cx)?])
}

/// Argument `i` as an INT, without casts.
pub(super) fn exact_int(args: &[Expr], i: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    exact(args, i, |ty| *ty == SqlType::Int, &SqlType::Int, "\"INT\"", cx)
}

/// Argument `i` with the cast that Spark adds where `spec` is asked for.
pub(super) fn implicit(args: &[Expr], i: usize, spec: TypeSpec, required: &str, cx: &ResolveCx<'_>) -> Result<Expr> {
    let arg = argument(args, i)?;
    match rsql_expr::coerce::implicit_type(&arg.ty(), spec, cx.ansi()) {
        Some(ty) => Ok(cast(arg.clone(), &ty, cx)),
        None => Err(unexpected_input(args, i, required, cx)),
    }
}

/// An INT constant.
pub(super) fn int(v: i32) -> Expr {
    Expr::lit(Literal::int(v))
}

/// Pushes `default` if the call has no argument `i`.
pub(super) fn or_default(args: &mut Vec<Expr>, i: usize, default: Expr) {
    if args.len() == i {
        args.push(default);
    }
}

/// The value of a constant argument; a cast that fails is the query's error.
pub(super) fn constant_of(expr: &Expr, cx: &ResolveCx<'_>) -> Result<Option<Literal>> {
    if expr.any(&|e| matches!(e, Expr::Column(_) | Expr::Slot(_))) {
        return Ok(None);
    }
    if let Expr::Cast(_) = expr {
        return rsql_expr::eval::fold(expr, cx.registry).map(Some);
    }
    Ok(constant(expr, cx))
}

/// `DATATYPE_MISMATCH.TYPE_CHECK_FAILURE_WITH_HINT`
pub(super) fn check_failure(args: &[Expr], message: impl Into<String>, cx: &ResolveCx<'_>) -> Error {
    mismatch("TYPE_CHECK_FAILURE_WITH_HINT", args, cx)
        .param("msg", message)
        .param("hint", "")
}

/// A constant parameter that Spark checks before the query runs: `NON_FOLDABLE_INPUT` and `UNEXPECTED_NULL` name it.
pub(super) fn parameter(
    args: &[Expr],
    i: usize,
    bound: &Expr,
    (name, ty): (&str, &str),
    cx: &ResolveCx<'_>,
) -> Result<Literal> {
    let Some(value) = constant_of(bound, cx)? else {
        return Err(mismatch("NON_FOLDABLE_INPUT", args, cx)
            .param("inputName", name)
            .param("inputType", ty)
            .param("inputExpr", argument(args, i)?.to_string()));
    };
    if value.value == Scalar::Null {
        return Err(mismatch("UNEXPECTED_NULL", args, cx).param("exprName", name));
    }
    Ok(value)
}

/// `SKETCH_INVALID_LG_NOM_ENTRIES` unless `value` is in range.
pub(super) fn check_lg_nom_entries(function: &str, value: i64) -> Result<u8> {
    match u8::try_from(value) {
        Ok(v) if (4..=26).contains(&v) => Ok(v),
        _ => Err(Error::user("SKETCH_INVALID_LG_NOM_ENTRIES")
            .param("function", quoted_name([function]))
            .param("min", "4")
            .param("max", "26")
            .param("value", value.to_string())),
    }
}

/// The message of an error that Spark shows inside another.
pub(super) fn nested_message(error: &Error) -> String {
    format!(
        "[{}] {} SQLSTATE: {}",
        error.condition(),
        error.message(),
        error.sqlstate()
    )
}

/// Argument `i` of a call.
pub(super) fn argument(args: &[Expr], i: usize) -> Result<&Expr> {
    args.get(i)
        .ok_or_else(|| Error::internal(format!("a call lacks its argument {i}")))
}

/// The INT value of a bound constant argument.
pub(super) fn bound_int(args: &[Expr], i: usize) -> Option<i64> {
    args.get(i)?.as_literal()?.value.as_i64()
}
