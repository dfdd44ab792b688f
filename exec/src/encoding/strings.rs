//! Strings and binaries: lengths and bytes, or one-byte codes into the values that occur.
//!
//! `[0][lengths][bytes]`, or `[1][number of values u8][their lengths][their bytes][codes]`. Which one a column gets is found out
//! block by block, and a column that had too many values is not tried again for a while. Codes stay codes when they are
//! read: the reader's operators compute on the few values.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, ByteView, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::DataType;
use bytes::Bytes;
use rsql_common::{Error, Result};
use rsql_expr::vector::{Dict, DictVector};
use rsql_expr::{Codes, Vector};

use super::compress::{Compressor, Trial, take_buffer};
use super::cursor::Cursor;
use super::ints::{put_ints, take_ints};

const PLAIN: u8 = 0;
const CODED: u8 = 1;

/// Most values that are coded.
pub(super) const MOST_VALUES: usize = 255;
/// Slots of the table that finds them.
const SLOTS: usize = 1024;
/// Fewer rows are not worth it.
pub(super) const LEAST_ROWS: usize = 64;

/// Rows of a strings column.
#[derive(Debug, Clone, Copy)]
pub struct Strings<'a> {
    /// Where each row begins in `data`, and where the last one ends.
    pub offsets: &'a [i32],
    /// Bytes of all rows, end to end.
    pub data: &'a [u8],
}

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

/// Strings that are gathered to be encoded.
#[derive(Debug)]
pub struct StringsBuffer {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

/// Bytes that a view holds itself.
const INLINE: usize = 12;
/// Longer values are copied by as many bytes as they have.
const NEAR: usize = 32;

impl Default for StringsBuffer {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            data: Vec::new(),
        }
    }
}

impl StringsBuffer {
    /// Rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Forgets all rows and keeps their room.
    pub fn clear(&mut self) {
        self.offsets.truncate(1);
        self.data.clear();
    }

    /// Some rows.
    pub fn of(&self, rows: Range<usize>) -> Strings<'_> {
        Strings {
            offsets: &self.offsets[rows.start..rows.end + 1],
            data: &self.data,
        }
    }

    /// Appends what views into `buffers` show, and gives its bytes; fails where offsets do not reach.
    pub fn extend(&mut self, buffers: &[Buffer], views: impl Iterator<Item = u128>) -> Result<usize> {
        let before = self.data.len();
        views.for_each(|view| self.push(buffers, view));
        self.check()?;
        Ok(self.data.len() - before)
    }

    /// Appends what a view into `buffers` shows; [`StringsBuffer::check`] must follow before the rows are used.
    #[inline(always)]
    pub fn push(&mut self, buffers: &[Buffer], view: u128) {
        let len = view as u32 as usize;
        // Copies of fixed length are a few instructions; what is too much of them is cut off again.
        if len <= INLINE {
            self.data.extend_from_slice(&view.to_le_bytes()[4..]);
            self.data.truncate(self.data.len() - INLINE + len);
        } else {
            let at = ByteView::from(view);
            let buffer: &[u8] = &buffers[at.buffer_index as usize];
            let start = at.offset as usize;
            match buffer.get(start..start + NEAR) {
                Some(near) if len <= NEAR => {
                    self.data.extend_from_slice(near);
                    self.data.truncate(self.data.len() - NEAR + len);
                }
                _ => self.data.extend_from_slice(&buffer[start..start + len]),
            }
        }
        self.offsets.push(self.data.len() as i32);
    }

    /// All rows as an array of an engine type.
    pub fn into_array(self, ty: &DataType, validity: Option<NullBuffer>) -> Result<ArrayRef> {
        let lengths: Vec<i32> = self.offsets.windows(2).map(|w| w[1] - w[0]).collect();
        array(&lengths, self.data.into(), ty, validity)
            .ok_or_else(|| Error::internal("strings that are not what their type says"))
    }

    /// Fails if there are more bytes than offsets reach.
    pub fn check(&self) -> Result<()> {
        match i32::try_from(self.data.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::exhausted(format!(
                "a block with {} bytes of one column is over the limit of 2 GiB",
                self.data.len()
            ))),
        }
    }
}

impl<'a> Strings<'a> {
    fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    fn value(&self, row: usize) -> &'a [u8] {
        &self.data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    fn all(&self) -> &'a [u8] {
        match (self.offsets.first(), self.offsets.last()) {
            (Some(first), Some(last)) => &self.data[*first as usize..*last as usize],
            _ => &[],
        }
    }
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
    compressor.put(&mut trials.coded, codes.len(), out, |out| out.extend_from_slice(codes))
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
    let codes = take_buffer(from)?;
    if codes.len() != rows || codes.iter().any(|c| usize::from(*c) >= count) {
        return None;
    }
    Some(Vector::Dictionary(DictVector {
        codes: Codes::from(codes.to_vec()),
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

/// Strings of these lengths, end to end; none if they are not as many bytes, or no text where they should be.
fn array(lengths: &[i32], bytes: Bytes, ty: &DataType, validity: Option<NullBuffer>) -> Option<ArrayRef> {
    let views = views(lengths, &bytes)?;
    let buffers = match lengths.iter().any(|l| *l > INLINE as i32) {
        true => vec![Buffer::from(bytes)],
        false => Vec::new(),
    };
    Some(match ty {
        DataType::Utf8View => Arc::new(StringViewArray::try_new(views.into(), buffers, validity).ok()?),
        _ => Arc::new(BinaryViewArray::try_new(views.into(), buffers, validity).ok()?),
    })
}

fn views(lengths: &[i32], bytes: &Bytes) -> Option<Vec<u128>> {
    let mut views = Vec::with_capacity(lengths.len());
    let mut at = 0usize;
    for length in lengths {
        let length = usize::try_from(*length).ok()?;
        let value = bytes.get(at..at.checked_add(length)?)?;
        views.push(make_view(value, 0, at as u32));
        at += length;
    }
    (at == bytes.len()).then_some(views)
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
