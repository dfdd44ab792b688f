//! Where a scan's rows come from: plain data that plans carry.

use std::sync::Arc;

use arrow::array::RecordBatch;
use rsql_expr::{Scalar, SqlType};
use serde::{Deserialize, Serialize};

/// A readable source with its columns in table order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScanSource {
    /// Name for EXPLAIN: table, view or path.
    pub name: Arc<str>,
    /// All columns, partition columns last.
    pub columns: Arc<[SourceColumn]>,
    /// What holds the rows.
    pub kind: SourceKind,
}

/// A column of a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceColumn {
    /// Name as stored; files' columns are matched to it ignoring case.
    pub name: Arc<str>,
    /// Type.
    pub ty: SqlType,
    /// NULL may occur.
    pub nullable: bool,
}

/// What holds a source's rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum SourceKind {
    /// Files of one format.
    Files(FileSource),
    /// Batches in this process, with columns of the engine's Arrow types.
    Memory(#[serde(with = "crate::batches")] Arc<Vec<RecordBatch>>),
}

/// Files of one format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileSource {
    /// Format.
    pub format: FileFormat,
    /// Files in reading order.
    pub files: Arc<[SourceFile]>,
    /// How many of the source's last columns come from `key=value` folders.
    pub n_partition_columns: usize,
    /// Reader options, keys in lower case.
    pub options: Arc<[(String, String)]>,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Local path or URL.
    pub path: Arc<str>,
    /// Bytes.
    pub size: u64,
    /// Last change, nanoseconds since the epoch; part of the footer cache's key.
    pub modified: i128,
    /// Values of the partition columns, in their order.
    pub partition_values: Arc<[Scalar]>,
}

/// Formats that can be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FileFormat {
    Parquet,
    Csv,
    Json,
    Text,
}

/// Sources compare by identity of their data, for plan equality.
impl PartialEq for ScanSource {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
            && match (&self.kind, &other.kind) {
                (SourceKind::Files(a), SourceKind::Files(b)) => a == b,
                (SourceKind::Memory(a), SourceKind::Memory(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
}
