//! Spill files: rows that do not fit into memory, as an Arrow IPC stream under LZ4 in an unnamed temporary file.
//!
//! The file has no name, so it is gone when its handle is dropped, however the process ends. Views are compacted before
//! they are written; dictionaries are decoded.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

/// Partitions that a spilling operator cuts its rows into.
pub(crate) const PARTITIONS: usize = 16;

/// The partition of a hash: by its top bits, which hash tables do not use for placing.
#[inline(always)]
pub(crate) fn partition_of(hash: u64) -> usize {
    (hash >> 60) as usize
}

/// A spill file being written.
pub(crate) struct SpillWriter {
    schema: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
}

/// A spill file to be read.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: File,
}

impl SpillWriter {
    /// A file in `dir` for rows of these engine types.
    pub(crate) fn create(dir: &Path, types: &[DataType]) -> Result<Self> {
        let fields: Vec<Field> = types
            .iter()
            .enumerate()
            .map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let file = tempfile::tempfile_in(dir).map_err(|e| spill_error(&e))?;
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let writer = StreamWriter::try_new_with_options(BufWriter::new(file), &schema, options)?;
        Ok(Self { schema, writer })
    }

    /// Appends the selected rows of a chunk.
    pub(crate) fn write(&mut self, chunk: &Chunk) -> Result<()> {
        let dense = chunk.compact()?;
        let arrays = dense.columns.iter().map(Vector::to_array).collect::<Result<Vec<_>>>()?;
        self.write_arrays(arrays, dense.len)
    }

    /// Appends rows.
    pub(crate) fn write_arrays(&mut self, arrays: Vec<ArrayRef>, rows: usize) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let arrays = arrays.into_iter().map(compact_views).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        self.writer.write(&batch)?;
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<SpillFile> {
        self.writer.finish()?;
        let file = self
            .writer
            .into_inner()?
            .into_inner()
            .map_err(|e| spill_error(e.error()))?;
        Ok(SpillFile { file })
    }
}

impl SpillFile {
    /// Reads the file from its beginning.
    pub(crate) fn read(&self) -> Result<SpillReader> {
        let mut file = self.file.try_clone().map_err(|e| spill_error(&e))?;
        file.rewind().map_err(|e| spill_error(&e))?;
        Ok(SpillReader(StreamReader::try_new(BufReader::new(file), None)?))
    }
}

/// The chunks of a spill file.
pub(crate) struct SpillReader(StreamReader<BufReader<File>>);

impl Iterator for SpillReader {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        Some(batch.map(|b| Chunk::from_record_batch(&b)).map_err(Error::from))
    }
}

fn compact_views(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => array,
    }
}

fn spill_error(e: &std::io::Error) -> Error {
    Error::io(format!("spill file: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal64Array, Int32Array, StringViewArray};

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])),
            Arc::new(StringViewArray::from(vec![
                Some("a"),
                Some("longer than twelve bytes"),
                None,
            ])),
            Arc::new(Decimal64Array::from(vec![1, 2, 3])),
        ];
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let mut writer = SpillWriter::create(dir.path(), &types).unwrap();
        let mut chunk = Chunk::new(columns.iter().cloned().map(Vector::Flat).collect(), 3);
        writer.write(&chunk).unwrap();
        chunk.select(vec![2]);
        writer.write(&chunk).unwrap();
        let file = writer.finish().unwrap();
        for _ in 0..2 {
            let read: Vec<Chunk> = file.read().unwrap().collect::<Result<_>>().unwrap();
            assert_eq!(read.iter().map(|c| c.len).collect::<Vec<_>>(), [3, 1]);
            assert_eq!(&read[0].columns[1].to_array().unwrap(), &columns[1]);
            assert_eq!(&read[1].columns[0].to_array().unwrap(), &columns[0].slice(2, 1));
        }
    }
}
