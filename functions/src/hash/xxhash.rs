//! `xxhash64`: XXH64 with seed 42.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use rsql_common::Result;
use rsql_expr::function::Signature;
use rsql_expr::function::signature::ret;
use rsql_expr::tree::NullRule;
use rsql_expr::{ScalarFn, SqlType};
use twox_hash::XxHash64;

use super::doc;
use super::rows::{ValueHash, bind, hash_arguments, hash_rows};
use crate::kernel::pure;

/// `xxhash64(expr[, ...])`
pub(super) static XXHASH64: ScalarFn = ScalarFn {
    nulls: NullRule::Never,
    ..pure(
        "xxhash64",
        &[],
        doc(
            "xxhash64(expr[, ...])",
            "64-bit xxHash of the arguments.",
            "SELECT xxhash64('Spark', array(123), 2)",
        ),
        Signature::bind_with(bind, ret::LONG),
        |args| Ok(Arc::new(Int64Array::from(hash_arguments::<Xx64>(args)?))),
    )
};

/// Replaces each row's seed by the XXH64 hash of its value; NULL rows keep theirs.
pub(crate) fn xxhash64_rows(array: &ArrayRef, ty: &SqlType, seeds: &mut [i64]) -> Result<()> {
    hash_rows::<Xx64>(array, ty, seeds)
}

struct Xx64;

const PRIME1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME5: u64 = 0x27D4_EB2F_1656_67C5;

fn finish(mut h: u64) -> i64 {
    h ^= h >> 33;
    h = h.wrapping_mul(PRIME2);
    h ^= h >> 29;
    h = h.wrapping_mul(PRIME3);
    (h ^ (h >> 32)) as i64
}

impl ValueHash for Xx64 {
    fn int(value: i32, seed: i64) -> i64 {
        let mut h = (seed as u64).wrapping_add(PRIME5).wrapping_add(4);
        h ^= u64::from(value as u32).wrapping_mul(PRIME1);
        finish(h.rotate_left(23).wrapping_mul(PRIME2).wrapping_add(PRIME3))
    }

    fn long(value: i64, seed: i64) -> i64 {
        let mut h = (seed as u64).wrapping_add(PRIME5).wrapping_add(8);
        h ^= (value as u64).wrapping_mul(PRIME2).rotate_left(31).wrapping_mul(PRIME1);
        finish(h.rotate_left(27).wrapping_mul(PRIME1).wrapping_add(PRIME4))
    }

    fn bytes(value: &[u8], seed: i64) -> i64 {
        XxHash64::oneshot(seed as u64, value) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_cuts_equal_the_general_hash() {
        for v in [0i64, 1, -1, 1 << 40] {
            assert_eq!(Xx64::long(v, 42), Xx64::bytes(&v.to_le_bytes(), 42));
            assert_eq!(Xx64::int(v as i32, 42), Xx64::bytes(&(v as i32).to_le_bytes(), 42));
        }
    }
}
