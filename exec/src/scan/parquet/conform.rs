//! Arrays as the Parquet crate makes them, as the engine's types.

use arrow::array::{Array, ArrayRef};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field};
use rsql_common::Result;
use rsql_expr::{EvalMode, EvalOptions, Origin, SqlType, cast};
use std::sync::Arc;

/// `array` of a file's type as an array of the table's.
pub(super) fn conform(array: ArrayRef, file: &SqlType, table: &SqlType) -> Result<ArrayRef> {
    let array = convert(array, &file.arrow())?;
    if file == table || array.data_type() == &table.arrow() {
        return Ok(array);
    }
    if file.is_nested() || matches!((file, table), (SqlType::String, SqlType::Binary) | (SqlType::Binary, _)) {
        return convert(array, &table.arrow());
    }
    let options = EvalOptions::default();
    cast::cast_array(&array, file, table, EvalMode::Ansi, &options, Origin::default())
}

fn convert(array: ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    if array.data_type() == ty {
        return Ok(array);
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    Ok(cast_with_options(&array, ty, &options)?)
}

/// The type to ask the Parquet crate for instead of its default: views and small decimals.
pub(super) fn reader_type(default: &DataType) -> DataType {
    let field = |f: &Arc<Field>| Arc::new(f.as_ref().clone().with_data_type(reader_type(f.data_type())));
    match default {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::Decimal128(p, s) if *p <= 18 => DataType::Decimal64(*p, *s),
        DataType::List(f) => DataType::List(field(f)),
        DataType::Map(f, sorted) => DataType::Map(field(f), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}
