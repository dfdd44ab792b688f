//! `hash`: Murmur3 with seed 42, with Spark's treatment of the bytes after the last whole word.

use std::sync::Arc;

use arrow::array::Int32Array;
use rsql_expr::ScalarFn;
use rsql_expr::function::Signature;
use rsql_expr::function::signature::ret;
use rsql_expr::tree::NullRule;

use super::doc;
use super::rows::{ValueHash, bind, hash_arguments};
use crate::kernel::pure;

/// `hash(expr[, ...])`
pub(super) static HASH: ScalarFn = ScalarFn {
    nulls: NullRule::Never,
    ..pure(
        "hash",
        &[],
        doc(
            "hash(expr[, ...])",
            "Murmur3 hash of the arguments.",
            "SELECT hash('Spark', array(123), 2)",
        ),
        Signature::bind_with(bind, ret::INT),
        |args| {
            let hashes = hash_arguments::<Murmur3>(args)?;
            Ok(Arc::new(Int32Array::from_iter_values(
                hashes.into_iter().map(|h| h as i32),
            )))
        },
    )
};

/// The hash of bytes with a seed.
pub(crate) fn murmur3_bytes(bytes: &[u8], seed: i32) -> i32 {
    Murmur3::bytes(bytes, i64::from(seed)) as i32
}

struct Murmur3;

fn mix_key(k: i32) -> i32 {
    k.wrapping_mul(0xcc9e_2d51_u32 as i32)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

fn mix_hash(hash: i32, key: i32) -> i32 {
    (hash ^ key)
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64_u32 as i32)
}

fn finish(hash: i32, length: i32) -> i64 {
    let mut h = (hash ^ length) as u32;
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^= h >> 16;
    i64::from(h as i32)
}

impl ValueHash for Murmur3 {
    fn int(value: i32, seed: i64) -> i64 {
        finish(mix_hash(seed as i32, mix_key(value)), 4)
    }

    fn long(value: i64, seed: i64) -> i64 {
        let hash = mix_hash(seed as i32, mix_key(value as i32));
        finish(mix_hash(hash, mix_key((value >> 32) as i32)), 8)
    }

    fn bytes(value: &[u8], seed: i64) -> i64 {
        let (words, rest) = value.as_chunks::<4>();
        let hash = words
            .iter()
            .fold(seed as i32, |h, w| mix_hash(h, mix_key(i32::from_le_bytes(*w))));
        let hash = rest.iter().fold(hash, |h, b| mix_hash(h, mix_key(i32::from(*b as i8))));
        finish(hash, value.len() as i32)
    }
}
