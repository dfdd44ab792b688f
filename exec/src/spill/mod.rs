//! Spill files: rows that do not fit into memory, as Arrow IPC blocks under LZ4 in an unnamed temporary file.
//!
//! The file has no name, so it is gone when its last handle is dropped, however the process ends. It is created with the
//! first block. Each block can be read by itself, by several workers at a time. Views are compacted before they are
//! written; dictionaries are decoded.

mod partitions;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

use crate::concat::{chunk_bytes, concat_chunks, tighten};
use crate::metrics::Usage;

pub(crate) use partitions::{LAST_LEVEL, PARTITIONS, Partitions, partition_of};

/// Small chunks are written together up to so many rows or bytes.
const BLOCK_ROWS: usize = 2048;
const BLOCK_BYTES: usize = 64 << 10;

/// A spill file being written.
pub(crate) struct SpillWriter {
    dir: PathBuf,
    types: Arc<[DataType]>,
    schema: SchemaRef,
    usage: Usage,
    open: Option<StreamWriter<Counted>>,
    /// Length of what stands before the first block.
    header: u64,
    blocks: Vec<Block>,
    /// Small dense chunks not written yet.
    held: Vec<Chunk>,
    held_rows: usize,
    held_bytes: usize,
    rows: usize,
}

/// A spill file to be read; clones read the same file.
#[derive(Debug, Clone)]
pub(crate) struct SpillFile(Arc<Written>);

#[derive(Debug)]
struct Written {
    /// None: no rows.
    file: Option<File>,
    header: Buffer,
    blocks: Vec<Block>,
    rows: usize,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    start: u64,
    end: u64,
}

/// A buffered file that knows how far it was written.
struct Counted {
    file: BufWriter<File>,
    at: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.at += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl SpillWriter {
    /// A file in `dir` for rows of these engine types. `usage` is told how many bytes are written.
    pub(crate) fn new(dir: &Path, types: &[DataType], usage: &Usage) -> Self {
        let fields: Vec<Field> = types
            .iter()
            .enumerate()
            .map(|(i, t)| Field::new(format!("c{i}"), t.clone(), true))
            .collect();
        Self {
            dir: dir.to_path_buf(),
            types: types.into(),
            schema: Arc::new(Schema::new(fields)),
            usage: usage.clone(),
            open: None,
            header: 0,
            blocks: Vec::new(),
            held: Vec::new(),
            held_rows: 0,
            held_bytes: 0,
            rows: 0,
        }
    }

    /// Appends the selected rows of a chunk; small chunks share a block.
    pub(crate) fn write(&mut self, chunk: &Chunk) -> Result<()> {
        let rows = chunk.rows();
        if rows == 0 {
            return Ok(());
        }
        if rows * 2 > BLOCK_ROWS {
            self.write_held()?;
            self.write_block(chunk)?;
            return Ok(());
        }
        let dense = tighten(chunk.clone())?;
        self.held_rows += rows;
        self.held_bytes += chunk_bytes(&dense);
        self.held.push(dense);
        if self.held_rows >= BLOCK_ROWS || self.held_bytes >= BLOCK_BYTES {
            self.write_held()?;
        }
        Ok(())
    }

    /// Appends rows; small batches share a block, large ones are cut.
    pub(crate) fn write_arrays(&mut self, arrays: Vec<ArrayRef>, rows: usize) -> Result<()> {
        let chunk = Chunk::new(arrays.into_iter().map(Vector::Flat).collect(), rows);
        let mut at = 0;
        while at < rows {
            let n = (rows - at).min(4 * BLOCK_ROWS);
            self.write(&chunk.slice(at, n))?;
            at += n;
        }
        Ok(())
    }

    /// Appends the selected rows of a chunk as a block of their own, and gives its number.
    pub(crate) fn write_block(&mut self, chunk: &Chunk) -> Result<usize> {
        self.write_held()?;
        let dense = chunk.compact()?;
        let arrays = dense.columns.iter().map(Vector::to_array).collect::<Result<Vec<_>>>()?;
        let arrays = arrays.into_iter().map(compact_views).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(dense.len));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        let writer = match &mut self.open {
            Some(writer) => writer,
            none => {
                let file = BufWriter::new(tempfile::tempfile_in(&self.dir).map_err(|e| spill_error(&e))?);
                let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
                let writer = StreamWriter::try_new_with_options(Counted { file, at: 0 }, &self.schema, options)?;
                self.header = writer.get_ref().at;
                none.insert(writer)
            }
        };
        let start = writer.get_ref().at;
        writer.write(&batch)?;
        let end = writer.get_ref().at;
        self.usage.spilled(end - start);
        self.rows += dense.len;
        self.blocks.push(Block { start, end });
        Ok(self.blocks.len() - 1)
    }

    fn write_held(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        (self.held_rows, self.held_bytes) = (0, 0);
        let all = concat_chunks(&held, &self.types)?;
        self.write_block(&all)?;
        Ok(())
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<SpillFile> {
        self.write_held()?;
        let (mut file, mut header) = (None, Vec::new());
        if let Some(mut writer) = self.open {
            writer.finish()?;
            let inner = writer.into_inner()?.file;
            let written = inner.into_inner().map_err(|e| spill_error(e.error()))?;
            header = vec![0; usize::try_from(self.header).unwrap_or(0)];
            written.read_exact_at(&mut header, 0).map_err(|e| spill_error(&e))?;
            file = Some(written);
        }
        Ok(SpillFile(Arc::new(Written {
            file,
            header: Buffer::from_vec(header),
            blocks: self.blocks,
            rows: self.rows,
        })))
    }
}

/// How an Arrow IPC stream ends.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

impl SpillFile {
    /// Rows in all.
    pub(crate) fn rows(&self) -> usize {
        self.0.rows
    }

    /// One block.
    pub(crate) fn block(&self, number: usize) -> Result<Chunk> {
        let written = &self.0;
        let (Some(file), Some(block)) = (&written.file, written.blocks.get(number)) else {
            return Err(Error::internal("a spill file has no such block"));
        };
        let length = usize::try_from(block.end - block.start).unwrap_or(0);
        // The decoder looks at a message's body only while bytes are left, and that of a block without columns is empty:
        // the mark of a stream's end follows each block.
        let mut bytes = vec![0; length + END.len()];
        file.read_exact_at(&mut bytes[..length], block.start)
            .map_err(|e| spill_error(&e))?;
        bytes[length..].copy_from_slice(&END);
        let mut decoder = StreamDecoder::new();
        decoder.decode(&mut written.header.clone())?;
        let batch = decoder.decode(&mut Buffer::from_vec(bytes))?;
        let batch = batch.ok_or_else(|| Error::io("spill file: a block is cut short"))?;
        Ok(Chunk::from_record_batch(&batch))
    }

    /// All blocks, in order.
    pub(crate) fn read(&self) -> SpillReader {
        SpillReader {
            file: self.clone(),
            next: 0,
        }
    }
}

/// The chunks of a spill file.
pub(crate) struct SpillReader {
    file: SpillFile,
    next: usize,
}

impl Iterator for SpillReader {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.file.0.blocks.len() {
            return None;
        }
        self.next += 1;
        Some(self.file.block(self.next - 1))
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
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match e.kind() {
        StorageFull | QuotaExceeded => Error::disk_full(format!("no space left for spill files: {e}")),
        _ => Error::io(format!("spill file: {e}")),
    }
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
        let mut writer = SpillWriter::new(dir.path(), &types, &Usage::default());
        let mut chunk = Chunk::new(columns.iter().cloned().map(Vector::Flat).collect(), 3);
        writer.write_block(&chunk).unwrap();
        chunk.select(vec![2]);
        // These two share a block.
        writer.write(&chunk).unwrap();
        writer.write(&chunk).unwrap();
        let file = writer.finish().unwrap();
        assert_eq!(file.rows(), 5);
        for _ in 0..2 {
            let read: Vec<Chunk> = file.read().collect::<Result<_>>().unwrap();
            assert_eq!(read.iter().map(|c| c.len).collect::<Vec<_>>(), [3, 2]);
            assert_eq!(&read[0].columns[1].to_array().unwrap(), &columns[1]);
            assert_eq!(
                &read[1].columns[0].to_array().unwrap().slice(1, 1),
                &columns[0].slice(2, 1)
            );
        }
        assert_eq!(file.block(1).unwrap().len, 2);
        assert!(file.block(2).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_without_rows_is_never_created() {
        let nowhere = Path::new("/nonexistent/folder");
        let file = SpillWriter::new(nowhere, &[DataType::Int32], &Usage::default())
            .finish()
            .unwrap();
        assert_eq!(file.read().count(), 0);
        let mut writer = SpillWriter::new(nowhere, &[DataType::Int32], &Usage::default());
        let rows = Chunk::new(vec![Vector::Flat(Arc::new(Int32Array::from(vec![1])))], 1);
        assert!(writer.write_block(&rows).is_err());
    }
}
