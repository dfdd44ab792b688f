//! Unpacks bit-packed values eight at a time with AVX2.
//!
//! Four values span at most 13 bytes as long as they have no more than 25 bits: a byte shuffle brings the four bytes
//! that hold a value into its lane, a shift by lane and a mask do the rest.
#![allow(unsafe_code, reason = "loads and shuffles of AVX2 take pointers")]

use std::arch::x86_64::{
    _mm_loadu_si128, _mm256_and_si256, _mm256_loadu_si256, _mm256_set_m128i, _mm256_set1_epi32, _mm256_shuffle_epi8,
    _mm256_srlv_epi32, _mm256_storeu_si256,
};

use super::hybrid::Code;

/// Widest values this unpacks.
pub(super) const MAX_BITS: usize = 25;

/// Unpacks as many whole blocks of 32 values, from block `block` on, as `out` and `bytes` hold; gives their number.
pub(super) fn blocks<T: Code>(bytes: &[u8], bits: usize, block: usize, out: &mut [T]) -> usize {
    if bits == 0 || bits > MAX_BITS || !std::arch::is_x86_feature_detected!("avx2") {
        return 0;
    }
    // The last load of a block starts at most 3.5 groups in and takes 16 bytes.
    let last_load = 3 * bits + bits / 2 + 16;
    let room = match bytes.len().checked_sub(block * 4 * bits + last_load) {
        Some(rest) => rest / (4 * bits) + 1,
        None => 0,
    };
    let n = room.min(out.len() / 32);
    if n > 0 {
        // SAFETY: AVX2 was detected; `room` counts only blocks whose loads end within `bytes`.
        unsafe { run(&bytes[block * 4 * bits..], bits, &mut out[..n * 32]) };
    }
    n
}

#[target_feature(enable = "avx2")]
unsafe fn run<T: Code>(bytes: &[u8], bits: usize, out: &mut [T]) {
    let mut shuffle = [0u8; 32];
    let mut shift = [0u32; 8];
    for value in 0..8 {
        let lane_bits = if value < 4 { 0 } else { 4 * bits % 8 };
        let bit = value % 4 * bits + lane_bits;
        shift[value] = (bit % 8) as u32;
        for b in 0..4 {
            shuffle[value * 4 + b] = (bit / 8 + b) as u8;
        }
    }
    let upper = 4 * bits / 8;
    // SAFETY: the arrays are 32 bytes each; loads and stores are unaligned ones. The caller promised that every block's
    // loads lie within `bytes`; `buffer` takes 32 values.
    unsafe {
        let shuffle = _mm256_loadu_si256(shuffle.as_ptr().cast());
        let shift = _mm256_loadu_si256(shift.as_ptr().cast());
        let mask = _mm256_set1_epi32((u32::MAX >> (32 - bits)) as i32);
        let mut buffer = [0u32; 32];
        for (i, target) in out.chunks_exact_mut(32).enumerate() {
            for group in 0..4 {
                let start = bytes.as_ptr().add((i * 4 + group) * bits);
                let low = _mm_loadu_si128(start.cast());
                let high = _mm_loadu_si128(start.add(upper).cast());
                let spread = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), shuffle);
                let values = _mm256_and_si256(_mm256_srlv_epi32(spread, shift), mask);
                _mm256_storeu_si256(buffer.as_mut_ptr().add(group * 8).cast(), values);
            }
            for (o, v) in target.iter_mut().zip(&buffer) {
                *o = T::from_u32(*v);
            }
        }
    }
}
