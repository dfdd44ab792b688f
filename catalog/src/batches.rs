//! Batches of this process on their way to another one: an Arrow IPC stream, compressed.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::de::Visitor;
use serde::ser::Error as _;
use serde::{Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(batches: &Arc<Vec<RecordBatch>>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(&encode(batches).map_err(S::Error::custom)?)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Vec<RecordBatch>>, D::Error> {
    from.deserialize_bytes(Bytes)
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Arc<Vec<RecordBatch>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an Arrow IPC stream")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        decode(bytes).map(Arc::new).map_err(E::custom)
    }
}

fn encode(batches: &[RecordBatch]) -> Result<Vec<u8>, ArrowError> {
    // Without batches there is no schema either, and no bytes.
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &first.schema(), options)?;
    for batch in batches {
        let columns = batch.columns().iter().map(compact).collect();
        writer.write(&RecordBatch::try_new(batch.schema(), columns)?)?;
    }
    writer.into_inner()
}

fn decode(bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    StreamReader::try_new(bytes, None)?.collect()
}

/// Views carry whole buffers, however little of them they show.
fn compact(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => Arc::clone(array),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn batches_travel_without_what_they_do_not_show() {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let texts = (0..1000).map(|i| format!("a text that is longer than twelve bytes {i}"));
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
        let whole = RecordBatch::try_from_iter([("id", ids), ("text", texts)]).unwrap();
        let parts = [whole.slice(0, 10), whole.slice(500, 10)];
        let bytes = encode(&parts).unwrap();
        assert!(bytes.len() < 4000, "{}", bytes.len());
        assert_eq!(decode(&bytes).unwrap(), parts);
        assert!(decode(&encode(&[]).unwrap()).unwrap().is_empty());
    }
}
