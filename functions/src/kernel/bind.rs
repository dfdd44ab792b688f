//! What functions that bind their own arguments share: casts, common types, constants, and Spark's errors.

use std::sync::Arc;

use rsql_common::{Error, Result, ordinal_word, quoted_name};
use rsql_expr::function::{ResolveCx, signature::wrong_number};
use rsql_expr::tree::CastExpr;
use rsql_expr::{EvalMode, Expr, Literal, SqlType};

/// `expr` as `ty`; unchanged if it has that type already.
pub(crate) fn cast(expr: Expr, ty: &SqlType, cx: &ResolveCx<'_>) -> Expr {
    cast_in(expr, ty, cx.options.mode(), cx)
}

/// `expr` as `ty`, NULL where it does not fit.
pub(crate) fn cast_lenient(expr: Expr, ty: &SqlType, cx: &ResolveCx<'_>) -> Expr {
    cast_in(expr, ty, EvalMode::Try, cx)
}

fn cast_in(expr: Expr, ty: &SqlType, mode: EvalMode, cx: &ResolveCx<'_>) -> Expr {
    let from = expr.ty();
    if from == *ty || rsql_expr::coerce::is_text_already(&from, ty) {
        return expr;
    }
    if expr.is_null_literal() {
        return Expr::lit(Literal::null(ty.clone()));
    }
    Expr::Cast(Box::new(CastExpr {
        expr,
        ty: ty.clone(),
        mode,
        explicit: false,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    }))
}

/// `WRONG_NUM_ARGS` unless the number of arguments lies between `least` and `most`.
pub(crate) fn check_count(args: &[Expr], least: usize, most: Option<usize>, cx: &ResolveCx<'_>) -> Result<()> {
    if args.len() < least || most.is_some_and(|m| args.len() > m) {
        return Err(wrong_number(cx.called_as, least, most, args.len(), cx));
    }
    Ok(())
}

/// The type that both are cast to where values of both meet.
pub(crate) fn wider(a: &SqlType, b: &SqlType, cx: &ResolveCx<'_>) -> Option<SqlType> {
    if a == b {
        return Some(a.clone());
    }
    rsql_expr::coerce::wider_type(a, b, cx)
}

/// The type all of `args` are cast to, or `DATA_DIFF_TYPES`.
pub(crate) fn common_type(args: &[Expr], cx: &ResolveCx<'_>) -> Result<SqlType> {
    rsql_expr::coerce::common_type(args, cx).ok_or_else(|| {
        let types: Vec<String> = args.iter().map(|a| a.ty().quoted()).collect();
        mismatch("DATA_DIFF_TYPES", args, cx)
            .param("functionName", quoted_name([&cx.called_as]))
            .param("dataType", format!("({})", types.join(" or ")))
    })
}

/// All arguments as their common type.
pub(crate) fn to_common(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<(Vec<Expr>, SqlType)> {
    let ty = common_type(&args, cx)?;
    Ok((args.into_iter().map(|a| cast(a, &ty, cx)).collect(), ty))
}

/// STRING with the collation that the first argument had before it was cast to BINARY.
pub(crate) fn text_before_cast(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(match args.first() {
        Some(Expr::Cast(c)) if c.expr.ty().is_string() => c.expr.ty(),
        _ => SqlType::String,
    })
}

/// The value of an argument that is a constant expression.
pub(crate) fn constant(expr: &Expr, cx: &ResolveCx<'_>) -> Option<Literal> {
    if let Some(l) = expr.as_literal() {
        return Some(l.clone());
    }
    if expr.any(&|e| matches!(e, Expr::Column(_) | Expr::Slot(_))) || !expr.is_deterministic() {
        return None;
    }
    rsql_expr::eval::fold(expr, cx.registry).ok()
}

/// The text of an argument that is a constant text.
pub(crate) fn constant_text(expr: &Expr, cx: &ResolveCx<'_>) -> Option<String> {
    constant(expr, cx)?.value.as_str().map(str::to_string)
}

/// `DATATYPE_MISMATCH.<sub>` about the whole call.
pub(crate) fn mismatch(sub: &str, args: &[Expr], cx: &ResolveCx<'_>) -> Error {
    let args: Vec<String> = args.iter().map(sql_of).collect();
    Error::user(format!("DATATYPE_MISMATCH.{sub}"))
        .param("sqlExpr", format!("\"{}({})\"", cx.called_as, args.join(", ")))
        .at(cx.origin.0)
}

/// An argument as Spark's messages show it.
fn sql_of(expr: &Expr) -> String {
    match expr {
        Expr::Literal(l) => match l.value.as_str() {
            Some(s) => s.to_string(),
            None => l.to_string(),
        },
        other => other.to_string(),
    }
}

/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` about argument `index`.
pub(crate) fn unexpected_input(args: &[Expr], index: usize, required: &str, cx: &ResolveCx<'_>) -> Error {
    let (sql, ty) = args
        .get(index)
        .map_or_else(Default::default, |a| (sql_of(a), a.ty().quoted()));
    mismatch("UNEXPECTED_INPUT_TYPE", args, cx)
        .param("paramIndex", ordinal_word(index))
        .param("requiredType", required)
        .param("inputSql", format!("\"{sql}\""))
        .param("inputType", ty)
}

/// `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT` about an argument that must be a constant.
pub(crate) fn non_foldable(args: &[Expr], index: usize, name: &str, cx: &ResolveCx<'_>) -> Error {
    let (sql, ty) = args
        .get(index)
        .map_or_else(Default::default, |a| (sql_of(a), a.ty().quoted()));
    mismatch("NON_FOLDABLE_INPUT", args, cx)
        .param("inputName", quoted_name([name]))
        .param("inputType", ty)
        .param("inputExpr", format!("\"{sql}\""))
}
