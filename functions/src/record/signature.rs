//! Signatures that the functions on records in text share: `from_*`, `to_*` and `schema_of_*` take the same arguments
//! whatever the format, and refuse the same mistakes.

use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, TypeSpec};
use rsql_expr::{Expr, Literal, SqlType};

use super::{as_nullable, options_argument, schema_argument};
use crate::kernel::{check_count, constant, constant_text, mismatch, non_foldable, unexpected_input};

/// Binds `from_*(text, schema[, options])`; `accepts` says which schemas the format can give, `wanted` names them.
pub(crate) fn bind_reader(
    args: &[Expr],
    accepts: fn(&SqlType) -> bool,
    wanted: &str,
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    check_count(args, 2, Some(3), cx)?;
    if !accepts(&schema_argument(args, 1, cx)?) {
        return Err(unexpected_input(args, 1, wanted, cx));
    }
    let text = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::String, 0, cx)?;
    let schema = Expr::lit(Literal::string(constant_text(&args[1], cx).unwrap_or_default()));
    Ok([text, schema]
        .into_iter()
        .chain(options_argument(args, 2, cx)?)
        .collect())
}

/// What `from_*` returns: its schema with everything nullable.
pub(crate) const READER_TYPE: ReturnType =
    ReturnType::Of(|args, cx| schema_argument(args, 1, cx).map(|t| as_nullable(&t)));

/// Binds `to_*(value[, options])`; `accepts` says which types the format can write, `wanted` names them.
pub(crate) fn bind_writer(
    args: &[Expr],
    accepts: fn(&SqlType) -> bool,
    wanted: &str,
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    check_count(args, 1, Some(2), cx)?;
    if !accepts(&args[0].ty()) {
        return Err(unexpected_input(args, 0, wanted, cx));
    }
    Ok(std::iter::once(args[0].clone())
        .chain(options_argument(args, 1, cx)?)
        .collect())
}

/// Binds `schema_of_*(text[, options])`: the text must be constant, `name` is Spark's name for the argument.
pub(crate) fn bind_schema_of(args: &[Expr], name: &str, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(args, 1, Some(2), cx)?;
    if !args[0].ty().is_string() && args[0].ty() != SqlType::Void {
        return Err(unexpected_input(args, 0, "\"STRING\"", cx));
    }
    let text = match constant(&args[0], cx) {
        None => return Err(non_foldable(args, 0, name, cx)),
        Some(l) => match l.value.as_str() {
            None => return Err(mismatch("UNEXPECTED_NULL", args, cx).param("exprName", name)),
            Some(t) => Expr::lit(Literal::string(t)),
        },
    };
    Ok(std::iter::once(text).chain(options_argument(args, 1, cx)?).collect())
}

/// What `schema_of_*` and `to_*` return.
pub(crate) const TEXT_TYPE: ReturnType = ret::STRING;

/// The text that [`bind_schema_of`] bound.
pub(crate) fn schema_text<'a>(args: &EvalArgs<'a>) -> &'a str {
    let first = args.call.args.first();
    first
        .and_then(Expr::as_literal)
        .and_then(|l| l.value.as_str())
        .unwrap_or("")
}
