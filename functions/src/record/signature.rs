//! Signatures that the functions on records in text share: `from_*`, `to_*` and `schema_of_*` take the same arguments
//! whatever the format, and refuse the same mistakes.

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, TypeSpec};
use rsql_expr::{Expr, Literal, SqlType};

use super::{Options, as_nullable, options_argument, schema_argument};
use crate::kernel::{check_count, constant, constant_text, mismatch, non_foldable, unexpected_input};

/// Binds `from_*(text, schema[, options])`; `refusal` is the error for a schema that the format cannot give.
pub(crate) fn bind_reader(
    args: &[Expr],
    refusal: fn(&[Expr], &SqlType, &ResolveCx<'_>) -> Option<Error>,
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    check_count(args, 2, Some(3), cx)?;
    if let Some(e) = refusal(args, &schema_argument(args, 1, cx)?, cx) {
        return Err(e);
    }
    let options = options_argument(args, 2, cx)?;
    if let Some(mode) = options
        .as_ref()
        .and_then(|o| Options::in_expr(o).get("mode").map(str::to_string))
        && mode.eq_ignore_ascii_case("DROPMALFORMED")
    {
        return Err(Error::user("PARSE_MODE_UNSUPPORTED")
            .param("funcName", quoted_name([&cx.called_as]))
            .param("mode", "DROPMALFORMED")
            .at(cx.origin.0));
    }
    let text = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::Text, 0, cx)?;
    let schema = Expr::lit(Literal::string(constant_text(&args[1], cx).unwrap_or_default()));
    Ok([text, schema].into_iter().chain(options).collect())
}

/// What `from_*` returns: its schema with everything nullable.
pub(crate) const READER_TYPE: ReturnType =
    ReturnType::Of(|args, cx| schema_argument(args, 1, cx).map(|t| as_nullable(&t)));

/// The refusal of a schema that is no struct.
pub(crate) fn only_struct(args: &[Expr], schema: &SqlType, cx: &ResolveCx<'_>) -> Option<Error> {
    (!matches!(schema, SqlType::Struct(_))).then(|| {
        Error::user("INVALID_SCHEMA.NON_STRUCT_TYPE")
            .param("inputSchema", format!("\"{}\"", args[1]))
            .param("dataType", schema.quoted())
            .at(cx.origin.0)
    })
}

/// The refusal of a schema with columns that a line of CSV cannot hold.
pub(crate) fn only_flat_struct(args: &[Expr], schema: &SqlType, cx: &ResolveCx<'_>) -> Option<Error> {
    only_struct(args, schema, cx).or_else(|| {
        let SqlType::Struct(fields) = schema else { return None };
        let nested = fields.iter().find(|f| f.ty.is_nested())?;
        Some(
            Error::user("UNSUPPORTED_DATATYPE")
                .param("typeName", nested.ty.quoted())
                .at(cx.origin.0),
        )
    })
}

/// The refusal of a schema that JSON text cannot give: no container, or a map with keys that are no texts.
pub(crate) fn only_json(args: &[Expr], schema: &SqlType, cx: &ResolveCx<'_>) -> Option<Error> {
    fn odd_key(ty: &SqlType) -> bool {
        match ty {
            SqlType::Map(m) => !m.key.is_string() || odd_key(&m.value),
            SqlType::Array(a) => odd_key(&a.element),
            SqlType::Struct(fields) => fields.iter().any(|f| odd_key(&f.ty)),
            _ => false,
        }
    }
    only_nested(args, schema, cx).or_else(|| {
        odd_key(schema).then(|| mismatch("INVALID_JSON_MAP_KEY_TYPE", &args[..1], cx).param("schema", schema.quoted()))
    })
}

/// The refusal of a type that JSON text cannot hold as a whole.
pub(crate) fn only_nested(args: &[Expr], ty: &SqlType, cx: &ResolveCx<'_>) -> Option<Error> {
    (!ty.is_nested()).then(|| mismatch("INVALID_JSON_SCHEMA", &args[..1], cx).param("schema", ty.quoted()))
}

/// Binds `to_*(value[, options])`; `refusal` is the error for a type that the format cannot write.
pub(crate) fn bind_writer(
    args: &[Expr],
    refusal: fn(&[Expr], &SqlType, &ResolveCx<'_>) -> Option<Error>,
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    check_count(args, 1, Some(2), cx)?;
    if let Some(e) = refusal(args, &args[0].ty(), cx) {
        return Err(e);
    }
    Ok(std::iter::once(args[0].clone())
        .chain(options_argument(args, 1, cx)?)
        .collect())
}

/// The refusal of a value that is no struct.
pub(crate) fn struct_value(args: &[Expr], ty: &SqlType, cx: &ResolveCx<'_>) -> Option<Error> {
    (!matches!(ty, SqlType::Struct(_))).then(|| unexpected_input(args, 0, "\"STRUCT\"", cx))
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
