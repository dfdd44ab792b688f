//! Rows of a worker on their way to blocks, by partition.
//!
//! A chunk is first grouped: [`Routes`] lists its rows partition after partition. Then each column appends its values,
//! one partition at a time, so that the inner loops read one source and write one place. Fixed-width values and strings
//! go to buffers that grow; nested and rare types are gathered once a chunk and sliced.

mod column;
mod routes;
mod validity;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::Chunk;

use column::ColumnBuffers;
pub(crate) use routes::Routes;

/// Buffered rows of every partition.
pub(crate) struct PartitionBuffers {
    columns: Vec<ColumnBuffers>,
    sizes: Vec<Size>,
    /// Bytes a row of the columns of fixed width.
    row_width: usize,
    total: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    rows: usize,
    /// Bytes of the columns without a fixed width.
    variable: usize,
}

impl PartitionBuffers {
    /// Empty buffers for columns of engine types.
    pub(crate) fn new(types: &[DataType], partitions: usize) -> Self {
        let columns: Vec<_> = types.iter().map(|t| ColumnBuffers::new(t, partitions)).collect();
        Self {
            row_width: columns.iter().map(ColumnBuffers::row_width).sum(),
            columns,
            sizes: vec![Size::default(); partitions],
            total: 0,
        }
    }

    /// Appends the routed rows of a chunk.
    pub(crate) fn append(&mut self, chunk: &Chunk, routes: &Routes) -> Result<()> {
        let mut variable = vec![0usize; self.sizes.len()];
        for (buffers, vector) in self.columns.iter_mut().zip(&chunk.columns) {
            buffers.append(vector, routes, &mut variable)?;
        }
        for (p, (size, bytes)) in self.sizes.iter_mut().zip(&variable).enumerate() {
            let rows = routes.of(p).len();
            size.rows += rows;
            size.variable += bytes;
            self.total += rows * self.row_width + bytes;
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

    /// Bytes of all partitions.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// The partition's rows as columns of stored types; the partition is empty then.
    pub(crate) fn take(&mut self, partition: usize) -> Result<(Vec<ArrayRef>, usize)> {
        let rows = self.rows(partition);
        self.total -= self.bytes(partition);
        self.sizes[partition] = Size::default();
        let columns = self
            .columns
            .iter_mut()
            .map(|c| c.take(partition))
            .collect::<Result<Vec<_>>>()?;
        Ok((columns, rows))
    }
}
