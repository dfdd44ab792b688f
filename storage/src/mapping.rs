//! Bytes of a file, mapped once and kept across queries.
//!
//! A page touched for the first time costs more than all work on it, so mappings stay while the file is unchanged. A
//! mapping shares its pages with the system's cache and counts towards no budget.
//!
//! A mapped file that somebody truncates while it is read ends the process with SIGBUS; the engine's own writers never
//! change a file in place, and neither do Spark's.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::Mmap;
use parking_lot::Mutex;
use rsql_common::{Error, Result};

use crate::FileKey;
use crate::listing::modified_nanos;

/// Most files kept mapped; beyond, all are let go (those in use stay until their readers are done).
const MAX_KEPT: usize = 4096;

static KEPT: Mutex<Option<HashMap<String, Kept>>> = Mutex::new(None);

struct Kept {
    key: FileKey,
    bytes: Bytes,
}

struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes of a file.
pub fn open(key: &FileKey) -> Result<Bytes> {
    let mut kept = KEPT.lock();
    let kept = kept.get_or_insert_default();
    if let Some(k) = kept.get(&key.path)
        && k.key == *key
    {
        return Ok(k.bytes.clone());
    }
    let bytes = map(key).map_err(|e| e.in_file(key.path.as_str()))?;
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    let entry = Kept {
        key: key.clone(),
        bytes: bytes.clone(),
    };
    kept.insert(key.path.clone(), entry);
    Ok(bytes)
}

fn map(key: &FileKey) -> Result<Bytes> {
    let file = File::open(&key.path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::user("FAILED_READ_FILE.FILE_NOT_EXIST").param("path", key.path.as_str()),
        _ => e.into(),
    })?;
    let metadata = file.metadata()?;
    if metadata.len() != key.size || modified_nanos(&metadata) != key.modified {
        return Err(Error::user("FAILED_READ_FILE.FILE_NOT_EXIST")
            .param("path", key.path.as_str())
            .with_message("The file has changed since it was listed."));
    }
    if key.size == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is read-only and private to readers; what happens when the file shrinks is said above.
    let mmap = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(Owner(Arc::new(mmap))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_notices_changes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        let metadata = std::fs::metadata(file.path()).unwrap();
        let mut key = FileKey {
            path: file.path().to_string_lossy().into_owned(),
            size: metadata.len(),
            modified: modified_nanos(&metadata),
        };
        assert_eq!(open(&key).unwrap().as_ref(), b"abc");
        key.size = 4;
        assert!(open(&key).is_err());
    }
}
