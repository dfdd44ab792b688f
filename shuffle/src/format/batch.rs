//! Rows to block payloads and back: one Arrow IPC record batch message each.
//!
//! Strings and binaries are stored as offsets and bytes, which is smaller than views; they become views again when they
//! are read, over the bytes as they came. Nested types are converted likewise all the way down, which also leaves behind
//! what their children hold beyond the rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::read_record_batch;
use arrow::ipc::root_as_message;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use bytes::Bytes;
use rsql_common::Result;
use rsql_expr::{Chunk, Vector};
use serde::{Deserialize, Serialize};

use super::header::take_u32;
use crate::hash::hash_bytes;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast.
    #[default]
    Lz4,
    /// Smaller.
    Zstd,
}

/// The type that values of an engine type are stored as.
pub(crate) fn stored_type(ty: &DataType) -> DataType {
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

fn stored_schema(types: &[DataType]) -> SchemaRef {
    Arc::new(Schema::new(
        types
            .iter()
            .enumerate()
            .map(|(i, t)| Field::new(format!("c{i}"), stored_type(t), true))
            .collect::<Vec<_>>(),
    ))
}

/// Identifies the columns' types.
pub(crate) fn schema_hash(types: &[DataType]) -> u64 {
    let text: Vec<String> = types.iter().map(|t| stored_type(t).to_string()).collect();
    hash_bytes(text.join(";").as_bytes())
}

/// Encodes rows.
pub(crate) struct BatchEncoder {
    schema: SchemaRef,
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl BatchEncoder {
    pub(crate) fn new(types: &[DataType], compression: Compression) -> Result<Self> {
        let compression = match compression {
            Compression::None => None,
            Compression::Lz4 => Some(CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(CompressionType::ZSTD),
        };
        Ok(Self {
            schema: stored_schema(types),
            options: IpcWriteOptions::default().try_with_compression(compression)?,
            context: IpcWriteContext::default(),
        })
    }

    /// The payload of columns of stored types.
    pub(crate) fn encode(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<Vec<u8>> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        let (_, encoded) = IpcDataGenerator::default().encode(
            &batch,
            &mut DictionaryTracker::new(false),
            &self.options,
            &mut self.context,
        )?;
        let mut out = Vec::with_capacity(8 + encoded.ipc_message.len() + encoded.arrow_data.len());
        out.extend_from_slice(&(rows as u32).to_le_bytes());
        out.extend_from_slice(&(encoded.ipc_message.len() as u32).to_le_bytes());
        out.extend_from_slice(&encoded.ipc_message);
        out.extend_from_slice(&encoded.arrow_data);
        Ok(out)
    }
}

/// An array as it is stored.
pub(crate) fn to_stored(array: &ArrayRef) -> Result<ArrayRef> {
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

/// Decodes payloads.
#[derive(Debug, Clone)]
pub(crate) struct BatchDecoder {
    schema: SchemaRef,
    types: Arc<[DataType]>,
}

impl BatchDecoder {
    pub(crate) fn new(types: &[DataType]) -> Self {
        Self {
            schema: stored_schema(types),
            types: types.into(),
        }
    }

    /// The rows of a payload.
    pub(crate) fn decode(&self, payload: Bytes) -> Result<Chunk> {
        let damaged = || rsql_common::Error::io("a shuffle block is not a record batch");
        let mut head: &[u8] = &payload;
        let rows = take_u32(&mut head).ok_or_else(damaged)? as usize;
        let message_len = take_u32(&mut head).ok_or_else(damaged)? as usize;
        let message = head.get(..message_len).ok_or_else(damaged)?;
        let message = root_as_message(message).map_err(|_| damaged())?;
        let batch = message.header_as_record_batch().ok_or_else(damaged)?;
        let body = Buffer::from(payload.slice(8 + message_len..));
        let batch = read_record_batch(
            &body,
            batch,
            Arc::clone(&self.schema),
            &HashMap::new(),
            None,
            &message.version(),
        )?;
        if batch.num_rows() != rows {
            return Err(damaged());
        }
        let columns = batch
            .columns()
            .iter()
            .zip(self.types.iter())
            .map(|(a, t)| Ok(Vector::Flat(to_engine(a, t)?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(Chunk::new(columns, rows))
    }
}

fn to_engine(array: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    Ok(match (array.data_type(), ty) {
        (DataType::Utf8, DataType::Utf8View) => Arc::new(StringViewArray::from(array.as_string::<i32>())),
        (DataType::Binary, DataType::BinaryView) => Arc::new(BinaryViewArray::from(array.as_binary::<i32>())),
        _ => convert(array, ty)?,
    })
}
