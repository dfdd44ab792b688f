//! Values to text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use rsql_common::Result;

use super::CastCx;
use crate::format::{ColumnFormatter, Notation};

pub(super) fn cast(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    let formatter = ColumnFormatter::new(array, cx.from, Notation::Cast, cx.options)?;
    let nulls = array.logical_nulls();
    let mut out = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        if nulls.as_ref().is_some_and(|n| n.is_null(row)) {
            out.append_null();
        } else {
            text.clear();
            formatter.push(row, &mut text);
            out.append_value(&text);
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Bytes as UTF-8; what is none becomes the replacement character.
pub(super) fn from_binary(array: &ArrayRef) -> Result<ArrayRef> {
    let mut out = StringViewBuilder::with_capacity(array.len());
    for v in array.as_binary_view() {
        match v {
            Some(v) => out.append_value(String::from_utf8_lossy(v)),
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}
