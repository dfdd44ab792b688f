//! Validity that costs nothing until the first NULL.

use std::ops::Range;

use arrow::buffer::NullBuffer;

/// Validity of appended rows.
#[derive(Debug, Default)]
pub(super) struct Validity {
    /// Empty while no NULL came.
    valid: Vec<bool>,
}

impl Validity {
    /// Appends the validity of `rows`; `len` rows were appended before.
    pub(super) fn append(&mut self, nulls: Option<&NullBuffer>, rows: &[u32], len: usize) {
        match nulls {
            Some(nulls) if !self.valid.is_empty() || rows.iter().any(|r| nulls.is_null(*r as usize)) => {
                self.valid.resize(len, true);
                self.valid.extend(rows.iter().map(|r| nulls.is_valid(*r as usize)));
            }
            _ if self.valid.is_empty() => {}
            _ => self.valid.resize(len + rows.len(), true),
        }
    }

    /// Of some of the appended rows; none if all of them are valid.
    pub(super) fn of(&self, rows: Range<usize>) -> Option<&[bool]> {
        self.valid.get(rows).filter(|valid| valid.contains(&false))
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.valid.clear();
    }
}
