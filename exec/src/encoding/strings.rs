//! Strings and binaries: lengths and bytes, or one-byte codes into the values that occur.
//!
//! `[0][lengths][bytes]`, or `[1][number of values u8][their lengths][their bytes][codes]`. Which one a column gets is found out
//! block by block, and a column that had too many values is not tried again for a while. Codes stay codes when they are
//! read: the reader's operators compute on the few values.

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use bytes::Bytes;
use rsql_common::Result;
use rsql_expr::vector::{Dict, DictVector};
use rsql_expr::{Codes, Vector};

use super::compress::{Compressor, Trial, take_buffer};
use super::cursor::Cursor;
use super::ints::{put_ints, take_ints};
use super::text::{INLINE, Strings, array};

const PLAIN: u8 = 0;
const CODED: u8 = 1;

/// Most values that are coded.
pub(super) const MOST_VALUES: usize = 255;
/// Slots of the table that finds them.
const SLOTS: usize = 1024;
/// Fewer rows are not worth it.
pub(super) const LEAST_ROWS: usize = 64;

/// What the blocks before told.
#[derive(Debug, Default)]
pub(super) struct StringTrials {
    codes: Trial,
    lengths: Trial,
    bytes: Trial,
    coded: Trial,
}

/// What encoding reuses.
#[derive(Debug, Default)]
pub(super) struct StringScratch {
    pub(super) lengths: Vec<i32>,
    /// By slot: a code and 1, 0 if free.
    slots: Vec<u16>,
    codes: Vec<u8>,
    values: Vec<u8>,
    ends: Vec<i32>,
}

/// Appends values.
pub(super) fn put_strings(
    strings: Strings,
    compressor: &mut Compressor,
    trials: &mut StringTrials,
    scratch: &mut StringScratch,
    out: &mut Vec<u8>,
) -> Result<()> {
    if strings.rows() >= LEAST_ROWS && trials.codes.is_due() {
        if scratch.code(strings) {
            let values = Strings {
                offsets: &scratch.ends,
                data: &scratch.values,
            };
            return put_coded(values, &scratch.codes, compressor, trials, &mut scratch.lengths, out);
        }
        trials.codes.failed();
    }
    out.push(PLAIN);
    let trials = (&mut trials.lengths, &mut trials.bytes);
    put_plain(strings, compressor, trials, &mut scratch.lengths, out)
}

/// Appends codes of different values, of which there are one to 255.
pub(super) fn put_coded(
    values: Strings,
    codes: &[u8],
    compressor: &mut Compressor,
    trials: &mut StringTrials,
    lengths: &mut Vec<i32>,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(&[CODED, values.rows() as u8]);
    // The values are too few to learn from.
    let (mut of_lengths, mut of_bytes) = (Trial::default(), Trial::default());
    put_plain(values, compressor, (&mut of_lengths, &mut of_bytes), lengths, out)?;
    put_ints(codes, compressor, &mut trials.coded, out)
}

fn put_plain(
    strings: Strings,
    compressor: &mut Compressor,
    (of_lengths, of_bytes): (&mut Trial, &mut Trial),
    lengths: &mut Vec<i32>,
    out: &mut Vec<u8>,
) -> Result<()> {
    lengths.clear();
    lengths.extend(strings.offsets.windows(2).map(|w| w[1] - w[0]));
    put_ints(lengths, compressor, of_lengths, out)?;
    let bytes = strings.all();
    compressor.put(of_bytes, bytes.len(), out, |out| out.extend_from_slice(bytes))
}

impl StringScratch {
    /// Finds the values and a code for each row; false if there are too many.
    fn code(&mut self, strings: Strings) -> bool {
        self.slots.clear();
        self.slots.resize(SLOTS, 0);
        self.codes.clear();
        self.values.clear();
        self.ends.clear();
        self.ends.push(0);
        let rows = strings.rows();
        let most = MOST_VALUES.min(rows / 4);
        for row in 0..rows {
            let value = strings.value(row);
            let mut slot = hash(value) as usize % SLOTS;
            let code = loop {
                match self.slots[slot] {
                    0 => {
                        let code = self.ends.len() - 1;
                        if code == most {
                            return false;
                        }
                        self.values.extend_from_slice(value);
                        self.ends.push(self.values.len() as i32);
                        self.slots[slot] = code as u16 + 1;
                        break code;
                    }
                    taken => {
                        let code = usize::from(taken) - 1;
                        if self.values[self.ends[code] as usize..self.ends[code + 1] as usize] == *value {
                            break code;
                        }
                        slot = (slot + 1) % SLOTS;
                    }
                }
            };
            self.codes.push(code as u8);
        }
        true
    }
}

/// Tells short values apart, and long ones by their ends and middle.
#[inline(always)]
fn hash(value: &[u8]) -> u64 {
    let n = value.len();
    let (a, b) = if n >= 8 {
        let middle = word::<8>(value, (n - 8) / 2).rotate_left(31);
        (word::<8>(value, 0), word::<8>(value, n - 8) ^ middle)
    } else if n >= 4 {
        (word::<4>(value, 0), word::<4>(value, n - 4))
    } else if n > 0 {
        let ends = u64::from(value[0]) << 16 | u64::from(value[n - 1]);
        (ends | u64::from(value[n / 2]) << 8, 0)
    } else {
        (0, 0)
    };
    let wide = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ n as u64 ^ 0xe703_7ed1_a0b4_28db);
    wide as u64 ^ (wide >> 64) as u64
}

#[inline(always)]
fn word<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0u8; 8];
    word[..N].copy_from_slice(&bytes[at..at + N]);
    u64::from_le_bytes(word)
}

/// The next `rows` values of an engine type; none if they are damaged.
pub(super) fn take_strings(
    from: &mut Cursor,
    ty: &DataType,
    rows: usize,
    validity: Option<NullBuffer>,
) -> Option<Vector> {
    if from.u8()? == PLAIN {
        return Some(Vector::Flat(take_plain(from, ty, rows, validity)?));
    }
    let count = usize::from(from.u8()?);
    let values = take_plain(from, ty, count, None)?;
    let codes = take_ints::<u8>(from, rows)?;
    if codes.iter().any(|c| usize::from(*c) >= count) {
        return None;
    }
    Some(Vector::Dictionary(DictVector {
        codes: Codes::from(codes),
        validity,
        dict: Dict::new(values, true),
    }))
}

fn take_plain(from: &mut Cursor, ty: &DataType, rows: usize, validity: Option<NullBuffer>) -> Option<ArrayRef> {
    let lengths = take_ints::<i32>(from, rows)?;
    let bytes = take_buffer(from)?;
    // A copy, so that few strings do not keep a whole block.
    let bytes = match lengths.iter().any(|l| *l > INLINE as i32) {
        true => Bytes::from(bytes.to_vec()),
        false => bytes,
    };
    array(&lengths, bytes, ty, validity)
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;
    use crate::encoding::Compression;

    fn there_and_back(values: &[String]) -> (Vector, usize) {
        let data: Vec<u8> = values.iter().flat_map(|v| v.bytes()).collect();
        let mut offsets = vec![0];
        values
            .iter()
            .for_each(|v| offsets.push(offsets[offsets.len() - 1] + v.len() as i32));
        let strings = Strings {
            offsets: &offsets,
            data: &data,
        };
        let mut out = Vec::new();
        let mut compressor = Compressor::new(Compression::Lz4).unwrap();
        let (mut trials, mut scratch) = (StringTrials::default(), StringScratch::default());
        put_strings(strings, &mut compressor, &mut trials, &mut scratch, &mut out).unwrap();
        let stored = out.len();
        let mut cursor = Cursor::new(out.into());
        let vector = take_strings(&mut cursor, &DataType::Utf8View, values.len(), None).unwrap();
        assert!(cursor.is_at_end());
        let array = vector.to_array().unwrap();
        let got: Vec<&str> = array.as_string_view().iter().map(Option::unwrap).collect();
        assert_eq!(got, values);
        (vector, stored)
    }

    #[test]
    fn few_values_become_codes() {
        let (vector, stored) =
            there_and_back(&(0..5000).map(|i| format!("some value {}", i % 200)).collect::<Vec<_>>());
        assert!(matches!(vector, Vector::Dictionary(d) if d.dict.values.len() == 200 && d.dict.distinct));
        assert!(stored < 9000, "{stored}");
    }

    #[test]
    fn many_values_stay() {
        for rows in [0, 1, 63, 64, 1000] {
            let (vector, _) = there_and_back(&(0..rows).map(|i| format!("value {i}")).collect::<Vec<_>>());
            assert!(matches!(vector, Vector::Flat(_)), "{rows}");
        }
        there_and_back(&(0..256).map(|i| format!("{}", i % 64)).collect::<Vec<_>>());
        there_and_back(&(0..2000).map(|i| format!("{}", i % 256)).collect::<Vec<_>>());
        there_and_back(&vec![String::new(); 100]);
        there_and_back(&["ä".repeat(30), "b".into()]);
    }

    #[test]
    fn bytes_that_are_no_text_are_damage() {
        let strings = Strings {
            offsets: &[0, 2],
            data: &[0xff, 0xfe],
        };
        let mut out = Vec::new();
        let mut compressor = Compressor::new(Compression::None).unwrap();
        let (mut trials, mut scratch) = (StringTrials::default(), StringScratch::default());
        put_strings(strings, &mut compressor, &mut trials, &mut scratch, &mut out).unwrap();
        let take = |ty| take_strings(&mut Cursor::new(out.clone().into()), &ty, 1, None);
        assert!(take(DataType::Utf8View).is_none());
        assert!(take(DataType::BinaryView).is_some());
    }
}
