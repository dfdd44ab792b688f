//! Bytes of a file, mapped once and kept across queries.
//!
//! A page touched for the first time costs more than all work on it, so mappings stay while the file is unchanged. A
//! mapping shares its pages with the system's cache and counts towards no budget. A process that is to stay below a size all
//! the same says so ([`stay_below`]); when all its resident bytes are more ([`look`]), those of mappings are let go, which
//! leaves them in the system's cache. While memory is free they stay: touching them again costs a fault each.
//!
//! A mapped file that somebody truncates while it is read ends the process with SIGBUS; the engine's own writers never
//! change a file in place, and neither do Spark's.
#![allow(unsafe_code, reason = "a mapped file may change under its reader")]

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use memmap2::Mmap;
use parking_lot::Mutex;
use rsql_common::{Error, Result};

use crate::FileKey;
use crate::listing::modified_nanos;

/// Most files kept mapped; beyond, all are let go (those in use stay until their readers are done).
const MAX_KEPT: usize = 4096;

static KEPT: Mutex<Option<HashMap<String, Kept>>> = Mutex::new(None);

/// Resident bytes of the process above which mappings are let go.
static MOST: AtomicU64 = AtomicU64::new(u64::MAX);
/// Bytes read between two looks: each is resident at most once.
const LOOK_EVERY: u64 = 64 << 20;
/// Fewer resident bytes of files than these stay: the program itself is among them.
const WORTH_IT: u64 = 128 << 20;

/// Bytes read through mappings since it was last looked how many are resident.
static READ: AtomicU64 = AtomicU64::new(0);

struct Kept {
    key: FileKey,
    bytes: Bytes,
    /// None for an empty file.
    mapping: Option<Arc<Mmap>>,
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
    let mapping = map(key).map_err(|e| e.in_file(key.path.as_str()))?;
    let bytes = match &mapping {
        Some(mapping) => Bytes::from_owner(Owner(Arc::clone(mapping))),
        None => Bytes::new(),
    };
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    let entry = Kept {
        key: key.clone(),
        bytes: bytes.clone(),
        mapping,
    };
    kept.insert(key.path.clone(), entry);
    Ok(bytes)
}

fn map(key: &FileKey) -> Result<Option<Arc<Mmap>>> {
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
        return Ok(None);
    }
    // SAFETY: the mapping is read-only and private to readers; what happens when the file shrinks is said above.
    let mmap = unsafe { Mmap::map(&file)? };
    Ok(Some(Arc::new(mmap)))
}

/// Sets how many resident bytes the process is to stay below, as far as mappings decide it; at first there is no limit.
pub fn stay_below(bytes: u64) {
    MOST.store(bytes, Ordering::Relaxed);
}

/// Says that so many bytes were read through mappings, and looks from time to time.
pub fn was_read(bytes: u64) {
    if MOST.load(Ordering::Relaxed) != u64::MAX && READ.fetch_add(bytes, Ordering::Relaxed) + bytes > LOOK_EVERY {
        READ.store(0, Ordering::Relaxed);
        look();
    }
}

/// Lets the pages of mappings go if the process has more resident bytes than it is to have.
pub fn look() {
    let most = MOST.load(Ordering::Relaxed);
    if most != u64::MAX && resident().is_some_and(|(all, files)| all > most && files > WORTH_IT) {
        release();
    }
}

/// Resident bytes of the process, and those of files among them.
fn resident() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|l| l.strip_prefix(name))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes << 10)
    };
    Some((of("VmRSS:")?, of("RssFile:")?))
}

#[cfg(unix)]
fn release() {
    let kept = KEPT.lock();
    for mapping in kept.iter().flat_map(HashMap::values).filter_map(|k| k.mapping.as_ref()) {
        // SAFETY: the mapping is of a file and shared: pages that are let go are read from the file again when they are
        // touched, with the bytes that they had.
        if let Err(e) = unsafe { mapping.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) } {
            tracing::debug!("pages of a mapping stay: {e}");
        }
    }
}

#[cfg(not(unix))]
fn release() {}

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
        // What was let go is there when it is read again.
        release();
        assert_eq!(open(&key).unwrap().as_ref(), b"abc");
        key.size = 4;
        assert!(open(&key).is_err());
    }
}
