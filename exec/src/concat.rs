//! Joins vectors end to end, and measures and tightens what is kept.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::{Chunk, Codes, DictVector, Vector, with_codes};

/// One vector of all rows of `parts`. Codes are kept where all parts share a dictionary.
pub(crate) fn concat(parts: &[Vector], ty: &DataType) -> Result<Vector> {
    match parts {
        [] => return Ok(Vector::Flat(arrow::array::new_empty_array(ty))),
        [only] => return Ok(only.clone()),
        _ => {}
    }
    if let Some(v) = concat_codes(parts) {
        return Ok(v);
    }
    if let Some(v) = concat_constants(parts)? {
        return Ok(v);
    }
    let arrays = parts.iter().map(Vector::to_array).collect::<Result<Vec<ArrayRef>>>()?;
    let refs: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(Vector::Flat(arrow::compute::concat(&refs)?))
}

fn concat_constants(parts: &[Vector]) -> Result<Option<Vector>> {
    let Some(Vector::Constant { value: first, .. }) = parts.first() else {
        return Ok(None);
    };
    let mut rows = 0;
    for part in parts {
        match part {
            Vector::Constant { value, len } if Arc::ptr_eq(value, first) || value.to_data() == first.to_data() => {
                rows += len;
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(Vector::constant(Arc::clone(first), rows)))
}

fn concat_codes(parts: &[Vector]) -> Option<Vector> {
    let mut dicts = Vec::with_capacity(parts.len());
    for part in parts {
        let Vector::Dictionary(d) = part else { return None };
        dicts.push(d);
    }
    let first = dicts.first()?;
    if dicts.iter().any(|d| d.dict.id != first.dict.id) {
        return None;
    }
    let rows = dicts.iter().map(|d| d.codes.len()).sum();
    let width = dicts.iter().map(|d| d.codes.width()).max()?;
    macro_rules! gather {
        ($t:ty) => {{
            let mut out: Vec<$t> = Vec::with_capacity(rows);
            for d in &dicts {
                with_codes!(&d.codes, c => out.extend(c.iter().map(|x| *x as $t)));
            }
            Codes::from(out)
        }};
    }
    let codes = match width {
        1 => gather!(u8),
        2 => gather!(u16),
        _ => gather!(u32),
    };
    let validity = dicts.iter().any(|d| d.validity.is_some()).then(|| {
        let mut bits = arrow::array::BooleanBufferBuilder::new(rows);
        for d in &dicts {
            match &d.validity {
                Some(v) => bits.append_buffer(v.inner()),
                None => bits.append_n(d.codes.len(), true),
            }
        }
        NullBuffer::new(bits.finish())
    });
    Some(Vector::Dictionary(DictVector {
        codes,
        validity,
        dict: Arc::clone(&first.dict),
    }))
}

/// Concatenates the columns of dense chunks.
pub(crate) fn concat_chunks(chunks: &[Chunk], types: &[DataType]) -> Result<Chunk> {
    let len = chunks.iter().map(|c| c.len).sum();
    let columns = types
        .iter()
        .enumerate()
        .map(|(i, ty)| {
            let parts: Vec<Vector> = chunks.iter().map(|c| c.columns[i].clone()).collect();
            concat(&parts, ty)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Chunk::new(columns, len))
}

/// A dense chunk for keeping: views of strings are copied together when they would hold much larger buffers alive.
pub(crate) fn tighten(chunk: Chunk) -> Result<Chunk> {
    let mut chunk = if chunk.selection.is_some() {
        chunk.compact()?
    } else {
        chunk
    };
    for column in &mut chunk.columns {
        if let Vector::Flat(array) = column {
            let (held, used) = match array.data_type() {
                DataType::Utf8View => view_bytes(array.as_string_view().views(), array.as_string_view().data_buffers()),
                DataType::BinaryView => {
                    view_bytes(array.as_binary_view().views(), array.as_binary_view().data_buffers())
                }
                _ => continue,
            };
            if held > 4096 && held > 2 * used {
                *column = Vector::Flat(match array.data_type() {
                    DataType::Utf8View => Arc::new(array.as_string_view().gc()),
                    _ => Arc::new(array.as_binary_view().gc()),
                });
            }
        }
    }
    Ok(chunk)
}

fn view_bytes(views: &[u128], buffers: &[arrow::buffer::Buffer]) -> (usize, usize) {
    let held = buffers.iter().map(|b| b.capacity()).sum();
    if held == 0 {
        return (0, 0);
    }
    let used = views
        .iter()
        .map(|v| if *v as u32 > 12 { *v as u32 as usize } else { 0 })
        .sum();
    (held, used)
}

/// Bytes that the rows of a dense chunk take, shared buffers counted once by what is used of them.
pub(crate) fn chunk_bytes(chunk: &Chunk) -> usize {
    chunk.columns.iter().map(vector_bytes).sum()
}

fn vector_bytes(v: &Vector) -> usize {
    match v {
        Vector::Constant { .. } => 64,
        Vector::Dictionary(d) => d.codes.len() * d.codes.width(),
        Vector::Flat(a) => match a.data_type() {
            DataType::Utf8View => {
                16 * a.len() + view_bytes(a.as_string_view().views(), a.as_string_view().data_buffers()).1
            }
            DataType::BinaryView => {
                16 * a.len() + view_bytes(a.as_binary_view().views(), a.as_binary_view().data_buffers()).1
            }
            t => match t.primitive_width() {
                Some(w) => w * a.len(),
                None => a
                    .to_data()
                    .get_slice_memory_size()
                    .unwrap_or_else(|_| a.get_array_memory_size()),
            },
        },
    }
}
