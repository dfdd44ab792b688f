//! URL functions.

mod encode;
mod parse;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &encode::URL_ENCODE,
        &encode::URL_DECODE,
        &encode::TRY_URL_DECODE,
        &parse::PARSE_URL,
        &parse::TRY_PARSE_URL,
    ] {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Url,
        usage,
        text,
        example,
    }
}
