//! What functions on records in text share: options, schemas written as DDL, single values as text.

mod broken;
mod ddl;
mod merge;
mod options;
mod signature;
mod text;

pub(crate) use broken::{corrupt_field, keep_text, malformed};
pub(crate) use ddl::parse_schema;
pub(crate) use merge::merge_fields;
pub(crate) use options::Options;
pub(crate) use signature::{
    READER_TYPE, TEXT_TYPE, bind_reader, bind_schema_of, bind_writer, only_flat_struct, only_json, only_nested,
    only_struct, schema_text, struct_value,
};
pub(crate) use text::{TextReader, TextWriter};

use rsql_common::{Error, Result};
use rsql_expr::function::ResolveCx;
use rsql_expr::{Expr, SqlType};

use crate::kernel::constant;

/// The type that the constant schema text at argument `index` describes.
pub(crate) fn schema_argument(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<SqlType> {
    let Some(expr) = args.get(index) else {
        return Err(Error::internal("a schema argument is missing"));
    };
    let literal = if expr.ty().is_string() {
        constant(expr, cx)
    } else {
        None
    };
    let Some(text) = literal.as_ref().and_then(|l| l.value.as_str()) else {
        return Err(Error::user("INVALID_SCHEMA.NON_STRING_LITERAL")
            .param("inputSchema", format!("\"{expr}\""))
            .at(cx.origin.0));
    };
    parse_schema(text).ok_or_else(|| {
        let last = text.split_whitespace().last().unwrap_or_default();
        Error::user("PARSE_SYNTAX_ERROR")
            .param("error", format!("'{last}'"))
            .param("hint", "")
            .at(cx.origin.0)
    })
}

/// The constant map of options at argument `index`, as a literal in its place.
pub(crate) fn options_argument(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<Option<Expr>> {
    let Some(expr) = args.get(index) else { return Ok(None) };
    match expr.ty() {
        SqlType::Map(m) if m.key.is_string() && m.value.is_string() => {}
        SqlType::Map(_) => {
            return Err(Error::user("INVALID_OPTIONS.NON_STRING_TYPE")
                .param("mapType", expr.ty().quoted())
                .at(cx.origin.0));
        }
        _ => return Err(Error::user("INVALID_OPTIONS.NON_MAP_FUNCTION").at(cx.origin.0)),
    }
    match constant(expr, cx) {
        Some(l) => Ok(Some(Expr::lit(l))),
        None => Err(Error::user("INVALID_OPTIONS.NON_MAP_FUNCTION").at(cx.origin.0)),
    }
}

/// The type with every field, element and value nullable: what a record in text can promise.
pub(crate) fn as_nullable(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Array(a) => SqlType::array(as_nullable(&a.element)),
        SqlType::Map(m) => SqlType::map(as_nullable(&m.key), as_nullable(&m.value), true),
        SqlType::Struct(fields) => SqlType::structure(
            fields
                .iter()
                .map(|f| (std::sync::Arc::clone(&f.name), as_nullable(&f.ty), true)),
        ),
        other => other.clone(),
    }
}
