//! CSV functions.

mod from_csv;
mod infer;
mod line;
mod to_csv;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [&from_csv::FROM_CSV, &to_csv::TO_CSV, &infer::SCHEMA_OF_CSV] {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Csv,
        usage,
        text,
        example,
    }
}
