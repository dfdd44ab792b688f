//! What a statement gives back.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringViewArray};
use rsql_common::{ColumnId, Result};
use rsql_expr::{Chunk, Field, Schema, SqlType, Vector};

/// Rows of a query or command.
#[derive(Debug, Clone)]
pub struct StatementOutput {
    /// Columns; empty for commands without a result.
    pub schema: Schema,
    /// Rows in order.
    pub chunks: Vec<Chunk>,
    /// The statement was a query: an empty result still has a header.
    pub is_query: bool,
}

impl StatementOutput {
    /// Nothing to show.
    pub fn none() -> Self {
        Self {
            schema: Schema::default(),
            chunks: Vec::new(),
            is_query: false,
        }
    }

    /// Rows of a query.
    pub fn rows(schema: Schema, chunks: Vec<Chunk>) -> Self {
        Self {
            schema,
            chunks,
            is_query: true,
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.chunks.iter().map(Chunk::rows).sum()
    }

    /// The rows as Arrow batches.
    pub fn record_batches(&self) -> Result<Vec<RecordBatch>> {
        self.chunks.iter().map(|c| c.to_record_batch(&self.schema)).collect()
    }
}

/// A small table that commands fill with text, flags and numbers.
#[derive(Debug, Default)]
pub struct TextTable {
    columns: Vec<(&'static str, Column)>,
}

#[derive(Debug)]
enum Column {
    Text(Vec<Option<String>>),
    Flag(Vec<bool>),
    Int(Vec<i32>),
}

/// A value of a [`TextTable`].
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Cell {
    Text(String),
    Null,
    Flag(bool),
    Int(i32),
}

impl From<&str> for Cell {
    fn from(s: &str) -> Self {
        Cell::Text(s.to_string())
    }
}
impl From<String> for Cell {
    fn from(s: String) -> Self {
        Cell::Text(s)
    }
}
impl From<bool> for Cell {
    fn from(b: bool) -> Self {
        Cell::Flag(b)
    }
}
impl From<Option<String>> for Cell {
    fn from(s: Option<String>) -> Self {
        s.map_or(Cell::Null, Cell::Text)
    }
}

impl TextTable {
    /// A table of STRING columns.
    pub fn text(columns: &[&'static str]) -> Self {
        Self {
            columns: columns.iter().map(|n| (*n, Column::Text(Vec::new()))).collect(),
        }
    }

    /// Adds a BOOLEAN column (before any row).
    #[must_use]
    pub fn flag(mut self, name: &'static str) -> Self {
        self.columns.push((name, Column::Flag(Vec::new())));
        self
    }

    /// Adds a STRING column behind others (before any row).
    #[must_use]
    pub fn then_text(mut self, name: &'static str) -> Self {
        self.columns.push((name, Column::Text(Vec::new())));
        self
    }

    /// Adds an INT column (before any row).
    #[must_use]
    pub fn int(mut self, name: &'static str) -> Self {
        self.columns.push((name, Column::Int(Vec::new())));
        self
    }

    /// Adds a row; cells of the wrong kind count as NULL, FALSE or 0.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        for ((_, column), cell) in self.columns.iter_mut().zip(cells) {
            match (column, cell) {
                (Column::Text(v), Cell::Text(s)) => v.push(Some(s)),
                (Column::Text(v), _) => v.push(None),
                (Column::Flag(v), cell) => v.push(matches!(cell, Cell::Flag(true))),
                (Column::Int(v), cell) => v.push(if let Cell::Int(n) = cell { n } else { 0 }),
            }
        }
    }

    /// The table as a statement's output.
    pub fn finish(self) -> StatementOutput {
        let mut fields = Vec::new();
        let mut vectors = Vec::new();
        let mut rows = 0;
        for (i, (name, column)) in self.columns.into_iter().enumerate() {
            let (ty, array): (SqlType, ArrayRef) = match column {
                Column::Text(v) => (SqlType::String, Arc::new(StringViewArray::from(v))),
                Column::Flag(v) => (SqlType::Boolean, Arc::new(BooleanArray::from(v))),
                Column::Int(v) => (SqlType::Int, Arc::new(Int32Array::from(v))),
            };
            rows = array.len();
            let id = ColumnId(u32::try_from(i).unwrap_or(u32::MAX));
            fields.push(Field {
                id,
                name: name.into(),
                ty,
                nullable: true,
            });
            vectors.push(Vector::Flat(array));
        }
        let chunks = if rows == 0 {
            Vec::new()
        } else {
            vec![Chunk::new(vectors, rows)]
        };
        StatementOutput {
            schema: Schema::new(fields),
            chunks,
            is_query: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_land_in_their_columns() {
        let mut t = TextTable::text(&["a", "b"]).flag("c");
        t.row(["x".into(), None.into(), true.into()]);
        let out = t.finish();
        assert_eq!(out.schema.simple_string(), "struct<a:string,b:string,c:boolean>");
        assert_eq!(out.n_rows(), 1);
    }
}
