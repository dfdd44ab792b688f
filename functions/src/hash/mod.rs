//! Hash functions and digests.

mod digest;
mod murmur;
mod rows;
mod xxhash;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

pub(crate) use murmur::murmur3_bytes;
pub(crate) use xxhash::xxhash64_rows;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &murmur::HASH,
        &xxhash::XXHASH64,
        &digest::MD5,
        &digest::SHA1,
        &digest::SHA2,
        &digest::CRC32,
        &digest::HMAC,
    ] {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Hash,
        usage,
        text,
        example,
    }
}
