//! Rows of a worker on their way to blocks, by partition.
//!
//! A chunk is first grouped: [`Routes`] lists its rows partition after partition. Then each column appends its values,
//! one partition at a time, so that the inner loops read one source and write one place. Fixed-width values and strings
//! go to buffers that grow; nested and rare types are gathered once a chunk and sliced.

mod column;
mod routes;
mod validity;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_exec::encoding::RowsEncoder;
use rsql_expr::Chunk;

use column::ColumnBuffers;
pub(crate) use routes::Routes;

/// Buffered rows of every partition.
pub(crate) struct PartitionBuffers {
    columns: Vec<ColumnBuffers>,
    sizes: Vec<Size>,
    /// Bytes a row of the columns of fixed width.
    row_width: usize,
    held: usize,
    types: Arc<[DataType]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    rows: usize,
    /// Bytes of the columns without a fixed width.
    variable: usize,
    /// The most bytes that there were.
    most: usize,
}

impl PartitionBuffers {
    /// Empty buffers for columns of engine types.
    pub(crate) fn new(types: &Arc<[DataType]>, partitions: usize) -> Self {
        let columns: Vec<_> = types.iter().map(|t| ColumnBuffers::new(t, partitions)).collect();
        Self {
            row_width: columns.iter().map(ColumnBuffers::row_width).sum(),
            columns,
            sizes: vec![Size::default(); partitions],
            held: 0,
            types: Arc::clone(types),
        }
    }

    /// Appends the routed rows of a chunk.
    pub(crate) fn append(&mut self, chunk: &Chunk, routes: &Routes) -> Result<()> {
        let mut variable = vec![0usize; self.sizes.len()];
        for (buffers, vector) in self.columns.iter_mut().zip(&chunk.columns) {
            buffers.append(vector, routes, &mut variable)?;
        }
        for (p, (size, bytes)) in self.sizes.iter_mut().zip(&variable).enumerate() {
            size.rows += routes.of(p).len();
            size.variable += bytes;
            let now = size.rows * self.row_width + size.variable;
            self.held += now.saturating_sub(size.most);
            size.most = size.most.max(now);
        }
        Ok(())
    }

    /// Rows of a partition.
    pub(crate) fn rows(&self, partition: usize) -> usize {
        self.sizes[partition].rows
    }

    /// Bytes of a partition.
    pub(crate) fn bytes(&self, partition: usize) -> usize {
        let size = self.sizes[partition];
        size.rows * self.row_width + size.variable
    }

    /// Bytes that are held: each partition's most since the room was last given back.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Appends the payload of some of a partition's rows to `out`.
    pub(crate) fn encode(
        &self,
        partition: usize,
        rows: Range<usize>,
        encoder: &mut RowsEncoder,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        encoder.encode(rows.len(), out, |i, to| {
            self.columns[i].encode(partition, rows.clone(), to)
        })
    }

    /// Forgets a partition's rows. Their room stays for the next ones.
    pub(crate) fn clear(&mut self, partition: usize) {
        let most = self.sizes[partition].most;
        self.sizes[partition] = Size {
            most,
            ..Size::default()
        };
        self.columns.iter_mut().for_each(|c| c.clear(partition));
    }

    /// Gives the room of all partitions back; they must be empty.
    pub(crate) fn release(&mut self) {
        *self = Self::new(&self.types, self.sizes.len());
    }
}
