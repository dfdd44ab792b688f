//! Hashes of key columns, one column at a time.

use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::ToByteSlice;

use super::{KeyColumn, KeyValues};

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const NULL_HASH: u64 = 0x2545_F491_4F6C_DD1D;

/// 64 x 64 to 128 bits, folded: every input bit reaches every output bit.
#[inline(always)]
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

/// Hash of an integer key.
#[inline(always)]
pub(super) fn hash_int(v: i64) -> u64 {
    fold(v as u64 ^ SEED, 0xA076_1D64_78BD_642F)
}

#[inline(always)]
fn hash_wide(v: u128) -> u64 {
    fold(v as u64 ^ SEED, (v >> 64) as u64 ^ 0xE703_7ED1_A0B4_28DB)
}

/// Hash of the bytes behind a 16-byte view. Short strings lie in the view itself.
#[inline(always)]
pub(crate) fn hash_view(view: u128, buffers: &[Buffer]) -> u64 {
    let len = view as u32 as usize;
    if len <= 12 {
        return hash_wide(view);
    }
    hash_bytes(long_view_bytes(view, buffers))
}

/// Bytes of any view; short ones lie behind the length.
#[inline(always)]
pub(crate) fn view_bytes<'a>(view: &'a u128, buffers: &'a [Buffer]) -> &'a [u8] {
    let len = *view as u32 as usize;
    if len <= 12 {
        return &view.to_byte_slice()[4..4 + len];
    }
    long_view_bytes(*view, buffers)
}

/// Bytes of a view longer than 12.
#[inline(always)]
pub(super) fn long_view_bytes(view: u128, buffers: &[Buffer]) -> &[u8] {
    let len = view as u32 as usize;
    let buffer = (view >> 64) as u32 as usize;
    let offset = (view >> 96) as u32 as usize;
    &buffers[buffer].as_slice()[offset..offset + len]
}

fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut h = bytes.len() as u64 ^ SEED;
    let mut words = bytes.chunks_exact(16);
    for w in &mut words {
        h = fold(word(&w[..8]) ^ h, word(&w[8..]) ^ 0x8EBC_6AF0_9C88_C6E3);
    }
    // Longer than 12 bytes in all, so the last 16 (or all) can be read with overlap.
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = &bytes[bytes.len().saturating_sub(16)..];
        let (first, last) = (&tail[..8], &tail[tail.len() - 8..]);
        h = fold(word(first) ^ h, word(last) ^ 0x5899_65CC_7537_4CC3);
    }
    fold(h, SEED)
}

#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    let mut w = [0u8; 8];
    w.copy_from_slice(bytes);
    u64::from_le_bytes(w)
}

/// Hashes of rows of some key columns; all zero if `hash_zero`.
pub(crate) fn hash_keys(columns: &[KeyColumn], rows: usize, hash_zero: bool) -> Vec<u64> {
    let mut out = vec![0u64; rows];
    if hash_zero {
        return out;
    }
    for (i, column) in columns.iter().enumerate() {
        let first = i == 0;
        match &column.values {
            KeyValues::Int(v) => combine(&mut out, first, column.nulls.as_ref(), |r| hash_int(v[r])),
            KeyValues::Wide(v) => combine(&mut out, first, column.nulls.as_ref(), |r| hash_wide(v[r] as u128)),
            KeyValues::Bytes(b) => match b.hashes() {
                Some(h) => combine(&mut out, first, column.nulls.as_ref(), |r| h[r]),
                None => combine(&mut out, first, column.nulls.as_ref(), |r| {
                    hash_view(b.views()[r], b.buffers())
                }),
            },
        }
    }
    out
}

#[inline(always)]
fn combine(out: &mut [u64], first: bool, nulls: Option<&NullBuffer>, hash: impl Fn(usize) -> u64) {
    let mix = |old: u64, h: u64| if first { h } else { fold(old.rotate_left(23) ^ h, SEED) };
    match nulls {
        None => out.iter_mut().enumerate().for_each(|(r, o)| *o = mix(*o, hash(r))),
        Some(n) => out
            .iter_mut()
            .enumerate()
            .for_each(|(r, o)| *o = mix(*o, if n.is_valid(r) { hash(r) } else { NULL_HASH })),
    }
}
