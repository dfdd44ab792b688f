//! Rows sorted in memory.

use rayon::slice::ParallelSliceMut;
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use super::gather::{Gather, Pick};
use super::sorter::Batch;

/// Where a row stands in the order of the source: its chunk's sequence number, and the number of the row among those of
/// its worker. Chunks of one sequence number come from one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub sequence: u64,
    pub arrival: u64,
}

/// Rows of several chunks with the order they come in.
pub(crate) struct SortedRun {
    rows: Gather,
    sorted: Ordered,
    _reserved: Vec<Reservation>,
}

/// Batches, and the order of their rows.
pub(super) struct Ordered {
    pub batches: Vec<Batch>,
    /// Number of each batch's first row.
    pub starts: Vec<u32>,
    /// Row numbers, in order.
    pub order: Vec<u32>,
}

impl Ordered {
    /// Sorts; with `fetch` only the first rows are kept.
    pub fn sort(mut batches: Vec<Batch>, fetch: Option<u64>) -> Result<Self> {
        batches.sort_by_key(|b| b.chunk.sequence);
        let total: usize = batches.iter().map(|b| b.chunk.len).sum();
        if u32::try_from(total).is_err() {
            return Err(rsql_common::Error::exhausted(
                "a sort of more than 4 billion rows in memory",
            ));
        }
        let mut starts = Vec::with_capacity(batches.len());
        // Halves of a prefix are a third smaller than the whole, whose alignment is 16.
        let mut entries: Vec<(u64, u64, u32)> = Vec::with_capacity(total);
        let mut packed = true;
        for batch in &batches {
            let start = entries.len() as u32;
            starts.push(start);
            packed &= batch.keys.is_packed();
            entries.extend((0..batch.keys.len()).map(|i| {
                let prefix = batch.keys.prefix(i);
                ((prefix >> 64) as u64, prefix as u64, start + i as u32)
            }));
        }
        if packed {
            entries.par_sort_unstable();
        } else {
            let batch_of = |row: u32| starts.partition_point(|s| *s <= row) - 1;
            entries.par_sort_unstable_by(|a, b| {
                (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| {
                    let (x, y) = (batch_of(a.2), batch_of(b.2));
                    let (i, j) = ((a.2 - starts[x]) as usize, (b.2 - starts[y]) as usize);
                    batches[x].keys.compare(i, &batches[y].keys, j).then(a.2.cmp(&b.2))
                })
            });
        }
        if let Some(n) = fetch {
            entries.truncate(usize::try_from(n).unwrap_or(usize::MAX));
        }
        let order = entries.iter().map(|e| e.2).collect();
        Ok(Self { batches, starts, order })
    }

    /// The batch of a row and the row's position in it.
    pub fn pick(&self, row: u32) -> Pick {
        let batch = self.starts.partition_point(|s| *s <= row) - 1;
        (batch, (row - self.starts[batch]) as usize)
    }

    /// Where a row stood in the source.
    pub fn place(&self, (batch, row): Pick) -> Place {
        let batch = &self.batches[batch];
        Place {
            sequence: batch.chunk.sequence,
            arrival: batch.arrival + row as u64,
        }
    }
}

impl SortedRun {
    /// Sorts; with `fetch` only the first rows are kept.
    pub fn sort(batches: Vec<Batch>, fetch: Option<u64>, reserved: Vec<Reservation>) -> Result<Self> {
        let sorted = Ordered::sort(batches, fetch)?;
        let chunks: Vec<&Chunk> = sorted.batches.iter().map(|b| &b.chunk).collect();
        Ok(Self {
            rows: Gather::new(&chunks)?,
            sorted,
            _reserved: reserved,
        })
    }

    pub fn len(&self) -> usize {
        self.sorted.order.len()
    }

    /// Rows `start..start + n` of the sorted order.
    pub fn gather(&self, start: usize, n: usize) -> Result<Chunk> {
        let picks: Vec<Pick> = self.sorted.order[start..start + n]
            .iter()
            .map(|r| self.sorted.pick(*r))
            .collect();
        self.rows.take(&picks)
    }
}
