//! Columns that the `parquet` crate's Arrow reader decodes: nested ones, and encodings that [`super`] has no decoder for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema};
use parquet::basic::Type as Physical;
use rsql_common::{Error, Result};
use rsql_expr::Vector;

use super::conform::{conform, reader_type};
use super::file::{File, StoredColumn};

/// The values of rows `start..start + rows` of a row group; of these only `selected`, if given.
pub(super) fn load(
    file: &File,
    row_group: usize,
    start: usize,
    rows: usize,
    column: &StoredColumn,
    selected: Option<&[u32]>,
) -> Result<Vector> {
    let array = read(file, row_group, start, rows, column).map_err(|e| e.in_file(&*file.path))?;
    if array.len() != rows {
        return Err(broken(file, format!("a column has {} of {rows} rows", array.len())));
    }
    let vector = Vector::Flat(conform(array, &column.file_type, &column.ty)?);
    match selected {
        Some(selected) => vector.take(selected),
        None => Ok(vector),
    }
}

/// An error about a damaged file.
pub(super) fn broken(file: &File, reason: impl Into<String>) -> Error {
    let reason = reason.into();
    Error::user("FAILED_READ_FILE.NO_HINT")
        .param("path", &*file.path)
        .with_message(format!("Encountered error while reading file {}: {reason}.", file.path))
}

fn read(file: &File, row_group: usize, start: usize, rows: usize, column: &StoredColumn) -> Result<ArrayRef> {
    let descr = file.footer.file_metadata().schema_descr();
    let mask = ProjectionMask::leaves(descr, column.leaves.clone());
    let default = parquet_to_arrow_schema(descr, None)?;
    let fields: Vec<Field> = default
        .fields()
        .iter()
        .zip(descr.root_schema().get_fields())
        .map(|(f, stored)| {
            // Legacy timestamps reach further than nanoseconds do.
            let legacy = stored.is_primitive() && stored.get_physical_type() == Physical::INT96;
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            let ty = if legacy { micros } else { reader_type(f.data_type()) };
            f.as_ref().clone().with_data_type(ty)
        })
        .collect();
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let hinted = plain.clone().with_schema(Arc::new(Schema::new(fields)));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(&file.footer), hinted)
        .or_else(|_| ArrowReaderMetadata::try_new(Arc::clone(&file.footer), plain))?;
    let selection = RowSelection::from(vec![RowSelector::skip(start), RowSelector::select(rows)]);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file.bytes.clone(), metadata)
        .with_row_groups(vec![row_group])
        .with_projection(mask)
        .with_batch_size(rows.max(1))
        .with_row_selection(selection)
        .build()?;
    let arrays = reader
        .map(|b| Ok(Arc::clone(b?.column(0))))
        .collect::<Result<Vec<ArrayRef>>>()?;
    let array = match arrays.as_slice() {
        [only] => Arc::clone(only),
        [] => return Err(Error::internal("a morsel without rows")),
        many => {
            let refs: Vec<&dyn Array> = many.iter().map(AsRef::as_ref).collect();
            arrow::compute::concat(&refs)?
        }
    };
    (0..column.depth).try_fold(array, |array, _| only_field(&array))
}

/// The field of a struct that was read for the sake of that field alone; it is NULL where the struct is. Of an array's
/// structs: the array of their fields.
fn only_field(array: &ArrayRef) -> Result<ArrayRef> {
    if let Some(list) = array.as_list_opt::<i32>() {
        let values = only_field(list.values())?;
        let field = Arc::new(Field::new("element", values.data_type().clone(), true));
        let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
        return Ok(Arc::new(ListArray::new(field, offsets, values, nulls)));
    }
    let parent = array
        .as_struct_opt()
        .filter(|s| s.num_columns() == 1)
        .ok_or_else(|| Error::internal("a nested column's parent is no struct of one field"))?;
    let child = parent.column(0);
    let Some(nulls) = NullBuffer::union(parent.nulls(), child.nulls()) else {
        return Ok(Arc::clone(child));
    };
    let data = child.to_data().into_builder().nulls(Some(nulls)).build()?;
    Ok(make_array(data))
}
