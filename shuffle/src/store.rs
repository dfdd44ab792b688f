//! The folder in which a process keeps its shuffle outputs.
//!
//! Each process has a folder of its own below the root and holds a lock on a file in it for as long as it lives. What
//! dead processes left behind is known by its free lock and is removed when the next store opens.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_common::{Error, OutputId, QueryId, Result, StageId};

use crate::format::{OutputFiles, TemporaryFiles, parse_index_name, parse_query_dir};
use crate::read::OpenOutputs;

const PROCESS_PREFIX: &str = "process-";
const LEASE: &str = "lease";

/// A process's shuffle outputs.
#[derive(Debug)]
pub struct ShuffleStore {
    dir: PathBuf,
    opened: Arc<OpenOutputs>,
    /// Locked while the store lives.
    _lease: File,
}

impl ShuffleStore {
    /// Opens a store of its own below `root`, after removing what dead processes left there.
    pub fn open(root: &Path) -> Result<Arc<Self>> {
        fs::create_dir_all(root).map_err(|e| io_error(&e, root))?;
        sweep(root)?;
        loop {
            let dir = root.join(format!("{PROCESS_PREFIX}{:016x}", rand::random::<u64>()));
            match fs::create_dir(&dir) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(io_error(&e, &dir)),
            }
            // The lease is locked before it has its name: a sweep never finds it free.
            let unnamed = dir.join("lease.tmp");
            let lease = File::create(&unnamed).map_err(|e| io_error(&e, &unnamed))?;
            lease.lock().map_err(|e| io_error(&e, &unnamed))?;
            fs::rename(&unnamed, dir.join(LEASE)).map_err(|e| io_error(&e, &dir))?;
            return Ok(Arc::new(Self {
                dir,
                opened: Arc::default(),
                _lease: lease,
            }));
        }
    }

    /// The process's own folder; what [`crate::OutputLocation::local_dir`] names.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Outputs that this process keeps open, of this store and of others. What is deleted here is closed.
    pub fn opened(&self) -> &Arc<OpenOutputs> {
        &self.opened
    }

    pub(crate) fn files(&self, id: OutputId) -> OutputFiles {
        OutputFiles::new(&self.dir, id)
    }

    /// Complete outputs, in order.
    pub fn outputs(&self) -> Result<Vec<OutputId>> {
        let mut found = Vec::new();
        for query in self.queries()? {
            found.extend(self.outputs_of(query)?);
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Queries that have a folder.
    pub fn queries(&self) -> Result<Vec<QueryId>> {
        Ok(names(&self.dir)?.iter().filter_map(|n| parse_query_dir(n)).collect())
    }

    fn outputs_of(&self, query: QueryId) -> Result<Vec<OutputId>> {
        let dir = self.dir.join(query.to_string());
        Ok(names(&dir)?.iter().filter_map(|n| parse_index_name(query, n)).collect())
    }

    /// Removes an output; it need not exist. What is still being written is its writer's affair.
    pub fn delete_output(&self, id: OutputId) -> Result<()> {
        let files = self.files(id);
        for path in [&files.index, &files.data] {
            remove(path)?;
        }
        self.opened.forget(id);
        Ok(())
    }

    /// Removes a stage's outputs.
    pub fn delete_stage(&self, query: QueryId, stage: StageId) -> Result<()> {
        for id in self.outputs_of(query)?.into_iter().filter(|id| id.stage == stage) {
            self.delete_output(id)?;
        }
        Ok(())
    }

    /// Removes all of a query. Its outputs in other stores are closed as well: their room on the disk is free only then.
    pub fn delete_query(&self, query: QueryId) -> Result<()> {
        let removed = remove_tree(&self.dir.join(query.to_string()));
        self.opened.forget_query(query);
        removed
    }
}

impl Drop for ShuffleStore {
    fn drop(&mut self) {
        if let Err(e) = remove_tree(&self.dir) {
            tracing::warn!("{e}");
        }
    }
}

/// Removes the folders whose process is gone.
fn sweep(root: &Path) -> Result<()> {
    for name in names(root)?.into_iter().filter(|n| n.starts_with(PROCESS_PREFIX)) {
        let dir = root.join(name);
        let lease = match File::open(dir.join(LEASE)) {
            Ok(lease) => lease,
            // A neighbour that is just opening, or died while it was.
            Err(_) if young(&dir) => continue,
            Err(_) => {
                remove_tree(&dir)?;
                continue;
            }
        };
        match lease.try_lock() {
            Ok(()) => remove_tree(&dir)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(io_error(&e, &dir)),
        }
    }
    Ok(())
}

/// A folder that is not yet a minute old.
fn young(dir: &Path) -> bool {
    let modified = fs::metadata(dir).and_then(|m| m.modified());
    modified.is_ok_and(|t| t.elapsed().is_ok_and(|age| age.as_secs() < 60))
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io_error(&e, dir)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(
            entry
                .map_err(|e| io_error(&e, dir))?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    Ok(names)
}

pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(io_error(&e, path)),
        _ => Ok(()),
    }
}

fn remove_tree(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(io_error(&e, dir)),
        _ => Ok(()),
    }
}

/// A failure of the file system; a full disk is a resource that ran out.
pub(crate) fn io_error(e: &std::io::Error, path: &Path) -> Error {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::disk_full(format!("no space left for shuffle files in {}: {e}", path.display()))
        }
        _ => Error::io(format!("shuffle file {}: {e}", path.display())),
    }
}

/// An output that is being written. What was not published goes with it; what is published, by whomever, stays.
pub(crate) struct Unfinished<'a> {
    files: &'a OutputFiles,
    /// Where to write.
    pub temporary: TemporaryFiles,
}

impl<'a> Unfinished<'a> {
    pub(crate) fn new(files: &'a OutputFiles) -> Self {
        Self {
            files,
            temporary: files.temporary(),
        }
    }

    /// Gives the files their names, the index last: with it the output is there. Over files of the same output nothing is lost:
    /// what one attempt wrote is the same everywhere.
    pub(crate) fn publish(self) -> Result<()> {
        let Self { files, temporary } = &self;
        fs::rename(&temporary.data, &files.data).map_err(|e| io_error(&e, &files.data))?;
        fs::rename(&temporary.index, &files.index).map_err(|e| io_error(&e, &files.index))
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        for path in [&self.temporary.index, &self.temporary.data] {
            if let Err(e) = remove(path) {
                tracing::warn!("{e}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_neighbours_files_stay_and_a_dead_ones_go() {
        let root = tempfile::tempdir().unwrap();
        let live = ShuffleStore::open(root.path()).unwrap();
        fs::create_dir(live.dir().join("q0000000000000001")).unwrap();
        // A dead process: its folder without a locked lease.
        let dead = root.path().join("process-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LEASE), "").unwrap();
        fs::create_dir(dead.join("q0000000000000001")).unwrap();
        let other = ShuffleStore::open(root.path()).unwrap();
        assert!(!dead.exists());
        assert_eq!(live.queries().unwrap(), [QueryId(1)]);
        let dirs = [live.dir().to_path_buf(), other.dir().to_path_buf()];
        drop((live, other));
        assert!(dirs.iter().all(|d| !d.exists()));
    }

    #[test]
    fn only_indexes_with_numbers_are_outputs() {
        let root = tempfile::tempdir().unwrap();
        let store = ShuffleStore::open(root.path()).unwrap();
        let dir = store.dir().join(QueryId(16).to_string());
        fs::create_dir(&dir).unwrap();
        for name in [
            "1-2-3.index",
            "1-2-3.data",
            "1-2.index",
            "1-2-3-4.index",
            "x-2-3.index",
            "4-5-6.index.tmp",
        ] {
            fs::write(dir.join(name), "").unwrap();
        }
        let id = OutputId {
            query: QueryId(16),
            stage: StageId(1),
            map: 2,
            attempt: 3,
        };
        assert_eq!(store.outputs().unwrap(), [id]);
        store.delete_stage(QueryId(16), StageId(1)).unwrap();
        assert!(store.outputs().unwrap().is_empty());
        store.delete_query(QueryId(16)).unwrap();
        assert!(store.queries().unwrap().is_empty());
    }
}
