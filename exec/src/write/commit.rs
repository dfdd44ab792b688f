//! The committer of a table's folder: a manifest decides, renames follow.
//!
//! The manifest names the files of the winners and those they replace. Once it lies in the staging folder the write has
//! happened: if this process dies while it renames, the next write to the table goes on where it stopped (`recover`). A
//! write of one file that replaces nothing needs no manifest, since one rename is all of it. What was announced outlives a
//! power cut (`durable`), unless the session does not want that.
//!
//! A commit that cannot be carried out is revoked first and undone then: from the revocation on the next write undoes it,
//! should this process not come to it. Once the new files are in place nothing is undone: what the write replaces and
//! cannot be removed stays visible, an error of its own says so (`Error::is_committed`), and the next write removes it.
//!
//! Readers that list the folder while files are renamed see some of them; plain folders have no better way.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rsql_common::{Error, ErrorKind, Result};

use super::recover::{self, Manifest};
use super::task::TaskWriter;
use super::{Committer, Overwrite, WriteSpec, WrittenFile, in_file, visible_files};
use crate::pipeline::TaskContext;

/// Commits a write to a table's folder. Dropping it before throws the write away.
pub struct FolderCommitter {
    spec: Arc<WriteSpec>,
    overwrite: Overwrite,
    cx: Arc<TaskContext>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// The lease is locked while the write is under way: what is staged without a locked lease belongs to nobody.
    Open {
        _lease: File,
    },
    Committed,
    /// Committed, and the rest is left to the next write.
    Unfinished(Error),
    Aborted,
}

impl fmt::Debug for FolderCommitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} write of {}", self.state.lock(), self.spec.folder.display())
    }
}

impl FolderCommitter {
    /// Begins a write: makes the folder if it is missing, ends what dead writers left there, makes the staging folder.
    /// `spec` says all but where that is and how files are named.
    pub fn begin(mut spec: WriteSpec, overwrite: Overwrite, cx: Arc<TaskContext>) -> Result<Self> {
        std::fs::create_dir_all(&spec.folder).map_err(|e| in_file(e, &spec.folder))?;
        recover::settle_dead_writes(&spec.folder)?;
        let (staging, unique, lease) = recover::stage(&spec.folder)?;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        spec.staging = staging;
        // Later statements' files sort behind earlier ones', so that rows are read in the order of the inserts.
        spec.stem = format!("part-{:016x}-{unique}", now.as_nanos());
        Ok(Self {
            spec: Arc::new(spec),
            overwrite,
            cx,
            state: Mutex::new(State::Open { _lease: lease }),
        })
    }

    /// What tasks have to know.
    pub fn spec(&self) -> &Arc<WriteSpec> {
        &self.spec
    }

    fn manifest(&self, files: &[WrittenFile]) -> Result<Manifest> {
        let replaced = match &self.overwrite {
            Overwrite::Nothing => Vec::new(),
            Overwrite::Below(folder) => visible_files(&self.spec.folder.join(folder))?,
            Overwrite::Written => {
                let mut folders: Vec<&Path> = files.iter().map(|f| f.folder.as_path()).collect();
                folders.sort_unstable();
                folders.dedup();
                let mut found = Vec::new();
                for folder in folders {
                    found.extend(visible_files(&self.spec.folder.join(folder))?);
                }
                found
            }
        };
        let relative = |p: PathBuf| p.strip_prefix(&self.spec.folder).map(Path::to_path_buf).unwrap_or(p);
        Ok(Manifest {
            files: files.iter().map(|f| (f.staged.clone(), f.folder.clone())).collect(),
            replaced: replaced.into_iter().map(relative).collect(),
            pruned: match &self.overwrite {
                Overwrite::Below(folder) if self.spec.n_partition_columns > 0 => Some(folder.clone()),
                _ => None,
            },
        })
    }
}

impl FolderCommitter {
    /// Undoes a commit that could not be carried out; how the write stands then, and what to tell.
    fn take_back(&self, manifest: &Manifest, at_once: bool, error: Error) -> (State, Error) {
        let (table, staging) = (&self.spec.folder, &self.spec.staging);
        let revoked = match at_once {
            // There is no manifest that anybody would carry on.
            true => manifest.save_revoked(table, staging, self.spec.sync),
            false => Manifest::revoke(staging, self.spec.sync),
        };
        match revoked {
            Err(e) if !at_once => {
                tracing::warn!(folder = %table.display(), error = %e, "a commit cannot be revoked");
                let error = unfinished("WRITE_UNFINISHED.PLACEMENT", table, &error);
                return (State::Unfinished(error.clone()), error);
            }
            Err(e) => tracing::warn!(folder = %table.display(), error = %e, "a commit cannot be revoked"),
            Ok(()) => {}
        }
        match manifest.displace(table) {
            Ok(()) => recover::remove(staging),
            Err(e) => tracing::warn!(folder = %table.display(), error = %e, "the next write undoes this one"),
        }
        (State::Aborted, error)
    }
}

/// A write that has happened and is not complete.
fn unfinished(condition: &'static str, table: &Path, why: &Error) -> Error {
    Error::new(ErrorKind::Io, condition)
        .param("table", table.display().to_string())
        .param("reason", why.to_string())
}

impl Committer for FolderCommitter {
    fn commit(&self, files: &[WrittenFile]) -> Result<()> {
        let mut state = self.state.lock();
        match &*state {
            State::Open { .. } => {}
            State::Committed => return Ok(()),
            State::Unfinished(e) => return Err(e.clone()),
            State::Aborted => {
                return Err(Error::new(ErrorKind::Killed, "OPERATION_CANCELED")
                    .with_message("The write was given up before it was complete."));
            }
        }
        let empty;
        let files = if files.is_empty() && self.spec.n_partition_columns == 0 && self.spec.buckets.is_none() {
            empty = TaskWriter::new(&self.spec, 0, u32::MAX, &self.cx)?.empty_file()?;
            &empty[..]
        } else {
            files
        };
        let (table, staging) = (&self.spec.folder, &self.spec.staging);
        let manifest = self.manifest(files)?;
        let at_once = manifest.files.len() <= 1 && manifest.replaced.is_empty();
        if !at_once {
            manifest.save(table, staging, self.spec.sync)?;
        }
        let placed = manifest.place(table, staging).and_then(|()| match self.spec.sync {
            true => manifest.sync_placed(table),
            false => Ok(()),
        });
        if let Err(e) = placed {
            let (next, error) = self.take_back(&manifest, at_once, e);
            *state = next;
            return Err(error);
        }
        match manifest.clear(table) {
            Ok(()) => {
                recover::remove(staging);
                *state = State::Committed;
                Ok(())
            }
            Err(e) => {
                Manifest::mark_placed(staging);
                let error = unfinished("WRITE_UNFINISHED.CLEANUP", table, &e);
                *state = State::Unfinished(error.clone());
                Err(error)
            }
        }
    }

    fn abort(&self) {
        let mut state = self.state.lock();
        if matches!(*state, State::Open { .. }) {
            recover::remove(&self.spec.staging);
            *state = State::Aborted;
        }
    }
}

impl Drop for FolderCommitter {
    fn drop(&mut self) {
        self.abort();
    }
}
