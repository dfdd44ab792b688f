//! Owned strings as views into own blocks.

use std::sync::Arc;

use arrow::buffer::Buffer;

use super::super::NONE;
use super::super::hash::long_view_bytes;
use super::BytesColumn;

const FIRST_BLOCK: usize = 16 << 10;
const LARGEST_BLOCK: usize = 4 << 20;

/// Growing column of strings.
#[derive(Debug, Default)]
pub(in crate::hashing) struct BytesStore {
    views: Vec<u128>,
    full: Vec<Buffer>,
    block: Vec<u8>,
    bytes: usize,
    /// Some column that was appended was not of texts.
    binary: bool,
}

impl BytesStore {
    /// Appends rows of a column, copying long strings into the store.
    pub(in crate::hashing) fn append(&mut self, column: &BytesColumn, rows: &[u32]) {
        self.binary |= !column.text;
        self.views.reserve(rows.len());
        for row in rows {
            let view = column.views[*row as usize];
            let view = match view as u32 {
                0..=12 => view,
                _ => self.store(view, long_view_bytes(view, &column.buffers)),
            };
            self.views.push(view);
        }
    }

    fn store(&mut self, view: u128, bytes: &[u8]) -> u128 {
        if self.block.len() + bytes.len() > self.block.capacity() {
            let size = (self.bytes.clamp(FIRST_BLOCK, LARGEST_BLOCK)).max(bytes.len());
            let old = std::mem::replace(&mut self.block, Vec::with_capacity(size));
            if !old.is_empty() {
                self.full.push(Buffer::from_vec(old));
            }
        }
        let offset = self.block.len() as u128;
        self.block.extend_from_slice(bytes);
        self.bytes += bytes.len();
        (view & u128::from(u64::MAX)) | (self.full.len() as u128) << 64 | offset << 96
    }

    /// Strings held.
    pub(in crate::hashing) fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether a stored string equals a view.
    #[inline]
    pub(in crate::hashing) fn equals(&self, id: u32, view: u128, buffers: &[Buffer]) -> bool {
        debug_assert_ne!(id, NONE);
        let stored = self.views[id as usize];
        // Length and first four bytes (all bytes, for short strings).
        if stored as u64 != view as u64 {
            return false;
        }
        if view as u32 <= 12 {
            return stored == view;
        }
        let block = (stored >> 64) as u32 as usize;
        let offset = (stored >> 96) as u32 as usize;
        let bytes = self.full.get(block).map_or(self.block.as_slice(), Buffer::as_slice);
        bytes[offset..offset + view as u32 as usize] == *long_view_bytes(view, buffers)
    }

    /// All strings, as a column.
    pub(in crate::hashing) fn column(&self) -> BytesColumn {
        let mut buffers = self.full.clone();
        if !self.block.is_empty() {
            buffers.push(Buffer::from(self.block.as_slice()));
        }
        BytesColumn {
            views: self.views.clone().into(),
            buffers: Arc::from(buffers),
            text: !self.binary,
            hashes: None,
        }
    }

    /// Bytes held.
    pub(in crate::hashing) fn size(&self) -> usize {
        self.views.capacity() * 16 + self.bytes + (self.block.capacity() - self.block.len())
    }
}
