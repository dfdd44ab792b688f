//! Where a scan's rows come from: plain data that plans carry.

use std::sync::Arc;

use arrow::array::RecordBatch;
use rsql_expr::{Scalar, SqlType};
use serde::{Deserialize, Serialize};

use crate::Buckets;

/// A readable source with its columns in table order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScanSource {
    /// Name for EXPLAIN: table, view or path.
    pub name: Arc<str>,
    /// All columns, partition columns last.
    pub columns: Arc<[SourceColumn]>,
    /// Fields of struct columns that are read as columns of their own; they count on behind `columns`.
    pub nested: Arc<[NestedColumn]>,
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

/// A field of a struct column that is read without the rest of the struct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NestedColumn {
    /// Position of the struct among the source's columns.
    pub root: usize,
    /// Names of the fields on the way down.
    pub path: Arc<[Arc<str>]>,
    /// The field as a column; its name is for EXPLAIN.
    pub column: SourceColumn,
}

impl ScanSource {
    /// A column by its number: of the table, or a nested one.
    pub fn column(&self, index: usize) -> Option<&SourceColumn> {
        self.columns
            .get(index)
            .or_else(|| self.nested_at(index).map(|n| &n.column))
    }

    /// The nested column of this number.
    pub fn nested_at(&self, index: usize) -> Option<&NestedColumn> {
        self.nested.get(index.checked_sub(self.columns.len())?)
    }
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
    /// How rows lie in files, if the table is bucketed and that is to be made use of.
    pub buckets: Option<Buckets>,
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
            && self.nested == other.nested
            && match (&self.kind, &other.kind) {
                (SourceKind::Files(a), SourceKind::Files(b)) => a == b,
                (SourceKind::Memory(a), SourceKind::Memory(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
}
