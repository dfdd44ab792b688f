//! Functions that choose between their arguments.

mod choice;
mod extreme;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in choice::ALL.iter().chain(extreme::ALL) {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Conditional,
        usage,
        text,
        example,
    }
}
