//! Bit functions.

mod bitmap;
mod count;
mod shift;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &count::BIT_COUNT,
        &count::GETBIT,
        &shift::SHIFTLEFT,
        &shift::SHIFTRIGHT,
        &shift::SHIFTRIGHTUNSIGNED,
        &bitmap::BIT_POSITION,
        &bitmap::BUCKET_NUMBER,
        &bitmap::COUNT,
    ] {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Bitwise,
        usage,
        text,
        example,
    }
}
