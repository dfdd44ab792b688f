//! Getting a write onto the disk: what is said to be written is there after a power cut.
//!
//! ```text
//!   task       files, then the folders they lie in up to the staging folder
//!   committer  staging folder and the table's, the manifest, its name   <- the commit point holds from here on
//!              renames, then the folders that got files                  <- only now goes what they replace
//! ```
//!
//! A rename is as good as the folder that holds it, so folders are synced as well as files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use rsql_common::{Error, Result};

use super::{disk, in_file};

/// Files synced at the same time: the disk orders what waits for it.
const AT_ONCE: usize = 8;

/// Waits until a file's bytes, or a folder's names, are on the disk.
pub(super) fn sync(path: &Path) -> Result<()> {
    match disk::step(path).and_then(|()| File::open(path)?.sync_all()) {
        // Some file systems have no way to sync a folder, and no need to.
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced.map_err(|e| in_file(e, path)),
    }
}

/// The name of a table's folder, which may be new.
pub(super) fn sync_name(table: &Path) -> Result<()> {
    let Some(parent) = table.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return Ok(());
    };
    match File::open(parent) {
        // Who may not read it has made nothing there.
        Err(_) => Ok(()),
        Ok(_) => sync(parent),
    }
}

/// The same for many, in no order.
pub(super) fn sync_all<P: AsRef<Path> + Sync>(files: &[P]) -> Result<()> {
    let sync = |file: &P| sync(file.as_ref());
    if let [] | [_] = files {
        return files.iter().try_for_each(sync);
    }
    let share = files.len().div_ceil(AT_ONCE);
    std::thread::scope(|scope| {
        let shares = files.chunks(share);
        let threads: Vec<_> = shares
            .map(|files| scope.spawn(move || files.iter().try_for_each(sync)))
            .collect();
        threads.into_iter().try_for_each(|t| {
            t.join()
                .unwrap_or_else(|_| Err(Error::internal("a thread that syncs files failed")))
        })
    })
}

/// Folders and all above them up to `top`.
pub(super) fn sync_folders<'a>(folders: impl IntoIterator<Item = &'a Path>, top: &Path) -> Result<()> {
    let folders = folders.into_iter().flat_map(Path::ancestors);
    let folders: BTreeSet<&Path> = folders.filter(|f| f.starts_with(top)).collect();
    sync_all(&folders.into_iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn files_and_folders_that_are_there_are_synced_and_others_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        let files: Vec<PathBuf> = (0..20).map(|i| below.join(format!("f{i}"))).collect();
        files.iter().for_each(|f| std::fs::write(f, "x").unwrap());
        sync_all(&files).unwrap();
        sync_folders([below.as_path()], dir.path()).unwrap();
        std::fs::remove_file(&files[7]).unwrap();
        let e = sync_all(&files).unwrap_err();
        assert!(e.to_string().contains("f7"), "{e}");
        assert!(sync_folders([below.join("c").as_path()], dir.path()).is_err());
    }
}
