//! Rows as bytes, for what leaves memory: spill files and shuffle blocks.
//!
//! `[rows u32]`, then column after column. Columns are not laid out as Arrow has them: integers are stored as differences to
//! the least in as few bits as these need ([`ints`], [`packed`]), strings that take few values as codes ([`strings`]), and
//! only what is left is compressed, where that pays ([`compress`]). Nested types are Arrow IPC messages ([`nested`]). Encoded rows can be
//! read by themselves; damage is an answer, not a panic.

mod column;
mod compress;
mod cursor;
mod ints;
mod nested;
mod packed;
mod strings;
mod text;
mod vector;

use std::sync::Arc;

use arrow::datatypes::DataType;
use bytes::Bytes;
use rsql_common::{Error, Result};
use rsql_expr::Chunk;

use column::{ColumnTrials, Tools, take_column};
pub use column::{ColumnWriter, Layout, layout};
pub use compress::Compression;
use cursor::Cursor;
pub use ints::Int;
pub use nested::{stored_type, to_stored};
pub use text::{Strings, StringsBuffer};
pub use vector::views_of;

/// Encodes rows.
#[derive(Debug)]
pub struct RowsEncoder {
    tools: Tools,
    columns: Vec<ColumnTrials>,
}

impl RowsEncoder {
    /// For rows of so many columns.
    pub fn new(columns: usize, compression: Compression) -> Result<Self> {
        Ok(Self {
            tools: Tools::new(compression)?,
            columns: (0..columns).map(|_| ColumnTrials::default()).collect(),
        })
    }

    /// Appends `rows` rows; `column` writes the columns, which are numbered.
    pub fn encode(
        &mut self,
        rows: usize,
        out: &mut Vec<u8>,
        mut column: impl FnMut(usize, &mut ColumnWriter) -> Result<()>,
    ) -> Result<()> {
        out.extend_from_slice(&(rows as u32).to_le_bytes());
        for (i, trials) in self.columns.iter_mut().enumerate() {
            let mut writer = ColumnWriter {
                tools: &mut self.tools,
                trials,
                out,
            };
            column(i, &mut writer)?;
        }
        Ok(())
    }

    /// Appends the rows of a dense chunk.
    pub fn encode_chunk(&mut self, chunk: &Chunk, out: &mut Vec<u8>) -> Result<()> {
        self.encode(chunk.len, out, |i, to| to.vector(&chunk.columns[i]))
    }
}

/// Decodes rows.
#[derive(Debug, Clone)]
pub struct RowsDecoder {
    types: Arc<[DataType]>,
}

impl RowsDecoder {
    /// Of columns of these engine types.
    pub fn new(types: &[DataType]) -> Self {
        Self { types: types.into() }
    }

    /// The rows that are encoded in a payload.
    pub fn decode(&self, payload: Bytes) -> Result<Chunk> {
        self.take(Cursor::new(payload))
            .ok_or_else(|| Error::io("encoded rows are not what their columns' types say"))
    }

    fn take(&self, mut from: Cursor) -> Option<Chunk> {
        let rows = from.u32()? as usize;
        let columns = self.types.iter().map(|t| take_column(&mut from, t, rows));
        let columns = columns.collect::<Option<Vec<_>>>()?;
        from.is_at_end().then(|| Chunk::new(columns, rows))
    }
}

#[cfg(test)]
mod tests;
