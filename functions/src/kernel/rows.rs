//! Loops that build a result row by row.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryViewBuilder, BooleanBuilder, PrimitiveArray, PrimitiveBuilder,
    StringViewBuilder,
};
use arrow::datatypes::DataType;
use rsql_common::Result;

/// STRING rows: the closure writes the row's text into an empty buffer; `None` makes the row NULL.
pub(crate) fn text_rows(rows: usize, mut f: impl FnMut(usize, &mut String) -> Result<Option<()>>) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::with_capacity(rows);
    let mut text = String::new();
    for row in 0..rows {
        text.clear();
        match f(row, &mut text)? {
            Some(()) => builder.append_value(&text),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// STRING rows that are parts of text which exists already.
pub(crate) fn slice_rows<'a>(rows: usize, mut f: impl FnMut(usize) -> Result<Option<&'a str>>) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::with_capacity(rows);
    for row in 0..rows {
        builder.append_option(f(row)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// BINARY rows: the closure writes the row's bytes into an empty buffer; `None` makes the row NULL.
pub(crate) fn binary_rows(
    rows: usize,
    mut f: impl FnMut(usize, &mut Vec<u8>) -> Result<Option<()>>,
) -> Result<ArrayRef> {
    let mut builder = BinaryViewBuilder::with_capacity(rows);
    let mut bytes = Vec::new();
    for row in 0..rows {
        bytes.clear();
        match f(row, &mut bytes)? {
            Some(()) => builder.append_value(&bytes),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// BOOLEAN rows.
pub(crate) fn bool_rows(rows: usize, mut f: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
    let mut builder = BooleanBuilder::with_capacity(rows);
    for row in 0..rows {
        builder.append_option(f(row)?);
    }
    Ok(Arc::new(builder.finish()))
}

/// Rows of a primitive type; `ty` adds what the Rust type leaves open (precision, zone).
pub(crate) fn prim_rows<P: ArrowPrimitiveType>(
    rows: usize,
    ty: &DataType,
    mut f: impl FnMut(usize) -> Result<Option<P::Native>>,
) -> Result<ArrayRef> {
    let mut builder = PrimitiveBuilder::<P>::with_capacity(rows);
    for row in 0..rows {
        builder.append_option(f(row)?);
    }
    let array: PrimitiveArray<P> = builder.finish();
    Ok(Arc::new(array.with_data_type(ty.clone())))
}
