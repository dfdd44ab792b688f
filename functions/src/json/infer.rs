//! `schema_of_json`: the schema a JSON text has.

use rsql_common::Result;
use rsql_expr::function::Signature;
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use super::value::Json;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, bind_schema_of, malformed, merge_fields, schema_text};

/// `schema_of_json(json[, options])`
pub(super) static SCHEMA_OF_JSON: ScalarFn = fallible(
    "schema_of_json",
    &[],
    doc(
        "schema_of_json(json[, options])",
        "The schema of a JSON text, in DDL.",
        "SELECT schema_of_json('[{\"col\":0}]')",
    ),
    Signature::bind_with(|args, cx| bind_schema_of(&args, "json", cx), TEXT_TYPE),
    |args| {
        let options = Options::of(args, 1);
        let text = schema_text(args);
        let Some(json) = Json::parse(text) else {
            return Err(malformed(args, text));
        };
        let schema = canonical(&infer(&json, &options)?).sql();
        text_rows(args.rows, |_, out| {
            out.push_str(&schema);
            Ok(Some(()))
        })
    },
);

fn infer(json: &Json, options: &Options) -> Result<SqlType> {
    if options.flag("primitivesasstring", false) && !matches!(json, Json::Array(_) | Json::Object(_) | Json::Null) {
        return Ok(SqlType::String);
    }
    Ok(match json {
        Json::Null => SqlType::Void,
        Json::Bool(_) => SqlType::Boolean,
        Json::Text(_) => SqlType::String,
        Json::Number(n) if n.contains(['.', 'e', 'E']) => SqlType::Double,
        Json::Number(n) if n.parse::<i64>().is_ok() => SqlType::Long,
        Json::Number(n) => match n.trim_start_matches('-').len() {
            digits @ 1..=38 => SqlType::Decimal(digits as u8, 0),
            _ => SqlType::Double,
        },
        Json::Array(items) => {
            let mut element = SqlType::Void;
            for item in items {
                element = merge(&element, &infer(item, options)?);
            }
            SqlType::array(element)
        }
        Json::Object(members) => {
            let mut fields = Vec::with_capacity(members.len());
            for (name, value) in members {
                fields.push((name.clone(), infer(value, options)?, true));
            }
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            SqlType::structure(fields)
        }
    })
}

/// The type that holds values of both.
fn merge(a: &SqlType, b: &SqlType) -> SqlType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (SqlType::Void, other) | (other, SqlType::Void) => other.clone(),
        (SqlType::Array(x), SqlType::Array(y)) => SqlType::array(merge(&x.element, &y.element)),
        (SqlType::Struct(x), SqlType::Struct(y)) => merge_fields(x, y, merge),
        (SqlType::Decimal(p, _), SqlType::Decimal(q, _)) => SqlType::Decimal(*p.max(q), 0),
        (SqlType::Long, SqlType::Decimal(p, _)) | (SqlType::Decimal(p, _), SqlType::Long) => {
            SqlType::Decimal((*p).max(20), 0)
        }
        (a, b) if a.is_numeric() && b.is_numeric() => SqlType::Double,
        _ => SqlType::String,
    }
}

/// Unknown types as STRING.
fn canonical(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Void => SqlType::String,
        SqlType::Array(a) => SqlType::array(canonical(&a.element)),
        SqlType::Struct(fields) => {
            SqlType::structure(fields.iter().map(|f| (f.name.to_string(), canonical(&f.ty), true)))
        }
        other => other.clone(),
    }
}
