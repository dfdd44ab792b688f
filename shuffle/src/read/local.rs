//! Partitions read from files, for readers of the same host and for the fetch service.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rsql_common::{FetchReason, OutputId};

use crate::format::{DATA_HEADER, Index, OutputFiles, read_data_header};
use crate::output::PartitionFigures;

/// A partition of an output, open for reading.
#[derive(Debug)]
pub(crate) struct OpenPartition {
    file: File,
    path: PathBuf,
    /// Where it begins.
    start: u64,
    /// What the index says.
    pub figures: PartitionFigures,
    /// Hash of the columns' types.
    pub schema: u64,
}

/// What went wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadFailure {
    pub reason: FetchReason,
    pub why: String,
}

impl ReadFailure {
    pub(crate) fn new(reason: FetchReason, why: impl Into<String>) -> Self {
        Self {
            reason,
            why: why.into(),
        }
    }

    fn io(e: &std::io::Error, path: &Path) -> Self {
        let reason = match e.kind() {
            ErrorKind::NotFound => FetchReason::NotFound,
            // Shorter than its index says, or the disk does not give the bytes back.
            _ => FetchReason::Corrupt,
        };
        Self::new(reason, format!("{}: {e}", path.display()))
    }
}

/// Opens a partition of the output `id`, which must carry `tag`, in the store at `dir`.
pub(crate) fn open_partition(dir: &Path, id: OutputId, tag: u64, partition: u32) -> Result<OpenPartition, ReadFailure> {
    let files = OutputFiles::new(dir, id);
    let bytes = fs::read(&files.index).map_err(|e| ReadFailure::io(&e, &files.index))?;
    let corrupt =
        |what: &str, path: &Path| ReadFailure::new(FetchReason::Corrupt, format!("{}: {what}", path.display()));
    let index =
        Index::from_bytes(&bytes).ok_or_else(|| corrupt("the index does not match its checksum", &files.index))?;
    if (index.id, index.tag) != (id, tag) {
        return Err(corrupt("the index is of another output", &files.index));
    }
    let figures = *index
        .partitions
        .get(partition as usize)
        .ok_or_else(|| corrupt("the index has no such partition", &files.index))?;
    let file = File::open(&files.data).map_err(|e| ReadFailure::io(&e, &files.data))?;
    let mut header = [0u8; DATA_HEADER];
    file.read_exact_at(&mut header, 0)
        .map_err(|e| ReadFailure::io(&e, &files.data))?;
    if read_data_header(&header) != Some((id, tag)) {
        return Err(corrupt("the data file is of another output", &files.data));
    }
    Ok(OpenPartition {
        file,
        start: index.offset(partition as usize),
        figures,
        schema: index.schema,
        path: files.data,
    })
}

impl OpenPartition {
    /// At most `len` bytes from `offset` of the partition on; none at its end.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Bytes, ReadFailure> {
        let len = self.figures.bytes.saturating_sub(offset).min(len as u64);
        let failed = |e: std::io::Error| ReadFailure::io(&e, &self.path);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.start + offset)).map_err(failed)?;
        // Unlike `read_exact` this writes no zeros first.
        let mut out = Vec::with_capacity(len as usize);
        file.take(len).read_to_end(&mut out).map_err(failed)?;
        if (out.len() as u64) < len {
            return Err(failed(ErrorKind::UnexpectedEof.into()));
        }
        Ok(out.into())
    }
}
