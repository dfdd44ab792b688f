//! Rows cut by the hash of their keys into a fixed number of spill files.

use std::path::Path;

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::Chunk;

use super::{SpillFile, SpillWriter};
use crate::metrics::Usage;

/// Partitions that a spilling operator cuts its rows into.
pub(crate) const PARTITIONS: usize = 16;
const BITS: u32 = PARTITIONS.trailing_zeros();
/// A partition of this level is not cut any more: equal hashes stay together.
pub(crate) const LAST_LEVEL: u32 = 5;

/// The partition of a hash: by its top bits, which hash tables do not use for placing.
#[inline(always)]
pub(crate) fn partition_of(hash: u64) -> usize {
    partition_at(hash, 0)
}

/// The partition of a hash within its partition of the level above.
#[inline(always)]
pub(crate) fn partition_at(hash: u64, level: u32) -> usize {
    ((hash << (BITS * level)) >> (u64::BITS - BITS)) as usize
}

/// The files of one level; written by any number of workers.
pub(crate) struct Partitions {
    level: u32,
    /// None: taken.
    files: Vec<Mutex<Option<SpillWriter>>>,
}

impl Partitions {
    /// Files in `dir` for rows of these engine types.
    pub(crate) fn new(dir: &Path, types: &[DataType], level: u32, usage: &Usage) -> Self {
        Self {
            level,
            files: (0..PARTITIONS)
                .map(|_| Mutex::new(Some(SpillWriter::new(dir, types, usage))))
                .collect(),
        }
    }

    /// Writes each selected row of a chunk to the file of its partition; one hash a row.
    pub(crate) fn scatter(&self, chunk: &Chunk, hashes: &[u64]) -> Result<()> {
        let mut positions: Vec<Vec<u32>> = vec![Vec::new(); PARTITIONS];
        for (row, hash) in hashes.iter().enumerate() {
            positions[partition_at(*hash, self.level)].push(row as u32);
        }
        for (rows, file) in positions.into_iter().zip(&self.files) {
            if !rows.is_empty() {
                let mut part = chunk.clone();
                part.select(rows);
                match file.lock().as_mut() {
                    Some(writer) => writer.write(&part)?,
                    None => return Err(Error::internal("write to a finished spill file")),
                }
            }
        }
        Ok(())
    }

    /// Ends the file of a partition and takes it out.
    pub(crate) fn take(&self, partition: usize) -> Result<SpillFile> {
        match self.files[partition].lock().take() {
            Some(writer) => writer.finish(),
            None => Err(Error::internal("a spill file was taken twice")),
        }
    }
}
