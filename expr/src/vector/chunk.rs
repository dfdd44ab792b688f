//! What flows between operators.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use rsql_common::Result;

use super::{Selection, Vector};
use crate::Schema;

/// Some vectors of one length and a selection.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Columns, each of `len` physical rows.
    pub columns: Vec<Vector>,
    /// Selected rows; `None` means all.
    pub selection: Option<Selection>,
    /// Physical rows (also without columns).
    pub len: usize,
    /// Position of the chunk in the order of its source; operators pass it on.
    pub sequence: u64,
}

impl Chunk {
    /// A dense chunk.
    pub fn new(columns: Vec<Vector>, len: usize) -> Self {
        debug_assert!(columns.iter().all(|c| c.len() == len));
        Self {
            columns,
            selection: None,
            len,
            sequence: 0,
        }
    }

    /// The same rows with a place in the source's order.
    #[must_use]
    pub fn with_sequence(mut self, sequence: u64) -> Self {
        self.sequence = sequence;
        self
    }

    /// Selected rows.
    pub fn rows(&self) -> usize {
        self.selection.as_ref().map_or(self.len, Selection::len)
    }

    /// Keeps those of the selected rows that `positions` names (ascending, relative to the selected rows).
    pub fn select(&mut self, positions: Vec<u32>) {
        self.selection = Some(match &self.selection {
            Some(s) => s.compose(&positions),
            None => Selection::new(positions),
        });
    }

    /// The selected rows of a column, dense.
    pub fn dense_column(&self, index: usize) -> Result<Vector> {
        match &self.selection {
            Some(s) => self.columns[index].take(s.rows()),
            None => Ok(self.columns[index].clone()),
        }
    }

    /// The same rows without a selection.
    pub fn compact(&self) -> Result<Chunk> {
        if self.selection.is_none() {
            return Ok(self.clone());
        }
        let columns = (0..self.columns.len())
            .map(|i| self.dense_column(i))
            .collect::<Result<Vec<_>>>()?;
        Ok(Chunk {
            columns,
            selection: None,
            len: self.rows(),
            sequence: self.sequence,
        })
    }

    /// Selected rows `offset..offset + len`.
    pub fn slice(&self, offset: usize, len: usize) -> Chunk {
        match &self.selection {
            Some(s) => Chunk {
                columns: self.columns.clone(),
                selection: Some(Selection::new(&s.rows()[offset..offset + len])),
                len: self.len,
                sequence: self.sequence,
            },
            None => Chunk {
                columns: self.columns.iter().map(|c| c.slice(offset, len)).collect(),
                selection: None,
                len,
                sequence: self.sequence,
            },
        }
    }

    /// The selected rows as Arrow; free for dense flat columns.
    pub fn to_record_batch(&self, schema: &Schema) -> Result<RecordBatch> {
        let dense = self.compact()?;
        let arrays = dense.columns.iter().map(Vector::to_array).collect::<Result<Vec<_>>>()?;
        let fields: Vec<_> = schema
            .iter()
            .zip(&arrays)
            .map(|(f, a)| arrow::datatypes::Field::new(f.name.as_ref(), a.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(dense.len));
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }

    /// All columns of a batch, dense.
    pub fn from_record_batch(batch: &RecordBatch) -> Chunk {
        Chunk::new(
            batch.columns().iter().cloned().map(Vector::Flat).collect(),
            batch.num_rows(),
        )
    }

    /// Bytes held by the columns.
    pub fn memory_size(&self) -> usize {
        self.columns.iter().map(Vector::memory_size).sum()
    }
}
