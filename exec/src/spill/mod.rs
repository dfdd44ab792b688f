//! Spill files: rows that do not fit into memory, as blocks of [encoded](crate::encoding) rows in an unnamed temporary file.
//!
//! The file has no name, so it is gone when its last handle is dropped, however the process ends. It is created with the
//! first block. Each block can be read by itself, by several workers at a time.

mod partitions;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

use crate::concat::{chunk_bytes, concat_chunks, tighten};
use crate::encoding::{Compression, RowsDecoder, RowsEncoder};
use crate::metrics::Usage;

pub(crate) use partitions::{LAST_LEVEL, PARTITIONS, Partitions, partition_of};

/// Small chunks are written together up to so many rows or bytes.
const BLOCK_ROWS: usize = 2048;
const BLOCK_BYTES: usize = 64 << 10;

/// Bytes are handed to the file in such amounts.
const WRITE_BYTES: usize = 256 << 10;

/// A spill file being written.
pub(crate) struct SpillWriter {
    dir: PathBuf,
    types: Arc<[DataType]>,
    usage: Usage,
    encoder: Option<RowsEncoder>,
    file: Option<File>,
    /// Encoded rows that are not in the file yet.
    unwritten: Vec<u8>,
    /// Bytes of the blocks.
    end: u64,
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
    decoder: RowsDecoder,
    blocks: Vec<Block>,
    rows: usize,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    start: u64,
    end: u64,
}

impl SpillWriter {
    /// A file in `dir` for rows of these engine types. `usage` is told how many bytes are written.
    pub(crate) fn new(dir: &Path, types: &[DataType], usage: &Usage) -> Self {
        Self {
            dir: dir.to_path_buf(),
            types: types.into(),
            usage: usage.clone(),
            encoder: None,
            file: None,
            unwritten: Vec::new(),
            end: 0,
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
        self.block(dense.len, |encoder, out| encoder.encode_chunk(&dense, out))
    }

    /// Appends a block of `rows` rows, which `encode` writes, and gives its number.
    pub(crate) fn block(
        &mut self,
        rows: usize,
        encode: impl FnOnce(&mut RowsEncoder, &mut Vec<u8>) -> Result<()>,
    ) -> Result<usize> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(RowsEncoder::new(self.types.len(), Compression::Lz4)?),
        };
        let before = self.unwritten.len();
        encode(encoder, &mut self.unwritten)?;
        let start = self.end;
        self.end += (self.unwritten.len() - before) as u64;
        self.usage.spilled(self.end - start);
        self.rows += rows;
        self.blocks.push(Block { start, end: self.end });
        if self.file.is_none() || self.unwritten.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(self.blocks.len() - 1)
    }

    fn flush(&mut self) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.dir).map_err(|e| spill_error(&e))?),
        };
        file.write_all(&self.unwritten).map_err(|e| spill_error(&e))?;
        self.unwritten.clear();
        Ok(())
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
        if !self.unwritten.is_empty() {
            self.flush()?;
        }
        Ok(SpillFile(Arc::new(Written {
            file: self.file,
            decoder: RowsDecoder::new(&self.types),
            blocks: self.blocks,
            rows: self.rows,
        })))
    }
}

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
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, block.start)
            .map_err(|e| spill_error(&e))?;
        written.decoder.decode(bytes.into())
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
