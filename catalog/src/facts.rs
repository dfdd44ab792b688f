//! What is known about a source before reading it: row counts and column bounds from footers.

use std::sync::Arc;

use rsql_expr::Scalar;

use crate::SourceFile;
use crate::facts_parquet::partition_facts;

/// Facts of a source, for the cost model and for proofs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanFacts {
    /// Rows, if known.
    pub rows: Option<u64>,
    /// Bytes on disk (compressed).
    pub bytes: u64,
    /// Rows are known exactly.
    pub exact: bool,
    /// Rows of each file, if known.
    pub file_rows: Option<Arc<[u64]>>,
    /// Per source column.
    pub columns: Vec<ColumnFacts>,
}

impl ScanFacts {
    /// What is known of some of the files: those at positions `kept` of all.
    pub fn of_files(&self, kept: &[usize], files: &[SourceFile], n_partition_columns: usize) -> ScanFacts {
        let left: Vec<SourceFile> = kept.iter().map(|i| files[*i].clone()).collect();
        let bytes: u64 = left.iter().map(|f| f.size).sum();
        let all: u64 = files.iter().map(|f| f.size).sum();
        let file_rows: Option<Arc<[u64]>> = self
            .file_rows
            .as_ref()
            .map(|rows| kept.iter().filter_map(|i| rows.get(*i).copied()).collect());
        let rows = match &file_rows {
            Some(rows) => Some(rows.iter().sum()),
            None => self.rows.map(|r| (r as f64 * bytes as f64 / all.max(1) as f64) as u64),
        };
        let data = self.columns.len().saturating_sub(n_partition_columns);
        let all_have_rows = file_rows.as_ref().is_some_and(|r| r.iter().all(|n| *n > 0));
        let column = |(i, c): (usize, &ColumnFacts)| match i.checked_sub(data) {
            Some(i) => partition_facts(&left, i, all_have_rows),
            None => ColumnFacts {
                exact_bounds: false,
                null_count: c.null_count.filter(|n| *n == 0),
                distinct: c.distinct.map(|d| d.min(rows.unwrap_or(d))),
                ..c.clone()
            },
        };
        ScanFacts {
            rows,
            bytes: (self.bytes as f64 * bytes as f64 / all.max(1) as f64) as u64,
            exact: self.exact && file_rows.is_some(),
            columns: self.columns.iter().enumerate().map(column).collect(),
            file_rows,
        }
    }
}

/// Facts of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnFacts {
    /// Smallest value, or a lower bound.
    pub min: Option<Scalar>,
    /// Largest value, or an upper bound.
    pub max: Option<Scalar>,
    /// The bounds are values that occur (if any value does).
    pub exact_bounds: bool,
    /// NULLs, if known.
    pub null_count: Option<u64>,
    /// Distinct values, if known or well estimated.
    pub distinct: Option<u64>,
    /// Average bytes of a value in memory.
    pub width: Option<f64>,
    /// Values never repeat.
    pub unique: bool,
}
