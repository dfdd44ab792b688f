//! Rows sorted in memory.

use std::sync::Arc;

use arrow::array::UInt64Array;
use arrow::datatypes::DataType;
use rayon::slice::ParallelSliceMut;
use rsql_common::{Reservation, Result};
use rsql_expr::{Chunk, Vector};

use super::sorter::Batch;
use crate::concat::concat;

/// Where a row stands in the order of the source: its chunk's sequence number, and the number of the row among those of
/// its worker. Chunks of one sequence number come from one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub sequence: u64,
    pub arrival: u64,
}

/// Rows of several chunks with the order they come in.
pub(crate) struct SortedRun {
    /// All rows, columns joined end to end.
    rows: Option<Chunk>,
    /// Row numbers, in order.
    order: Vec<u32>,
    /// First row of each chunk, with the chunk's place in the source's order.
    places: Vec<(u32, Place)>,
    _reserved: Vec<Reservation>,
}

impl SortedRun {
    /// Sorts; with `fetch` only the first rows are kept.
    pub fn sort(mut batches: Vec<Batch>, fetch: Option<u64>, reserved: Vec<Reservation>) -> Result<Self> {
        batches.sort_by_key(|b| b.chunk.sequence);
        let total: usize = batches.iter().map(|b| b.chunk.len).sum();
        if u32::try_from(total).is_err() {
            return Err(rsql_common::Error::exhausted(
                "a sort of more than 4 billion rows in memory",
            ));
        }
        let mut starts = Vec::with_capacity(batches.len());
        let mut entries: Vec<(u128, u32)> = Vec::with_capacity(total);
        let mut packed = true;
        for batch in &batches {
            let start = entries.len() as u32;
            starts.push(start);
            packed &= batch.keys.is_packed();
            entries.extend((0..batch.keys.len()).map(|i| (batch.keys.prefix(i), start + i as u32)));
        }
        if packed {
            entries.par_sort_unstable();
        } else {
            let batch_of = |row: u32| starts.partition_point(|s| *s <= row) - 1;
            entries.par_sort_unstable_by(|a, b| {
                a.0.cmp(&b.0).then_with(|| {
                    let (x, y) = (batch_of(a.1), batch_of(b.1));
                    let (i, j) = ((a.1 - starts[x]) as usize, (b.1 - starts[y]) as usize);
                    batches[x].keys.compare(i, &batches[y].keys, j).then(a.1.cmp(&b.1))
                })
            });
        }
        if let Some(n) = fetch {
            entries.truncate(usize::try_from(n).unwrap_or(usize::MAX));
        }
        let order = entries.iter().map(|e| e.1).collect();
        drop(entries);
        let place = |b: &Batch| Place {
            sequence: b.chunk.sequence,
            arrival: b.arrival,
        };
        let places = starts.iter().copied().zip(batches.iter().map(place)).collect();
        let chunks: Vec<Chunk> = batches.into_iter().map(|b| b.chunk).collect();
        Ok(Self {
            rows: join(&chunks)?,
            order,
            places,
            _reserved: reserved,
        })
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Rows `start..start + n` of the sorted order.
    pub fn gather(&self, start: usize, n: usize) -> Result<Chunk> {
        let Some(rows) = &self.rows else {
            return Ok(Chunk::new(Vec::new(), n));
        };
        let order = &self.order[start..start + n];
        let columns = rows.columns.iter().map(|c| c.take(order)).collect::<Result<Vec<_>>>()?;
        Ok(Chunk::new(columns, n))
    }
}

impl SortedRun {
    /// As [`SortedRun::gather`], with two columns more that say where each row stood in the source.
    pub fn gather_placed(&self, start: usize, n: usize) -> Result<Chunk> {
        let mut chunk = self.gather(start, n)?;
        let (mut sequences, mut arrivals) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for row in &self.order[start..start + n] {
            let at = self.places.partition_point(|(first, _)| first <= row) - 1;
            let (first, place) = self.places[at];
            sequences.push(place.sequence);
            arrivals.push(place.arrival + u64::from(row - first));
        }
        chunk.columns.push(Vector::Flat(Arc::new(UInt64Array::from(sequences))));
        chunk.columns.push(Vector::Flat(Arc::new(UInt64Array::from(arrivals))));
        Ok(chunk)
    }
}

fn join(chunks: &[Chunk]) -> Result<Option<Chunk>> {
    let Some(first) = chunks.first() else {
        return Ok(None);
    };
    let types: Vec<DataType> = first.columns.iter().map(|c| c.data_type().clone()).collect();
    use rayon::prelude::*;
    let columns = types
        .par_iter()
        .enumerate()
        .map(|(i, ty)| {
            let parts: Vec<_> = chunks.iter().map(|c| c.columns[i].clone()).collect();
            concat(&parts, ty)
        })
        .collect::<Result<Vec<_>>>()?;
    let len = chunks.iter().map(|c| c.len).sum();
    Ok(Some(Chunk::new(columns, len)))
}
