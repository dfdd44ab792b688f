//! MurmurHash3 of 128 bits (x64), as the sketches of Apache DataSketches hash their input.

use std::ops::Range;

/// Seed of every sketch that Spark makes.
const SEED: u64 = 9001;

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

/// Both halves of the hash of `bytes`.
pub(super) fn hash128(bytes: &[u8]) -> (u64, u64) {
    let (mut h1, mut h2) = (SEED, SEED);
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        h1 ^= mix_first(word(block, 0..8));
        h1 = h1
            .rotate_left(27)
            .wrapping_add(h2)
            .wrapping_mul(5)
            .wrapping_add(0x52dc_e729);
        h2 ^= mix_second(word(block, 8..16));
        h2 = h2
            .rotate_left(31)
            .wrapping_add(h1)
            .wrapping_mul(5)
            .wrapping_add(0x3849_5ab5);
    }
    if tail.len() > 8 {
        h2 ^= mix_second(word(tail, 8..tail.len()));
    }
    if !tail.is_empty() {
        h1 ^= mix_first(word(tail, 0..tail.len().min(8)));
    }
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = finish(h1);
    h2 = finish(h2);
    h1 = h1.wrapping_add(h2);
    (h1, h2.wrapping_add(h1))
}

/// Up to eight bytes as a little-endian number.
fn word(bytes: &[u8], range: Range<usize>) -> u64 {
    bytes[range].iter().rev().fold(0, |word, b| word << 8 | u64::from(*b))
}

fn mix_first(k: u64) -> u64 {
    k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn mix_second(k: u64) -> u64 {
    k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

/// The final mix; also what spreads Java's hash codes in the sketch of frequent items.
pub(super) fn finish(mut k: u64) -> u64 {
    k ^= k >> 33;
    k = k.wrapping_mul(0xff51_afd7_ed55_8ccd);
    k ^= k >> 33;
    k = k.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    k ^ (k >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_theta_sketch_of_one_number_stores_it() {
        // `theta_sketch_agg(1)` keeps the first half without its lowest bit.
        assert_eq!(hash128(&1i64.to_le_bytes()).0 >> 1, 0x05a1_86bd_cb7d_f915);
        // `theta_sketch_agg(array(1L, 2L))` fills a block.
        let two: Vec<u8> = [1i64, 2].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(hash128(&two).0 >> 1, 0x2e7d_4107_0f59_6cab);
        // `theta_sketch_agg(X'01')` has a tail only.
        assert_eq!(hash128(&[1]).0 >> 1, 0x03e8_401e_3300_9f64);
    }
}
