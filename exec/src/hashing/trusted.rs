//! Arrays over views that came from arrays: built without validating them again.
#![allow(unsafe_code)]

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, StringViewArray};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};

/// Strings or binary from the parts of a key column.
///
/// The views must point into `buffers` and, for text, hold UTF-8. [`super::key_column`] takes both from valid arrays of
/// the same type, and [`super::bytes_store`] rewrites only where bytes lie.
pub(super) fn view_array(
    views: ScalarBuffer<u128>,
    buffers: Arc<[Buffer]>,
    nulls: Option<NullBuffer>,
    text: bool,
) -> ArrayRef {
    if text {
        // SAFETY: see above; an all-zero view under a NULL is an empty string.
        Arc::new(unsafe { StringViewArray::new_unchecked(views, buffers, nulls) })
    } else {
        // SAFETY: see above.
        Arc::new(unsafe { BinaryViewArray::new_unchecked(views, buffers, nulls) })
    }
}
