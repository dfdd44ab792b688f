//! Differences in as few bits as hold the largest of them.
//!
//! Values are packed in tiles of 128, each of `16 * bits` bytes. A tile has four lanes of 32-bit words, or two of 64-bit words
//! where more than 32 bits are needed, and value `i` lies in lane `i % lanes`: all lanes shift by the same, which is what
//! vector instructions do well (Lemire and Boytsov, "Decoding billions of integers per second through vectorization", 2015).
//! What does not fill a tile follows in whole bytes.

use super::ints::{Int, narrow, widen};

/// Values of a tile.
const TILE: usize = 128;

/// How differences of up to `bits` bits are stored: in as many bits, or in whole bytes if these are hardly more.
pub(super) fn stored_bits(bits: usize) -> usize {
    let whole = whole_bytes(bits) * 8;
    if bits * 8 <= whole * 7 { bits } else { whole }
}

/// Bytes that `rows` values of so many stored bits take.
pub(super) fn packed_len(rows: usize, bits: usize) -> Option<usize> {
    let tiles = rows / TILE * (TILE / 8);
    tiles.checked_mul(bits)?.checked_add(rows % TILE * whole_bytes(bits))
}

/// The least of 1, 2, 4 and 8 bytes that hold so many bits.
pub(super) fn whole_bytes(bits: usize) -> usize {
    bits.div_ceil(8).next_power_of_two()
}

/// Appends differences of at most 64 bits to `least`.
pub(super) fn pack<T: Int>(values: &[T], least: T, bits: usize, out: &mut Vec<u8>) {
    let (tiles, rest) = values.as_chunks::<TILE>();
    out.reserve(packed_len(values.len(), bits).unwrap_or_default());
    for tile in tiles {
        match bits {
            0..=32 => tile_of_32::pack(&tile.map(|v| v.above(least) as u32), bits, out),
            _ => tile_of_64::pack(&tile.map(|v| v.above(least)), bits, out),
        }
    }
    match whole_bytes(bits) {
        1 => narrow::<T, 1>(rest, least, out),
        2 => narrow::<T, 2>(rest, least, out),
        4 => narrow::<T, 4>(rest, least, out),
        _ => narrow::<T, 8>(rest, least, out),
    }
}

/// The values of what [`pack`] wrote; `bytes` are [`packed_len`].
pub(super) fn unpack<T: Int>(bytes: &[u8], rows: usize, least: T, bits: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(rows);
    let (tiles, rest) = bytes.split_at(rows / TILE * (TILE / 8) * bits);
    for tile in tiles.chunks_exact(TILE / 8 * bits) {
        match bits {
            0..=32 => {
                let values = tile_of_32::unpack(tile, bits);
                out.extend(values.iter().map(|v| least.plus(u64::from(*v))));
            }
            _ => out.extend(tile_of_64::unpack(tile, bits).iter().map(|v| least.plus(*v))),
        }
    }
    match whole_bytes(bits) {
        1 => widen::<T, 1>(rest, least, &mut out),
        2 => widen::<T, 2>(rest, least, &mut out),
        4 => widen::<T, 4>(rest, least, &mut out),
        _ => widen::<T, 8>(rest, least, &mut out),
    }
    out
}

macro_rules! tile {
    ($name:ident, $word:ty) => {
        mod $name {
            use super::TILE;

            const BITS: usize = <$word>::BITS as usize;
            const LANES: usize = TILE / BITS;

            /// Appends `16 * bits` bytes.
            pub(super) fn pack(values: &[$word; TILE], bits: usize, out: &mut Vec<u8>) {
                let (rows, _) = values.as_chunks::<LANES>();
                let mut words = [0 as $word; LANES];
                let mut used = 0;
                for row in rows {
                    (0..LANES).for_each(|l| words[l] |= row[l] << used);
                    used += bits;
                    if used >= BITS {
                        words.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
                        used -= BITS;
                        // Bits that did not fit begin the next words; a shift by all bits is not defined.
                        words = row.map(|v| v.checked_shr((bits - used) as u32).unwrap_or(0));
                    }
                }
            }

            /// The values of `16 * bits` bytes.
            pub(super) fn unpack(bytes: &[u8], bits: usize) -> [$word; TILE] {
                let mut values = [0 as $word; TILE];
                let (rows, _) = values.as_chunks_mut::<LANES>();
                let (words, _) = bytes.as_chunks::<{ size_of::<$word>() }>();
                let (words, _) = words.as_chunks::<LANES>();
                let mask = <$word>::MAX >> (BITS - bits);
                let mut words = words.iter().map(|lanes| lanes.map(<$word>::from_le_bytes));
                let mut now = [0 as $word; LANES];
                let mut left = 0;
                for row in rows {
                    if left >= bits {
                        (0..LANES).for_each(|l| row[l] = now[l] & mask);
                        now = now.map(|w| w >> (bits % BITS));
                        left -= bits;
                    } else {
                        let Some(next) = words.next() else { break };
                        (0..LANES).for_each(|l| row[l] = (now[l] | next[l] << left) & mask);
                        let taken = bits - left;
                        now = next.map(|w| w.checked_shr(taken as u32).unwrap_or(0));
                        left = BITS - taken;
                    }
                }
                values
            }
        }
    };
}

tile!(tile_of_32, u32);
tile!(tile_of_64, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_length() {
        for bits in 1..=64 {
            let most = u64::MAX >> (64 - bits);
            for rows in [0, 1, 127, 128, 129, 256, 300] {
                let differences = (0..rows as u64).map(|i| match i % 5 {
                    0 => most,
                    _ => i.wrapping_mul(0x9e37_79b9_7f4a_7c15) & most,
                });
                let least = -7_000_000_000_000_000_000i64;
                let values: Vec<i64> = differences.map(|d| least.wrapping_add(d as i64)).collect();
                let mut out = vec![1, 2, 3];
                pack(&values, least, bits, &mut out);
                assert_eq!(Some(out.len() - 3), packed_len(rows, bits), "{bits} {rows}");
                assert_eq!(unpack(&out[3..], rows, least, bits), values, "{bits} {rows}");
            }
        }
    }

    #[test]
    fn narrow_types() {
        let values: Vec<i8> = (0..500).map(|i| i8::MIN + (i % 8) as i8).collect();
        let mut out = Vec::new();
        pack(&values, -128, 3, &mut out);
        assert_eq!(out.len(), 3 * 48 + 116);
        assert_eq!(unpack(&out, values.len(), -128, 3), values);
    }

    #[test]
    fn bits_are_worth_it_from_an_eighth() {
        assert_eq!(
            [1, 7, 8, 9, 14, 15, 16, 17].map(stored_bits),
            [1, 7, 8, 9, 14, 16, 16, 17]
        );
        assert_eq!([28, 29, 33, 56, 57, 64].map(stored_bits), [28, 32, 33, 56, 64, 64]);
    }
}
