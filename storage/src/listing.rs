//! Which files a path stands for: folders are walked, `key=value` folders become partition values, hidden files are
//! left out.

use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rsql_common::{Error, Result};

use crate::glob;
use crate::path::local_path;

/// Value of a partition folder that stands for NULL.
pub const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// A data file.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedFile {
    /// Local path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Last change, nanoseconds since the epoch.
    pub modified: i128,
    /// Partition values by folder, outermost first; `None` is NULL.
    pub partition: Vec<(String, Option<String>)>,
}

/// The files behind some paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Files, sorted by path within each given path.
    pub files: Vec<ListedFile>,
    /// Names of the partition columns, outermost first; all files agree.
    pub partition_columns: Vec<String>,
}

/// Lists what `paths` (files, folders, patterns) stand for. Partition folders count from each given path on, or from
/// `base_path`.
pub fn list_files(paths: &[String], base_path: Option<&str>) -> Result<Listing> {
    let base = base_path.map(local_path).transpose()?;
    let mut listing = Listing::default();
    for text in paths {
        let path = local_path(text)?;
        let shown = path.to_string_lossy().into_owned();
        let roots = if path.exists() {
            vec![path]
        } else if glob::is_glob(&shown) {
            glob::expand(&shown)?
        } else {
            Vec::new()
        };
        if roots.is_empty() {
            return Err(Error::user("PATH_NOT_FOUND").param("path", text.as_str()));
        }
        for root in roots {
            let mut partition = Vec::new();
            if let Some(below) = base.as_ref().and_then(|b| root.strip_prefix(b).ok()) {
                partition.extend(below.iter().filter_map(|p| partition_of(&p.to_string_lossy())));
            }
            let metadata = std::fs::metadata(&root)?;
            if metadata.is_dir() {
                walk(&root, &mut partition, &mut listing.files)?;
            } else {
                listing.files.push(listed(&root, &metadata, &partition));
            }
        }
    }
    listing.partition_columns = common_columns(&listing.files)?;
    Ok(listing)
}

fn walk(folder: &Path, partition: &mut Vec<(String, Option<String>)>, out: &mut Vec<ListedFile>) -> Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if is_hidden(&name) {
            continue;
        }
        let path = entry.path();
        let metadata = std::fs::metadata(&path)?;
        if metadata.is_dir() {
            let value = partition_of(&name);
            let named = value.is_some();
            partition.extend(value);
            walk(&path, partition, out)?;
            if named {
                partition.pop();
            }
        } else {
            out.push(listed(&path, &metadata, partition));
        }
    }
    Ok(())
}

/// `_SUCCESS`, `.crc`, `_temporary`, `x._COPYING_`; but `_key=value` is a partition.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('=')) || name.ends_with("._COPYING_")
}

fn listed(path: &Path, metadata: &Metadata, partition: &[(String, Option<String>)]) -> ListedFile {
    ListedFile {
        path: path.to_string_lossy().into_owned(),
        size: metadata.len(),
        modified: modified_nanos(metadata),
        partition: partition.to_vec(),
    }
}

/// Last change of a file in nanoseconds since the epoch.
pub fn modified_nanos(metadata: &Metadata) -> i128 {
    metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |d| d.as_nanos() as i128)
}

/// Name and value of a folder `name=value`, percent signs decoded.
fn partition_of(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=')?;
    if name.is_empty() {
        return None;
    }
    let value = unescape(value);
    Some((unescape(name), (value != NULL_PARTITION).then_some(value)))
}

/// Hive's escape of folder names: `%3A` for `:` and so on.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let special = c.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(c) || c == '\u{7f}';
        if special {
            out.push_str(&format!("%{:02X}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

/// Undoes [`escape`].
pub fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn common_columns(files: &[ListedFile]) -> Result<Vec<String>> {
    let names = |f: &ListedFile| f.partition.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    let Some(first) = files.first().map(names) else {
        return Ok(Vec::new());
    };
    for file in files {
        let other = names(file);
        let same = other.len() == first.len() && other.iter().zip(&first).all(|(a, b)| a.eq_ignore_ascii_case(b));
        if !same {
            return Err(Error::user("CONFLICTING_PARTITION_COLUMN_NAMES")
                .param(
                    "distinctPartColLists",
                    format!("{}; {}", first.join(", "), other.join(", ")),
                )
                .in_file(file.path.as_str()));
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_hidden_files() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, file) in [
            ("a=1/b=x%3Ay", "part-0.parquet"),
            ("a=2/b=__HIVE_DEFAULT_PARTITION__", "part-1.parquet"),
            ("", "_SUCCESS"),
            ("_temporary/0", "part-9.parquet"),
        ] {
            let folder = dir.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(file), "x").unwrap();
        }
        let root = dir.path().to_string_lossy().into_owned();
        let listing = list_files(std::slice::from_ref(&root), None).unwrap();
        assert_eq!(listing.partition_columns, ["a", "b"]);
        let values: Vec<_> = listing.files.iter().map(|f| f.partition[1].1.as_deref()).collect();
        assert_eq!(values, [Some("x:y"), None]);
        let one = list_files(&[format!("{root}/a=[12]/b=x*")], Some(&root)).unwrap();
        assert_eq!(one.files.len(), 1);
        assert_eq!(one.partition_columns, ["a", "b"]);
        assert!(list_files(&[format!("{root}/none")], None).is_err());
    }

    #[test]
    fn escapes_round_trip() {
        for s in ["a b", "12:30", "a=b/c", "100%", "é"] {
            assert_eq!(unescape(&escape(s)), s);
        }
    }
}
