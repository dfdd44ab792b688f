//! Array functions.

mod access;
mod build;
mod contains;
mod edit;
mod join;
mod mersenne_twister;
mod order;
mod sequence;
mod sets;
mod size;

#[cfg(test)]
mod tests;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::FunctionKind::Scalar;

pub(crate) use build::concat_arrays;
pub(crate) use order::{reverse_array, sorted};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &build::ARRAY,
        &build::ARRAY_REPEAT,
        &build::FLATTEN,
        &build::ARRAYS_ZIP,
        &build::NAMED_ARRAYS_ZIP,
        &sequence::SEQUENCE,
        &contains::ARRAY_CONTAINS,
        &contains::ARRAY_POSITION,
        &contains::ARRAYS_OVERLAP,
        &sets::ARRAY_DISTINCT,
        &sets::ARRAY_UNION,
        &sets::ARRAY_INTERSECT,
        &sets::ARRAY_EXCEPT,
        &edit::ARRAY_APPEND,
        &edit::ARRAY_PREPEND,
        &edit::ARRAY_INSERT,
        &edit::ARRAY_REMOVE,
        &edit::ARRAY_COMPACT,
        &access::ELEMENT_AT,
        &access::TRY_ELEMENT_AT,
        &access::GET,
        &access::SUBSCRIPT,
        &access::ARRAY_FIELD,
        &access::SLICE,
        &join::ARRAY_JOIN,
        &order::SORT_ARRAY,
        &order::ARRAY_MAX,
        &order::ARRAY_MIN,
        &order::SHUFFLE,
        &size::SIZE,
        &size::ARRAY_SIZE,
    ] {
        r.add(Scalar(f));
    }
}
