//! Partitions read from files, for readers of the same host and for the fetch service.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rsql_common::{Error, FetchReason, OutputId};
use rustix::buffer::spare_capacity;
use rustix::io::{Errno, pread};

use super::unit::{ReadUnit, StageRead};
use crate::format::{DATA_HEADER, INDEX_ENTRY, INDEX_HEAD, IndexHead, OutputFiles, read_data_header};
use crate::output::PartitionFigures;

/// An output whose files are open.
#[derive(Debug)]
pub(super) struct OpenOutput {
    files: OutputFiles,
    head: IndexHead,
    entries: Entries,
    data: File,
}

/// The index behind its head.
#[derive(Debug)]
enum Entries {
    /// All of it, with the head.
    Loaded(Vec<u8>),
    /// To be read.
    File(File),
}

/// A partition of an output, open for reading.
#[derive(Debug)]
pub(crate) struct OpenPartition {
    output: Arc<OpenOutput>,
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

fn corrupt(what: &str, path: &Path) -> ReadFailure {
    ReadFailure::new(FetchReason::Corrupt, format!("{}: {what}", path.display()))
}

impl OpenOutput {
    /// Opens the output `id`, which must carry `tag`, in the store at `dir`. Its index is loaded if it has no more bytes than
    /// `load`.
    pub(super) fn open(dir: &Path, id: OutputId, tag: u64, load: u64) -> Result<Arc<Self>, ReadFailure> {
        let files = OutputFiles::new(dir, id);
        let in_index = |e: std::io::Error| ReadFailure::io(&e, &files.index);
        let in_data = |e: std::io::Error| ReadFailure::io(&e, &files.data);
        let index = File::open(&files.index).map_err(in_index)?;
        let mut bytes = vec![0; INDEX_HEAD];
        index.read_exact_at(&mut bytes, 0).map_err(in_index)?;
        let head = IndexHead::from_bytes(&bytes)
            .ok_or_else(|| corrupt("the index does not match its checksum", &files.index))?;
        if (head.id, head.tag) != (id, tag) {
            return Err(corrupt("the index is of another output", &files.index));
        }
        let data = File::open(&files.data).map_err(in_data)?;
        let mut header = [0u8; DATA_HEADER];
        data.read_exact_at(&mut header, 0).map_err(in_data)?;
        if read_data_header(&header) != Some((id, tag)) {
            return Err(corrupt("the data file is of another output", &files.data));
        }
        let entries = match head.index_bytes() {
            size if size <= load => {
                bytes.resize(size as usize, 0);
                index
                    .read_exact_at(&mut bytes[INDEX_HEAD..], INDEX_HEAD as u64)
                    .map_err(in_index)?;
                Entries::Loaded(bytes)
            }
            _ => Entries::File(index),
        };
        Ok(Arc::new(Self {
            files,
            head,
            entries,
            data,
        }))
    }

    /// Bytes of the index that are held; none if it is not loaded.
    pub(super) fn loaded(&self) -> Option<usize> {
        match &self.entries {
            Entries::Loaded(bytes) => Some(bytes.len()),
            Entries::File(_) => None,
        }
    }

    /// True if it is what [`Self::open`] would open.
    pub(super) fn is(&self, dir: &Path, id: OutputId, tag: u64) -> bool {
        let store = self.files.dir.parent();
        (self.head.id, self.head.tag) == (id, tag) && store.is_some_and(|d| d.as_os_str() == dir.as_os_str())
    }

    /// One of its partitions.
    pub(super) fn partition(self: &Arc<Self>, partition: u32) -> Result<OpenPartition, ReadFailure> {
        let path = &self.files.index;
        let place = self.head.place(partition);
        let place = place.ok_or_else(|| corrupt("the index has no such partition", path))?;
        let entry = match &self.entries {
            Entries::Loaded(bytes) => self
                .head
                .entry(partition, bytes.get(place as usize..).unwrap_or_default()),
            Entries::File(index) => {
                let mut bytes = [0; INDEX_ENTRY];
                index
                    .read_exact_at(&mut bytes, place)
                    .map_err(|e| ReadFailure::io(&e, path))?;
                self.head.entry(partition, &bytes)
            }
        };
        let entry = entry.ok_or_else(|| corrupt("the index does not match its checksum", path))?;
        Ok(OpenPartition {
            output: Arc::clone(self),
            start: entry.start,
            figures: entry.figures,
            schema: self.head.schema,
        })
    }
}

impl OpenPartition {
    /// At most `len` bytes from `offset` of the partition on; none at its end.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Bytes, ReadFailure> {
        let len = self.figures.bytes.saturating_sub(offset).min(len as u64) as usize;
        let failed = |e: std::io::Error| ReadFailure::io(&e, &self.output.files.data);
        // Unlike `read_exact_at` this writes no zeros first. It reads at a place, since others read the same file.
        let mut out = Vec::with_capacity(len);
        while out.len() < len {
            let at = self.start + offset + out.len() as u64;
            match pread(&self.output.data, spare_capacity(&mut out), at) {
                Ok(0) => return Err(failed(ErrorKind::UnexpectedEof.into())),
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(failed(e.into())),
            }
        }
        // The vector may have had more room than it was asked to have.
        out.truncate(len);
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
        let missing = OpenOutput::open(dir.path(), id, 0, 0).unwrap_err();
        assert_eq!(missing.fault, Fault::Output(FetchReason::NotFound));
        std::fs::create_dir_all(files.index.parent().unwrap()).unwrap();
        // A link to itself: no permission can be withheld from an almighty user.
        std::os::unix::fs::symlink(&files.index, &files.index).unwrap();
        let closed = OpenOutput::open(dir.path(), id, 0, 0).unwrap_err();
        assert_eq!(closed.fault, Fault::Opener, "{}", closed.why);
    }
}
