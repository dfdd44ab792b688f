//! Arrays, maps and structs: each part by its own cast.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use rsql_common::Result;

use super::{CastCx, dispatch, no_such_cast};
use crate::SqlType;
use crate::eval::{map_array, struct_array};

pub(super) fn cast(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    match (cx.from, cx.to) {
        (SqlType::Array(from), SqlType::Array(to)) => {
            let list = array.as_list::<i32>();
            let (range, offsets) = used(list.offsets());
            let items = list.values().slice(range.start, range.len());
            let items = part(&items, &from.element, &to.element, cx)?;
            let field = Arc::new(Field::new("item", to.element.arrow(), true));
            Ok(Arc::new(ListArray::try_new(
                field,
                offsets,
                items,
                list.nulls().cloned(),
            )?))
        }
        (SqlType::Map(from), SqlType::Map(to)) => {
            let map = array.as_map();
            let (range, offsets) = used(map.offsets());
            let keys = part(&map.keys().slice(range.start, range.len()), &from.key, &to.key, cx)?;
            let values = part(
                &map.values().slice(range.start, range.len()),
                &from.value,
                &to.value,
                cx,
            )?;
            map_array(
                to.key.arrow(),
                to.value.arrow(),
                offsets,
                keys,
                values,
                map.nulls().cloned(),
            )
        }
        (SqlType::Struct(from), SqlType::Struct(to)) if from.len() == to.len() => {
            let s = array.as_struct();
            let nulls = s.nulls().filter(|n| n.null_count() > 0);
            let columns = from
                .iter()
                .zip(to.iter())
                .zip(s.columns())
                .map(|((f, t), column)| match nulls {
                    // What lies under a NULL struct must raise nothing.
                    Some(n) => part(&hidden(column, n)?, &f.ty, &t.ty, cx),
                    None => part(column, &f.ty, &t.ty, cx),
                })
                .collect::<Result<Vec<_>>>()?;
            struct_array(cx.to, columns, s.nulls().cloned(), s.len())
        }
        _ => Err(no_such_cast(cx)),
    }
}

fn part(array: &ArrayRef, from: &SqlType, to: &SqlType, cx: &CastCx<'_>) -> Result<ArrayRef> {
    dispatch(array, &CastCx { from, to, ..*cx })
}

fn hidden(column: &ArrayRef, nulls: &NullBuffer) -> Result<ArrayRef> {
    if *column.data_type() == DataType::Null {
        return Ok(column.clone());
    }
    let null = BooleanArray::new(!nulls.inner(), None);
    Ok(arrow::compute::nullif(column, &null)?)
}

/// The items that offsets reach, and the offsets counted from there.
fn used(offsets: &OffsetBuffer<i32>) -> (std::ops::Range<usize>, OffsetBuffer<i32>) {
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    let range = first as usize..last as usize;
    if first == 0 {
        return (range, offsets.clone());
    }
    let moved: ScalarBuffer<i32> = offsets.iter().map(|o| o - first).collect();
    (range, OffsetBuffer::new(moved))
}
