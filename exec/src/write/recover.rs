//! Staging folders: how a write's is made, and what becomes of those whose writer died.
//!
//! A writer holds a lock on a file of its staging folder. Where the lock is free the writer is dead: with a manifest its
//! write has happened and is carried on, without one it has not and what it staged goes. A manifest changes its name as
//! the commit goes on another way:
//!
//! ```text
//!   manifest.json   new files may be staged or in place     -> place what is staged, remove what they replace
//!   placed.json     new files are in place for sure         -> remove what they replace
//!   revoked.json    new files may be in place, and must not -> remove them
//! ```

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rsql_common::{Error, ErrorKind as Kind, Result};
use serde::{Deserialize, Serialize};

use super::{disk, durable, in_file};

const STAGING: &str = "_temporary-";
const LEASE: &str = "lease";
const MANIFEST: &str = "manifest.json";
const PLACED: &str = "placed.json";
const REVOKED: &str = "revoked.json";

/// What a commit does.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// New files: where they are staged, and the folder they belong to.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// Files that go, below the table's folder.
    pub replaced: Vec<PathBuf>,
    /// Folder below which partition folders without files go.
    pub pruned: Option<PathBuf>,
}

impl Manifest {
    /// The commit point. If that is to outlive a power cut, all that was staged is on the disk before, but for the names of
    /// the attempts' folders.
    pub(super) fn save(&self, table: &Path, staging: &Path, sync: bool) -> Result<()> {
        self.save_as(MANIFEST, table, staging, sync)
    }

    /// Says that the new files must not be in place, where no manifest says that they must.
    pub(super) fn save_revoked(&self, table: &Path, staging: &Path, sync: bool) -> Result<()> {
        self.save_as(REVOKED, table, staging, sync)
    }

    fn save_as(&self, name: &str, table: &Path, staging: &Path, sync: bool) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|e| Error::internal(format!("a manifest: {e}")))?;
        let unnamed = staging.join("manifest.tmp");
        disk::write(&unnamed, &text).map_err(|e| in_file(e, &unnamed))?;
        if sync {
            durable::sync(&unnamed)?;
            durable::sync_folders([staging], table)?;
            durable::sync_name(table)?;
        }
        disk::rename(&unnamed, &staging.join(name)).map_err(|e| in_file(e, staging))?;
        if sync {
            durable::sync(staging)?;
        }
        Ok(())
    }

    fn load(staging: &Path, name: &str) -> Result<Option<Self>> {
        let path = staging.join(name);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|e| Error::io(format!("a damaged manifest: {e}")).in_file(path.display().to_string())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(in_file(e, &path)),
        }
    }

    /// Takes the commit back: from here on the new files must not be in place.
    pub(super) fn revoke(staging: &Path, sync: bool) -> Result<()> {
        disk::rename(&staging.join(MANIFEST), &staging.join(REVOKED)).map_err(|e| in_file(e, staging))?;
        if sync && let Err(e) = durable::sync(staging) {
            // It is revoked for everybody but who comes after a power cut.
            tracing::warn!(folder = %staging.display(), error = %e, "a revoked commit is not on the disk");
        }
        Ok(())
    }

    /// Says that only what the new files replace is left to do, so that nobody looks for the new ones: they may have been
    /// removed since.
    pub(super) fn mark_placed(staging: &Path) {
        // Without it they are looked for.
        _ = disk::rename(&staging.join(MANIFEST), &staging.join(PLACED));
    }

    /// Moves the new files where they belong. May be repeated.
    pub(super) fn place(&self, table: &Path, staging: &Path) -> Result<()> {
        for (staged, folder) in &self.files {
            let (from, to) = (staging.join(staged), self.target(table, staged, folder));
            let into = table.join(folder);
            disk::create_folders(&into).map_err(|e| in_file(e, &into))?;
            match disk::rename(&from, &to) {
                // It was moved before.
                Err(e) if e.kind() == ErrorKind::NotFound && to.exists() => {}
                moved => moved.map_err(|e| in_file(e, &from))?,
            }
        }
        Ok(())
    }

    /// Waits until the new files are on the disk where they belong.
    pub(super) fn sync_placed(&self, table: &Path) -> Result<()> {
        let folders: Vec<PathBuf> = self.files.iter().map(|(_, folder)| table.join(folder)).collect();
        durable::sync_folders(folders.iter().map(PathBuf::as_path), table)?;
        durable::sync_name(table)
    }

    /// Removes new files that were placed, as many as can be. May be repeated.
    pub(super) fn displace(&self, table: &Path) -> Result<()> {
        let mut outcome = Ok(());
        for (staged, folder) in &self.files {
            let path = self.target(table, staged, folder);
            outcome = outcome.and(remove_if_there(&path));
            remove_empty(&table.join(folder), table);
        }
        outcome
    }

    /// Removes what the new files replace, as much as can be. May be repeated.
    pub(super) fn clear(&self, table: &Path) -> Result<()> {
        let mut outcome = Ok(());
        let mut emptied = HashSet::new();
        for file in &self.replaced {
            let path = table.join(file);
            outcome = outcome.and(remove_if_there(&path));
            emptied.extend(path.parent().map(Path::to_path_buf));
        }
        for folder in emptied {
            remove_empty(&folder, table);
        }
        if let Some(folder) = &self.pruned {
            prune(&table.join(folder));
        }
        outcome
    }

    fn target(&self, table: &Path, staged: &Path, folder: &Path) -> PathBuf {
        table.join(folder).join(staged.file_name().unwrap_or_default())
    }
}

/// Makes a staging folder; gives its unique part and its locked lease as well.
pub(super) fn stage(table: &Path) -> Result<(PathBuf, String, File)> {
    let dir = tempfile::Builder::new()
        .prefix(STAGING)
        .tempdir_in(table)
        .map_err(|e| in_file(e, table))?
        .keep();
    let name = dir
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let unique = name.strip_prefix(STAGING).unwrap_or_default().to_string();
    // The lease is locked before it has its name: nobody finds it free.
    let unnamed = dir.join("lease.tmp");
    let lease = File::create(&unnamed).map_err(|e| in_file(e, &unnamed))?;
    lease.lock().map_err(|e| in_file(e, &unnamed))?;
    fs::rename(&unnamed, dir.join(LEASE)).map_err(|e| in_file(e, &dir))?;
    Ok((dir, unique, lease))
}

/// Carries on the commits of writers that died or could not finish, undoes those that were revoked, and removes what
/// others staged.
pub(super) fn settle_dead_writes(table: &Path) -> Result<()> {
    for entry in fs::read_dir(table).map_err(|e| in_file(e, table))? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(STAGING) {
            continue;
        }
        let staging = entry.path();
        let lease = match File::open(staging.join(LEASE)) {
            Ok(lease) => lease,
            // A writer that is just beginning, or died while it was.
            Err(e) if e.kind() == ErrorKind::NotFound => {
                if !is_young(&staging) {
                    remove(&staging);
                }
                continue;
            }
            Err(e) => return Err(blocked(table, &in_file(e, &staging))),
        };
        match lease.try_lock() {
            Ok(()) => settle(table, &staging).map_err(|e| blocked(table, &e))?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(in_file(e, &staging)),
        }
    }
    Ok(())
}

/// Ends the write of one that is dead.
fn settle(table: &Path, staging: &Path) -> Result<()> {
    if let Some(manifest) = Manifest::load(staging, REVOKED)? {
        manifest.displace(table)?;
    } else if let Some(manifest) = Manifest::load(staging, PLACED)? {
        manifest.clear(table)?;
    } else if let Some(manifest) = Manifest::load(staging, MANIFEST)? {
        manifest.place(table, staging)?;
        manifest.sync_placed(table)?;
        if let Err(e) = manifest.clear(table) {
            Manifest::mark_placed(staging);
            return Err(e);
        }
    }
    remove(staging);
    Ok(())
}

/// Until an earlier write is at its end no other one may begin: it would not know which files are the table's.
fn blocked(table: &Path, why: &Error) -> Error {
    Error::new(Kind::Io, "WRITE_BLOCKED")
        .param("table", table.display().to_string())
        .param("reason", why.to_string())
}

fn remove_if_there(path: &Path) -> Result<()> {
    match disk::remove_file(path) {
        // Where a folder of its path is a file there is nothing either.
        Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Err(in_file(e, path)),
        _ => Ok(()),
    }
}

/// A folder that is not yet a minute old.
fn is_young(folder: &Path) -> bool {
    let modified = fs::metadata(folder).and_then(|m| m.modified());
    modified.is_ok_and(|t| t.elapsed().is_ok_and(|age| age.as_secs() < 60))
}

/// Removes a staging folder, even while a task that does not know yet still writes there.
pub(super) fn remove(staging: &Path) {
    for _ in 0..10 {
        match disk::remove_tree(staging) {
            Err(e) if e.kind() == ErrorKind::DirectoryNotEmpty => {}
            Err(e) if e.kind() != ErrorKind::NotFound => {
                tracing::warn!(folder = %staging.display(), error = %e, "staged files stay behind");
                return;
            }
            _ => return,
        }
    }
}

/// Removes the partition folders below `folder` that hold nothing.
fn prune(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().contains('=')) {
        prune(&entry.path());
        // Fails for what is not empty, which stays.
        _ = disk::remove_folder(&entry.path());
    }
}

/// Removes `folder` and its parents up to the table's folder while they are empty.
fn remove_empty(folder: &Path, table: &Path) {
    let mut folder = Some(folder);
    while let Some(f) = folder.filter(|f| *f != table && f.starts_with(table)) {
        if disk::remove_folder(f).is_err() {
            return;
        }
        folder = f.parent();
    }
}
