//! Staging folders: how a write's is made, and what becomes of those whose writer died.
//!
//! A writer holds a lock on a file of its staging folder. Where the lock is free the writer is dead: with a manifest its
//! write has happened and is carried on, without one it has not and what it staged goes.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rsql_common::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{durable, in_file};

const STAGING: &str = "_temporary-";
const LEASE: &str = "lease";
const MANIFEST: &str = "manifest.json";

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
        let text = serde_json::to_vec(self).map_err(|e| Error::internal(format!("a manifest: {e}")))?;
        let unnamed = staging.join("manifest.tmp");
        fs::write(&unnamed, text).map_err(|e| in_file(e, &unnamed))?;
        if sync {
            durable::sync(&unnamed)?;
            durable::sync_folders([staging], table)?;
            durable::sync_name(table)?;
        }
        fs::rename(&unnamed, staging.join(MANIFEST)).map_err(|e| in_file(e, staging))?;
        if sync {
            durable::sync(staging)?;
        }
        Ok(())
    }

    fn load(staging: &Path) -> Result<Option<Self>> {
        let path = staging.join(MANIFEST);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|e| Error::io(format!("a damaged manifest: {e}")).in_file(path.display().to_string())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(in_file(e, &path)),
        }
    }

    /// Takes the commit back: nothing was placed, or everything was displaced.
    pub(super) fn forget(staging: &Path) {
        // It goes with the staging folder if not now.
        _ = fs::remove_file(staging.join(MANIFEST));
    }

    /// Moves the new files where they belong. May be repeated.
    pub(super) fn place(&self, table: &Path, staging: &Path) -> Result<()> {
        for (staged, folder) in &self.files {
            let (from, to) = (staging.join(staged), self.target(table, staged, folder));
            let into = table.join(folder);
            fs::create_dir_all(&into).map_err(|e| in_file(e, &into))?;
            match fs::rename(&from, &to) {
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

    /// Removes new files that were placed.
    pub(super) fn displace(&self, table: &Path) {
        for (staged, folder) in &self.files {
            // What was not placed is not there.
            _ = fs::remove_file(self.target(table, staged, folder));
            remove_empty(&table.join(folder), table);
        }
    }

    /// Removes what the new files replace. May be repeated.
    pub(super) fn clear(&self, table: &Path) -> Result<()> {
        let mut emptied = HashSet::new();
        for file in &self.replaced {
            let path = table.join(file);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(in_file(e, &path)),
                _ => emptied.extend(path.parent().map(Path::to_path_buf)),
            }
        }
        for folder in emptied {
            remove_empty(&folder, table);
        }
        if let Some(folder) = &self.pruned {
            prune(&table.join(folder));
        }
        Ok(())
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

/// Carries on the commits of writers that died, and removes what others of them staged.
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
            Err(_) if is_young(&staging) => continue,
            Err(_) => {
                remove(&staging);
                continue;
            }
        };
        match lease.try_lock() {
            Ok(()) => {
                if let Some(manifest) = Manifest::load(&staging)? {
                    manifest.place(table, &staging)?;
                    manifest.sync_placed(table)?;
                    manifest.clear(table)?;
                }
                remove(&staging);
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(e)) => return Err(in_file(e, &staging)),
        }
    }
    Ok(())
}

/// A folder that is not yet a minute old.
fn is_young(folder: &Path) -> bool {
    let modified = fs::metadata(folder).and_then(|m| m.modified());
    modified.is_ok_and(|t| t.elapsed().is_ok_and(|age| age.as_secs() < 60))
}

/// Removes a staging folder, even while a task that does not know yet still writes there.
pub(super) fn remove(staging: &Path) {
    for _ in 0..10 {
        match fs::remove_dir_all(staging) {
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
        _ = fs::remove_dir(entry.path());
    }
}

/// Removes `folder` and its parents up to the table's folder while they are empty.
fn remove_empty(folder: &Path, table: &Path) {
    let mut folder = Some(folder);
    while let Some(f) = folder.filter(|f| *f != table && f.starts_with(table)) {
        if fs::remove_dir(f).is_err() {
            return;
        }
        folder = f.parent();
    }
}
