//! Strings end to end, as they are gathered before they are encoded and found after they were decoded.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, ByteView, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::DataType;
use bytes::Bytes;
use rsql_common::{Error, Result};

/// Rows of a strings column.
#[derive(Debug, Clone, Copy)]
pub struct Strings<'a> {
    /// Where each row begins in `data`, and where the last one ends.
    pub offsets: &'a [i32],
    /// Bytes of all rows, end to end.
    pub data: &'a [u8],
}

/// Strings that are gathered to be encoded.
#[derive(Debug)]
pub struct StringsBuffer {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

/// Bytes that a view holds itself.
pub(super) const INLINE: usize = 12;
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
    pub(super) fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    pub(super) fn value(&self, row: usize) -> &'a [u8] {
        &self.data[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    pub(super) fn all(&self) -> &'a [u8] {
        match (self.offsets.first(), self.offsets.last()) {
            (Some(first), Some(last)) => &self.data[*first as usize..*last as usize],
            _ => &[],
        }
    }
}

/// Strings of these lengths, end to end; none if they are not as many bytes, or no text where they should be.
pub(super) fn array(lengths: &[i32], bytes: Bytes, ty: &DataType, validity: Option<NullBuffer>) -> Option<ArrayRef> {
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
