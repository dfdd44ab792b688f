//! Functions about the session, the row's place, and errors.

mod aes;
mod cipher;
mod identity;
mod place;
mod raise;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in identity::ALL.iter().chain(aes::ALL).chain(place::ALL).chain(raise::ALL) {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Misc,
        usage,
        text,
        example,
    }
}
