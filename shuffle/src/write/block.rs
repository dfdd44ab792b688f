//! Encoded blocks between the worker that made them and the data file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_common::Result;

use crate::store::io_error;

/// A framed block.
pub(super) struct Block {
    pub partition: u32,
    /// Checksum of its payload.
    pub crc: u32,
    /// Sequence numbers of its rows, in the order they lie in.
    pub runs: Vec<Run>,
    pub place: Place,
}

/// Rows that came in one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub sequence: u64,
    pub rows: usize,
}

/// Where a frame is.
pub(super) enum Place {
    Memory(Vec<u8>),
    Spilled {
        file: Arc<RunFile>,
        offset: u64,
        len: usize,
    },
}

impl Block {
    /// Bytes held in memory.
    pub fn memory(&self) -> usize {
        match &self.place {
            Place::Memory(frame) => frame.len(),
            Place::Spilled { .. } => 0,
        }
    }

    /// First sequence number.
    pub fn first(&self) -> u64 {
        self.runs.first().map_or(0, |r| r.sequence)
    }

    /// Last sequence number.
    pub fn last(&self) -> u64 {
        self.runs.last().map_or(0, |r| r.sequence)
    }

    /// The frame.
    pub fn into_frame(self) -> Result<Vec<u8>> {
        match self.place {
            Place::Memory(frame) => Ok(frame),
            Place::Spilled { file, offset, len } => file.read(offset, len),
        }
    }
}

/// Appends rows of a sequence number.
pub(super) fn extend_runs(runs: &mut Vec<Run>, sequence: u64, rows: usize) {
    match runs.last_mut() {
        Some(last) if last.sequence == sequence => last.rows += rows,
        _ => runs.push(Run { sequence, rows }),
    }
}

/// An unnamed file of spilled blocks; gone when the last block that lies in it is.
pub(super) struct RunFile {
    file: File,
    dir: PathBuf,
}

impl RunFile {
    pub fn create(dir: &Path) -> Result<Arc<Self>> {
        let file = tempfile::tempfile_in(dir).map_err(|e| io_error(&e, dir))?;
        Ok(Arc::new(Self {
            file,
            dir: dir.to_path_buf(),
        }))
    }

    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(|e| io_error(&e, &self.dir))
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let mut out = vec![0; len];
        self.file
            .read_exact_at(&mut out, offset)
            .map_err(|e| io_error(&e, &self.dir))?;
        Ok(out)
    }
}
