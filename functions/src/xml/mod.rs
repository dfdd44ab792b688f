//! XML functions.

mod element;
mod from_xml;
mod infer;
mod path;
mod path_value;
mod to_xml;
mod xpath;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [&from_xml::FROM_XML, &to_xml::TO_XML, &infer::SCHEMA_OF_XML]
        .into_iter()
        .chain(xpath::ALL.iter().copied())
    {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Xml,
        usage,
        text,
        example,
    }
}
