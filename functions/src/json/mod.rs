//! JSON functions.

mod from_json;
mod infer;
mod keys;
mod object;
mod parser;
mod path;
mod to_json;
mod tuple;
mod value;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &object::GET_JSON_OBJECT,
        &keys::JSON_ARRAY_LENGTH,
        &keys::JSON_OBJECT_KEYS,
        &from_json::FROM_JSON,
        &to_json::TO_JSON,
        &infer::SCHEMA_OF_JSON,
    ] {
        r.add(FunctionKind::Scalar(f));
    }
    r.add(FunctionKind::Generator(&tuple::JSON_TUPLE));
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Json,
        usage,
        text,
        example,
    }
}
