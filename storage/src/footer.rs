//! Parsed Parquet footers with their page indexes, kept while their file is unchanged.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use rsql_common::{Error, Result};

use crate::{FileKey, mapping};

/// Most footers kept.
const MAX_KEPT: usize = 16_384;

/// The process's footers.
#[derive(Debug, Default)]
pub struct FooterCache(RwLock<HashMap<String, (FileKey, Arc<ParquetMetaData>)>>);

impl FooterCache {
    /// The one cache of the process.
    pub fn global() -> &'static FooterCache {
        static GLOBAL: std::sync::OnceLock<FooterCache> = std::sync::OnceLock::new();
        GLOBAL.get_or_init(FooterCache::default)
    }

    /// The footer of a file; errors name the file.
    pub fn get(&self, key: &FileKey) -> Result<Arc<ParquetMetaData>> {
        if let Some((known, footer)) = self.0.read().get(&key.path)
            && known == key
        {
            return Ok(Arc::clone(footer));
        }
        let footer = Arc::new(read(key)?);
        let mut kept = self.0.write();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key.path.clone(), (key.clone(), Arc::clone(&footer)));
        Ok(footer)
    }
}

fn read(key: &FileKey) -> Result<ParquetMetaData> {
    let bytes = mapping::open(key)?;
    let broken = |reason: &str| {
        Error::user("FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER")
            .param("path", key.path.as_str())
            .with_message(format!("Could not read the footer of {}: {reason}.", key.path))
    };
    match bytes.get(bytes.len().saturating_sub(4)..) {
        Some(b"PAR1") => {}
        Some(b"PARE") => return Err(broken("it is encrypted, which is not supported")),
        _ => return Err(broken("it is not a Parquet file")),
    }
    // The parser may panic on hostile input; a broken file must not end the query's process.
    let parsed = std::panic::catch_unwind(|| {
        ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&bytes)
            .or_else(|_| {
                // Indexes are only hints: a file whose index is damaged is read without it.
                ParquetMetaDataReader::new().parse_and_finish(&bytes)
            })
    });
    let footer = match parsed {
        Ok(Ok(footer)) => footer,
        Ok(Err(e)) => return Err(broken(&e.to_string())),
        Err(_) => return Err(broken("its metadata makes no sense")),
    };
    check(&footer, bytes.len() as u64).map_err(|reason| broken(&reason))?;
    Ok(footer)
}

/// Column chunks must lie within the file, so that readers may slice without asking again.
fn check(footer: &ParquetMetaData, size: u64) -> Result<(), String> {
    for (i, group) in footer.row_groups().iter().enumerate() {
        if group.num_rows() < 0 {
            return Err(format!("row group {i} has a negative number of rows"));
        }
        for column in group.columns() {
            let start = column
                .dictionary_page_offset()
                .unwrap_or(column.data_page_offset())
                .min(column.data_page_offset());
            let length = column.compressed_size();
            let end = u64::try_from(start)
                .ok()
                .zip(u64::try_from(length).ok())
                .and_then(|(s, l)| s.checked_add(l));
            if end.is_none_or(|e| e > size) {
                return Err(format!(
                    "column {} of row group {i} lies outside the file",
                    column.column_path()
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::modified_nanos;

    #[test]
    fn broken_files_are_named() {
        for content in [&b""[..], b"PAR1", b"hello", b"PAR1\xff\xff\xff\x7fPAR1", b"xxxxPARE"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let metadata = std::fs::metadata(file.path()).unwrap();
            let key = FileKey {
                path: file.path().to_string_lossy().into_owned(),
                size: metadata.len(),
                modified: modified_nanos(&metadata),
            };
            let error = FooterCache::default().get(&key).unwrap_err();
            assert_eq!(error.condition(), "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER");
            assert!(error.message().contains(&key.path));
        }
    }
}
