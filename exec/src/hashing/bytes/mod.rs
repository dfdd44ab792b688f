//! Strings and binary as 16-byte views, taken out of arrays and made arrays again without validating them a second time.
//!
//! What the views point into, and that it is UTF-8 where they stand for texts, is known of the arrays they came from.
//! So that it stays true, views and buffers are seen from outside and never set: a [`BytesColumn`] is made of an array, of
//! rows of another one, or by the [`BytesStore`] beside it, which copies strings and says where they lie now.

mod store;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};

use super::hash::hash_view;
pub(super) use store::BytesStore;

/// Strings or binary, dense.
#[derive(Debug, Clone)]
pub(crate) struct BytesColumn {
    /// Each lies within `buffers`, and holds UTF-8 if `text` is set; all zeros are "".
    views: ScalarBuffer<u128>,
    buffers: Arc<[Buffer]>,
    text: bool,
    hashes: Option<Vec<u64>>,
}

impl BytesColumn {
    /// The values of a string or binary array, "" where `nulls` says so.
    pub(super) fn from_array(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Self {
        let text = *array.data_type() == DataType::Utf8View;
        let array = match text {
            true => array.as_string_view().clone().to_binary_view(),
            false => array.as_binary_view().clone(),
        };
        let (views, buffers, _) = array.into_parts();
        let views = match nulls {
            None => views,
            Some(n) => views
                .iter()
                .zip(n.iter())
                .map(|(v, ok)| if ok { *v } else { 0 })
                .collect(),
        };
        Self {
            views,
            buffers,
            text,
            hashes: None,
        }
    }

    /// Arrow views.
    pub(crate) fn views(&self) -> &[u128] {
        &self.views
    }

    /// What long views point into.
    pub(crate) fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    /// Hashes, where they came cheaply from a dictionary.
    pub(super) fn hashes(&self) -> Option<&[u64]> {
        self.hashes.as_deref()
    }

    /// Computes the hashes, for whoever picks rows.
    pub(super) fn hash(&mut self) {
        self.hashes = Some(self.views.iter().map(|v| hash_view(*v, &self.buffers)).collect());
    }

    /// Rows by position, "" where one is not `valid`.
    #[inline]
    pub(super) fn pick(&self, rows: impl Iterator<Item = usize> + Clone, valid: Option<&NullBuffer>) -> Self {
        let hashes = self
            .hashes
            .as_ref()
            .map(|h| rows.clone().map(|r| h.get(r).copied().unwrap_or(0)).collect());
        let views = match valid {
            None => rows.map(|r| self.views[r]).collect(),
            Some(valid) => rows
                .zip(valid.iter())
                .map(|(r, ok)| if ok { self.views[r] } else { 0 })
                .collect(),
        };
        Self {
            views,
            buffers: Arc::clone(&self.buffers),
            text: self.text,
            hashes,
        }
    }

    /// As an array of strings or of binary; binary does not become strings.
    #[allow(unsafe_code, reason = "checking strings again would cost more than grouping them")]
    pub(super) fn to_array(&self, nulls: Option<NullBuffer>, text: bool) -> Result<ArrayRef> {
        if text && !self.text || nulls.as_ref().is_some_and(|n| n.len() != self.views.len()) {
            return Err(Error::internal("keys of another type or number than their column"));
        }
        let (views, buffers) = (self.views.clone(), Arc::clone(&self.buffers));
        Ok(if text {
            // SAFETY: views lie within their buffers and hold UTF-8, see `BytesColumn::views`; NULLs are as many.
            Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
        } else {
            // SAFETY: views lie within their buffers; NULLs are as many.
            Arc::new(unsafe { BinaryViewArray::new_unchecked(views, buffers, nulls) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(array: ArrayRef) -> BytesColumn {
        let nulls = array.logical_nulls();
        BytesColumn::from_array(&array, nulls.as_ref())
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let long = "a text of more than twelve bytes";
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![Some("é"), None, Some(long)]));
        let strings = column(Arc::clone(&array));
        assert_eq!(&strings.to_array(array.nulls().cloned(), true).unwrap(), &array);
        let picked = strings.pick([2, 1, 2].into_iter(), None).to_array(None, true).unwrap();
        assert_eq!(
            picked.as_string_view().iter().flatten().collect::<Vec<_>>(),
            [long, "", long]
        );
        let valid = NullBuffer::from(vec![true, false]);
        let picked = strings
            .pick([2, 2].into_iter(), Some(&valid))
            .to_array(None, true)
            .unwrap();
        assert_eq!(picked.as_string_view().iter().flatten().collect::<Vec<_>>(), [long, ""]);
    }

    #[test]
    fn binary_does_not_become_text() {
        let binary = column(Arc::new(BinaryViewArray::from(vec![&[0xff_u8][..]])));
        assert!(binary.to_array(None, true).is_err());
        assert!(binary.to_array(None, false).is_ok());
        let mut store = BytesStore::default();
        store.append(&binary, &[0]);
        assert!(store.column().to_array(None, true).is_err());
    }

    #[test]
    fn nulls_are_as_many_as_values() {
        let strings = column(Arc::new(StringViewArray::from(vec!["a", "b"])));
        assert!(strings.to_array(Some(NullBuffer::new_null(3)), true).is_err());
    }
}
