//! Strings and binaries as views into the pages they came from.
#![allow(unsafe_code)]

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, StringViewArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use rsql_common::Result;

use super::pages::damaged;
use super::values::{StringPage, Wanted};

/// 16-byte views and the buffers they point into. Every view was made from checked bounds, and, if the column is of
/// strings, from checked UTF-8.
#[derive(Debug, Clone, Default)]
pub(in crate::scan::parquet) struct Views {
    pub views: Vec<u128>,
    buffers: Vec<Buffer>,
}

impl Views {
    pub fn with_capacity(n: usize) -> Self {
        Self {
            views: Vec::with_capacity(n),
            buffers: Vec::new(),
        }
    }

    /// Appends wanted values of a plain-encoded page, which is kept alive where views point into it.
    pub fn plain(&mut self, page: StringPage, wanted: Wanted<'_>, utf8: bool) -> Result<()> {
        let (buffer, start) = page;
        let bytes: &[u8] = &buffer;
        // With all lengths below 128 the length bytes are ASCII, so that one check covers the page; then a string is
        // whole if it does not begin inside a character.
        let page_valid = utf8 && std::str::from_utf8(&bytes[start..]).is_ok();
        let index = self.buffers.len() as u32;
        let mut at = start;
        let mut points = false;
        let mut rows = match wanted {
            Wanted::Rows(rows) => rows.iter(),
            Wanted::Range(..) => [].iter(),
        };
        let mut next = match wanted {
            Wanted::Range(from, _) => from,
            Wanted::Rows(_) => rows.next().map_or(usize::MAX, |r| *r as usize),
        };
        for i in 0..wanted.end() {
            let Some(head) = bytes.get(at..at + 4) else {
                return Err(damaged("a page has fewer strings than its header says"));
            };
            let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let from = at + 4;
            let to = from + len as usize;
            at = to;
            if i != next {
                continue;
            }
            let Some(text) = bytes.get(from..to) else {
                return Err(damaged("a string lies outside its page"));
            };
            if utf8 {
                let boundary = text.first().is_none_or(|b| *b & 0xc0 != 0x80);
                let whole = page_valid && len < 128 && boundary;
                if !whole && std::str::from_utf8(text).is_err() {
                    return Err(damaged("a string is not valid UTF-8"));
                }
            }
            if len <= 12 {
                let mut view = [0u8; 16];
                view[..4].copy_from_slice(head);
                view[4..4 + text.len()].copy_from_slice(text);
                self.views.push(u128::from_le_bytes(view));
            } else {
                points = true;
                let prefix = u32::from_le_bytes([text[0], text[1], text[2], text[3]]);
                self.views.push(
                    u128::from(len)
                        | u128::from(prefix) << 32
                        | u128::from(index) << 64
                        | u128::from(from as u32) << 96,
                );
            }
            next = match wanted {
                Wanted::Range(..) => i + 1,
                Wanted::Rows(_) => rows.next().map_or(usize::MAX, |r| *r as usize),
            };
        }
        if points {
            self.buffers.push(buffer);
        }
        Ok(())
    }

    /// Appends values of another set by position.
    pub fn gather(&mut self, other: &Views, codes: &[u32]) {
        let base = (self.buffers.len() as u128) << 64;
        self.views.extend(codes.iter().map(|c| {
            let view = other.views[*c as usize];
            if view as u32 <= 12 { view } else { view + base }
        }));
        self.buffers.extend(other.buffers.iter().cloned());
    }
}

/// As an array of strings or binaries.
pub(super) fn view_array(v: Views, nulls: Option<NullBuffer>, utf8: bool) -> ArrayRef {
    let views: ScalarBuffer<u128> = v.views.into();
    // SAFETY: views are made in `Views::plain` alone, from lengths and offsets within their page, of checked UTF-8 if the
    // column is of strings; `gather` and the spreading of NULLs copy them with their buffers (an all-zero view is "").
    unsafe {
        if utf8 {
            Arc::new(StringViewArray::new_unchecked(views, v.buffers, nulls))
        } else {
            Arc::new(BinaryViewArray::new_unchecked(views, v.buffers, nulls))
        }
    }
}
