//! Columns of nested and rare types: an Arrow IPC record batch message of one column.
//!
//! Views in it are stored as offsets and bytes, all the way down, which also leaves behind what children hold beyond the rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use rsql_common::Result;

use super::compress::Compression;
use super::cursor::Cursor;

/// The type that values of an engine type are stored as.
pub fn stored_type(ty: &DataType) -> DataType {
    let field = |f: &Arc<Field>| Arc::new(f.as_ref().clone().with_data_type(stored_type(f.data_type())));
    match ty {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(f) => DataType::List(field(f)),
        DataType::Map(f, sorted) => DataType::Map(field(f), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other => other.clone(),
    }
}

/// An array as it is stored.
pub fn to_stored(array: &ArrayRef) -> Result<ArrayRef> {
    convert(array, &stored_type(array.data_type()))
}

fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    Ok(cast_with_options(array, to, &options)?)
}

fn schema(stored: &DataType) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("c", stored.clone(), true)]))
}

/// Writes arrays of stored types.
#[derive(Debug)]
pub(super) struct NestedEncoder {
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl NestedEncoder {
    pub(super) fn new(compression: Compression) -> Result<Self> {
        let compression = match compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        };
        Ok(Self {
            options: IpcWriteOptions::default().try_with_compression(compression)?,
            context: IpcWriteContext::default(),
        })
    }

    /// Appends a column.
    pub(super) fn put(&mut self, array: ArrayRef, out: &mut Vec<u8>) -> Result<()> {
        let options = RecordBatchOptions::new().with_row_count(Some(array.len()));
        let batch = RecordBatch::try_new_with_options(schema(array.data_type()), vec![array], &options)?;
        let (_, encoded) = IpcDataGenerator::default().encode(
            &batch,
            &mut DictionaryTracker::new(false),
            &self.options,
            &mut self.context,
        )?;
        for part in [&encoded.ipc_message, &encoded.arrow_data] {
            out.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        out.extend_from_slice(&encoded.ipc_message);
        out.extend_from_slice(&encoded.arrow_data);
        Ok(())
    }
}

/// The next `rows` values of an engine type; none if they are damaged.
pub(super) fn take_nested(from: &mut Cursor, ty: &DataType, rows: usize) -> Option<ArrayRef> {
    let (message, body) = (from.u32()? as usize, from.u32()? as usize);
    let (message, body) = (from.bytes(message)?, from.bytes(body)?);
    let message = root_as_message(&message).ok()?;
    let batch = read_record_batch(
        &Buffer::from(body),
        message.header_as_record_batch()?,
        schema(&stored_type(ty)),
        &HashMap::new(),
        None,
        &message.version(),
    );
    let batch = batch.ok().filter(|b| b.num_rows() == rows)?;
    convert(batch.columns().first()?, ty).ok()
}
