//! `json_array_length` and `json_object_keys`.

use arrow::datatypes::{DataType, Int32Type};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use super::value::Json;
use crate::kernel::{StrCol, prim_rows, pure, some};
use crate::string::list_rows;

/// `json_array_length(json)`
pub(super) static JSON_ARRAY_LENGTH: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "json_array_length",
        &[],
        doc(
            "json_array_length(json)",
            "Elements of a JSON array; NULL for anything else.",
            "SELECT json_array_length('[1,2,3,4]')",
        ),
        Signature::exact(&[TypeSpec::Text], ret::INT),
        |args| {
            let texts = StrCol::of(args, 0)?;
            prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
                Ok(match Json::parse(some!(texts.get(row))) {
                    Some(Json::Array(items)) => Some(items.len() as i32),
                    _ => None,
                })
            })
        },
    )
};

/// `json_object_keys(json)`
pub(super) static JSON_OBJECT_KEYS: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "json_object_keys",
        &[],
        doc(
            "json_object_keys(json)",
            "Names of a JSON object's members; NULL for anything else.",
            "SELECT json_object_keys('{\"key\": \"value\"}')",
        ),
        Signature::exact(&[TypeSpec::Text], ReturnType::Fixed(|| SqlType::array(SqlType::String))),
        |args| {
            let texts = StrCol::of(args, 0)?;
            list_rows(args.rows, |row, list| {
                let Some(Json::Object(members)) = Json::parse(some!(texts.get(row))) else {
                    return Ok(None);
                };
                members.iter().for_each(|(name, _)| list.append_value(name));
                Ok(Some(()))
            })
        },
    )
};
