//! Values of fixed width, as differences to the least of them in as few bits as hold the largest.
//!
//! `[bits u8]`, the least value unless the bits are the type's own, and a buffer of the differences unless the bits are 0.
//! Keys, dates and amounts of one block lie close together, so this takes away most of what LZ4 would, at a tenth of its
//! time. Floating point numbers pass as the integers of their bits.

use arrow::datatypes::{ArrowNativeType, ToByteSlice};

use rsql_common::Result;

use super::compress::{Compressor, Trial, take_buffer};
use super::cursor::Cursor;
use super::packed::{pack, packed_len, stored_bits, unpack};

/// An integer that can be narrowed.
pub trait Int: ArrowNativeType + Ord {
    /// Bytes.
    const WIDTH: usize;
    /// `self - least`, if it fits 64 bits.
    fn above(self, least: Self) -> u64;
    /// `self + difference`.
    fn plus(self, difference: u64) -> Self;
    /// Bits of the difference to a value that is not smaller.
    fn difference_bits(self, largest: Self) -> usize;
    /// Appends its bytes.
    fn put(self, out: &mut Vec<u8>);
    /// From as many bytes as it has.
    fn get(bytes: &[u8]) -> Option<Self>;
}

macro_rules! int {
    ($t:ty, $u:ty) => {
        impl Int for $t {
            const WIDTH: usize = size_of::<$t>();

            #[inline(always)]
            fn above(self, least: Self) -> u64 {
                self.wrapping_sub(least) as $u as u64
            }

            #[inline(always)]
            fn plus(self, difference: u64) -> Self {
                self.wrapping_add(difference as $t)
            }

            fn difference_bits(self, largest: Self) -> usize {
                <$u>::BITS as usize - (largest.wrapping_sub(self) as $u).leading_zeros() as usize
            }

            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[inline(always)]
            fn get(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_le_bytes(bytes.try_into().ok()?))
            }
        }
    };
}

int!(u8, u8);
int!(i8, u8);
int!(i16, u16);
int!(i32, u32);
int!(i64, u64);
int!(i128, u128);

/// Appends values.
pub(super) fn put_ints<T: Int>(
    values: &[T],
    compressor: &mut Compressor,
    trial: &mut Trial,
    out: &mut Vec<u8>,
) -> Result<()> {
    let first = values.first().copied().unwrap_or_default();
    let (least, largest) = values.iter().fold((first, first), |(l, h), v| (l.min(*v), h.max(*v)));
    let bits = match least.difference_bits(largest) {
        0 => 0,
        needed @ 1..=64 => stored_bits(needed),
        _ => T::WIDTH * 8,
    };
    out.push(bits as u8);
    if bits == T::WIDTH * 8 {
        // The type's own bits are stored without a difference.
        let put = |out: &mut Vec<u8>| out.extend_from_slice(values.to_byte_slice());
        return compressor.put(trial, T::WIDTH * values.len(), out, put);
    }
    least.put(out);
    let len = packed_len(values.len(), bits).unwrap_or(usize::MAX);
    let put = |out: &mut Vec<u8>| match bits {
        8 => narrow::<T, 1>(values, least, out),
        16 => narrow::<T, 2>(values, least, out),
        32 => narrow::<T, 4>(values, least, out),
        64 => narrow::<T, 8>(values, least, out),
        _ => pack(values, least, bits, out),
    };
    match bits {
        0 => Ok(()),
        _ => compressor.put(trial, len, out, put),
    }
}

/// Appends differences to `least` in so many bytes.
pub(super) fn narrow<T: Int, const N: usize>(values: &[T], least: T, out: &mut Vec<u8>) {
    let at = out.len();
    out.resize(at + N * values.len(), 0);
    let (places, _) = out[at..].as_chunks_mut::<N>();
    for (place, value) in places.iter_mut().zip(values) {
        let bytes = value.above(least).to_le_bytes();
        place.copy_from_slice(&bytes[..N]);
    }
}

/// The next `rows` values; none if they are damaged.
pub(super) fn take_ints<T: Int>(from: &mut Cursor, rows: usize) -> Option<Vec<T>> {
    let bits = usize::from(from.u8()?);
    if bits == T::WIDTH * 8 {
        let bytes = take_buffer(from)?;
        return (Some(bytes.len()) == rows.checked_mul(T::WIDTH))
            .then(|| bytes.chunks_exact(T::WIDTH).filter_map(T::get).collect());
    }
    if bits > 64.min(T::WIDTH * 8) {
        return None;
    }
    let least = T::get(&from.bytes(T::WIDTH)?)?;
    if bits == 0 {
        return Some(vec![least; rows]);
    }
    let bytes = take_buffer(from)?;
    if Some(bytes.len()) != packed_len(rows, bits) {
        return None;
    }
    let mut out = Vec::new();
    match bits {
        8 => widen::<T, 1>(&bytes, least, &mut out),
        16 => widen::<T, 2>(&bytes, least, &mut out),
        32 => widen::<T, 4>(&bytes, least, &mut out),
        64 => widen::<T, 8>(&bytes, least, &mut out),
        _ => out = unpack(&bytes, rows, least, bits),
    }
    Some(out)
}

/// Appends the values of differences in so many bytes.
pub(super) fn widen<T: Int, const N: usize>(bytes: &[u8], least: T, out: &mut Vec<T>) {
    let (places, _) = bytes.as_chunks::<N>();
    let value = |place: &[u8; N]| {
        let mut wide = [0u8; 8];
        wide[..N].copy_from_slice(place);
        least.plus(u64::from_le_bytes(wide))
    };
    out.extend(places.iter().map(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Compression;

    fn there_and_back<T: Int>(values: &[T]) -> usize {
        let mut out = Vec::new();
        let mut compressor = Compressor::new(Compression::None).unwrap();
        put_ints(values, &mut compressor, &mut Trial::default(), &mut out).unwrap();
        let stored = out.len();
        let mut cursor = Cursor::new(out.into());
        assert_eq!(take_ints::<T>(&mut cursor, values.len()).unwrap(), values);
        assert!(cursor.is_at_end());
        stored
    }

    #[test]
    fn values_take_as_few_bits_as_their_spread_needs() {
        let around = |spread: i64| {
            (0..100i64)
                .map(|i| -50_000_000_000 + i * spread / 99)
                .collect::<Vec<i64>>()
        };
        assert_eq!(there_and_back(&around(0)), 9);
        for (spread, width) in [(255, 1), (65_535, 2), (4_294_967_295, 4), (1 << 40, 8)] {
            assert_eq!(there_and_back(&around(spread)), 1 + 8 + 5 + 100 * width, "{spread}");
        }
        let far: Vec<i64> = (0..100).map(|i| i << 56).collect();
        assert_eq!(there_and_back(&far), 1 + 5 + 100 * 8);
        let many: Vec<i64> = (0..1280).map(|i| i % 5).collect();
        assert_eq!(there_and_back(&many), 1 + 8 + 5 + 1280 * 3 / 8);
    }

    #[test]
    fn extremes_of_every_width() {
        there_and_back::<i64>(&[]);
        there_and_back(&[i8::MIN, i8::MAX, 0]);
        there_and_back(&[i16::MIN, i16::MAX, -1]);
        there_and_back(&[i32::MIN, i32::MAX, 1]);
        there_and_back(&[i64::MIN, i64::MAX, 0]);
        there_and_back(&[i64::MAX; 3]);
        there_and_back(&[i128::MIN, i128::MAX, 5]);
        there_and_back(&[i128::MIN, i128::MIN + i128::from(u64::MAX)]);
        there_and_back(&[i128::MAX - 300, i128::MAX]);
        there_and_back(&[0i128, i128::from(u64::MAX) + 1]);
    }
}
