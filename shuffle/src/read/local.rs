//! Partitions read from files, for readers of the same host and for the fetch service.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rsql_common::{Error, FetchReason, OutputId};

use super::unit::{ReadUnit, StageRead};
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

/// Whose fault it is that an output could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The output's: it is lost, broken or out of reach.
    Output(FetchReason),
    /// Of the process that wanted to open it, which has no descriptors left or no permission: the output may be as good as ever,
    /// and must not be thrown away for it.
    Opener,
}

/// What went wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadFailure {
    pub fault: Fault,
    pub why: String,
}

impl ReadFailure {
    pub(crate) fn new(reason: FetchReason, why: impl Into<String>) -> Self {
        Self {
            fault: Fault::Output(reason),
            why: why.into(),
        }
    }

    fn io(e: &std::io::Error, path: &Path) -> Self {
        let fault = match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::StaleNetworkFileHandle => {
                Fault::Output(FetchReason::NotFound)
            }
            // Shorter than its index says.
            ErrorKind::UnexpectedEof => Fault::Output(FetchReason::Corrupt),
            _ if e.raw_os_error().is_some_and(|code| OF_THE_DISK.contains(&code)) => {
                Fault::Output(FetchReason::Corrupt)
            }
            _ => Fault::Opener,
        };
        Self {
            fault,
            why: format!("{}: {e}", path.display()),
        }
    }

    /// What the task that reads `unit` fails with.
    pub(crate) fn error(&self, read: &StageRead, unit: &ReadUnit) -> Error {
        match self.fault {
            Fault::Output(reason) => read.failed(unit, reason, &self.why),
            Fault::Opener => Error::io(self.why.as_str()),
        }
    }
}

/// The disk does not give the bytes back: an I/O error, a device that is gone, a checksum of the file system.
const OF_THE_DISK: [i32; 5] = [libc::EIO, libc::ENXIO, libc::ENODEV, libc::EBADMSG, libc::EUCLEAN];

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

#[cfg(test)]
mod tests {
    use std::io::Error as IoError;

    use rsql_common::{QueryId, StageId};

    use super::*;

    #[test]
    fn only_what_the_disk_did_is_held_against_the_output() {
        let fault = |code| ReadFailure::io(&IoError::from_raw_os_error(code), Path::new("f")).fault;
        for code in [libc::ENOENT, libc::ENOTDIR, libc::ESTALE] {
            assert_eq!(fault(code), Fault::Output(FetchReason::NotFound), "{code}");
        }
        for code in OF_THE_DISK {
            assert_eq!(fault(code), Fault::Output(FetchReason::Corrupt), "{code}");
        }
        for code in [libc::EACCES, libc::EPERM, libc::EMFILE, libc::ENFILE, libc::ENOMEM] {
            assert_eq!(fault(code), Fault::Opener, "{code}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_neither_missing_nor_corrupt() {
        let dir = tempfile::tempdir().unwrap();
        let id = OutputId {
            query: QueryId(1),
            stage: StageId(0),
            map: 0,
            attempt: 0,
        };
        let files = OutputFiles::new(dir.path(), id);
        let missing = open_partition(dir.path(), id, 0, 0).unwrap_err();
        assert_eq!(missing.fault, Fault::Output(FetchReason::NotFound));
        fs::create_dir_all(files.index.parent().unwrap()).unwrap();
        // A link to itself: no permission can be withheld from an almighty user.
        std::os::unix::fs::symlink(&files.index, &files.index).unwrap();
        let closed = open_partition(dir.path(), id, 0, 0).unwrap_err();
        assert_eq!(closed.fault, Fault::Opener, "{}", closed.why);
    }
}
