//! Arrays of any type whose values are plain numbers, as slices of those numbers.

use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use rsql_common::{Error, Result};

/// The values of `array`, which must lie in memory as `T`s; arbitrary where NULL.
pub(crate) fn native_values<T: ArrowNativeType>(array: &dyn Array) -> Result<ScalarBuffer<T>> {
    let data = array.to_data();
    let (true, Some(buffer)) = (
        array.data_type().primitive_width() == Some(size_of::<T>()),
        data.buffers().first(),
    ) else {
        return Err(Error::internal(format!(
            "{} is not of {} bytes",
            array.data_type(),
            size_of::<T>()
        )));
    };
    Ok(ScalarBuffer::new(buffer.clone(), data.offset(), data.len()))
}

/// An array of type `ty` of values that lie in memory as `T`s.
pub(crate) fn native_array<T: ArrowNativeType>(
    values: Vec<T>,
    nulls: Option<NullBuffer>,
    ty: &DataType,
) -> Result<ArrayRef> {
    let data = ArrayData::builder(ty.clone())
        .len(values.len())
        .nulls(nulls)
        .add_buffer(ScalarBuffer::from(values).into_inner())
        .build()?;
    Ok(make_array(data))
}
