//! Short constructors for function definitions, so that a `static` fits a few lines.

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::function::{Doc, EvalArgs, Family, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, ScalarFn};

/// Documentation of a function.
pub(crate) const fn doc(family: Family, usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family,
        usage,
        text,
        example,
    }
}

/// A scalar function without aliases.
pub(crate) const fn scalar(
    name: &'static str,
    doc: Doc,
    signature: Signature,
    nulls: NullRule,
    effects: Effects,
    eval: fn(&EvalArgs<'_>) -> Result<ArrayRef>,
) -> ScalarFn {
    ScalarFn {
        name,
        aliases: &[],
        doc,
        signature,
        nulls,
        effects,
        eval,
    }
}
