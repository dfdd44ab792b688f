//! Rows to block payloads and back: `[rows u32]`, then column after column.

use std::sync::Arc;

use arrow::datatypes::DataType;
use bytes::Bytes;
use rsql_common::{Error, Result};
use rsql_expr::Chunk;

use super::column::{ColumnTrials, ColumnWriter, Tools, take_column};
use super::compress::Compression;
use super::cursor::Cursor;
use super::nested::stored_type;
use crate::hash::hash_bytes;

/// Identifies the columns' types.
pub(crate) fn schema_hash(types: &[DataType]) -> u64 {
    let text: Vec<String> = types.iter().map(|t| stored_type(t).to_string()).collect();
    hash_bytes(text.join(";").as_bytes())
}

/// Encodes rows.
pub(crate) struct PayloadEncoder {
    tools: Tools,
    columns: Vec<ColumnTrials>,
}

impl PayloadEncoder {
    /// For blocks of so many columns.
    pub(crate) fn new(columns: usize, compression: Compression) -> Result<Self> {
        Ok(Self {
            tools: Tools::new(compression)?,
            columns: (0..columns).map(|_| ColumnTrials::default()).collect(),
        })
    }

    /// Appends the payload of `rows` rows; `column` writes the columns, which are numbered.
    pub(crate) fn encode(
        &mut self,
        rows: usize,
        out: &mut Vec<u8>,
        mut column: impl FnMut(usize, ColumnWriter) -> Result<()>,
    ) -> Result<()> {
        out.extend_from_slice(&(rows as u32).to_le_bytes());
        for (i, trials) in self.columns.iter_mut().enumerate() {
            let writer = ColumnWriter {
                tools: &mut self.tools,
                trials,
                out,
            };
            column(i, writer)?;
        }
        Ok(())
    }
}

/// Decodes payloads.
#[derive(Debug, Clone)]
pub(crate) struct PayloadDecoder {
    types: Arc<[DataType]>,
}

impl PayloadDecoder {
    /// Of blocks with columns of these engine types.
    pub(crate) fn new(types: &[DataType]) -> Self {
        Self { types: types.into() }
    }

    /// The rows of a payload.
    pub(crate) fn decode(&self, payload: Bytes) -> Result<Chunk> {
        self.take(Cursor::new(payload))
            .ok_or_else(|| Error::io("a shuffle block is not what its columns' types say"))
    }

    fn take(&self, mut from: Cursor) -> Option<Chunk> {
        let rows = from.u32()? as usize;
        let columns = self.types.iter().map(|t| take_column(&mut from, t, rows));
        let columns = columns.collect::<Option<Vec<_>>>()?;
        from.is_at_end().then(|| Chunk::new(columns, rows))
    }
}
