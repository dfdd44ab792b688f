//! Merge of sorted runs on disk, while they are read.
//!
//! At most [`FAN_IN`] runs are merged at a time; more are brought down to that by merging some into one first. Ties of
//! keys are broken by the rows' places in the source, so the merge is as stable as a sort in memory.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::UInt64Type;
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

use super::key::Keys;
use super::run::Place;
use super::sorter::{KeyColumns, Sorter};
use crate::pipeline::TaskContext;
use crate::spill::{SpillFile, SpillReader};

/// Runs merged at a time.
pub(super) const FAN_IN: usize = 16;

/// Runs to be merged by one worker.
pub(crate) struct MergeSource(Mutex<Option<Merge>>);

struct Input {
    rest: SpillReader,
    chunk: Chunk,
    keys: Keys,
    row: usize,
}

/// A merge under way.
pub(crate) struct Merge {
    inputs: Vec<Input>,
    /// Inputs with rows left, the one with the smallest key last.
    order: Vec<usize>,
    columns: KeyColumns,
    chunk_rows: usize,
    left: u64,
    sequence: u64,
}

impl MergeSource {
    /// Opens runs.
    pub fn new(sorter: &Sorter, runs: Vec<SpillFile>, cx: &Arc<TaskContext>) -> Result<Self> {
        let mut merge = Merge {
            inputs: Vec::with_capacity(runs.len()),
            order: Vec::with_capacity(runs.len()),
            columns: KeyColumns::open(sorter, cx)?,
            chunk_rows: cx.chunk_rows,
            left: sorter.fetch.unwrap_or(u64::MAX),
            sequence: 0,
        };
        for run in runs {
            let mut rest = run.read();
            if let Some(chunk) = rest.next() {
                let chunk = chunk?;
                let keys = merge.columns.keys(&chunk)?;
                merge.inputs.push(Input {
                    rest,
                    chunk,
                    keys,
                    row: 0,
                });
                merge.enqueue(merge.inputs.len() - 1);
            }
        }
        Ok(Self(Mutex::new(Some(merge))))
    }

    /// The merge itself.
    pub fn open(&self) -> Result<Merge> {
        let merge = self.0.lock().take();
        merge.ok_or_else(|| Error::internal("merged runs were opened twice"))
    }
}

impl Input {
    fn place(&self) -> Place {
        let n = self.chunk.columns.len();
        let value = |column: &Vector| match column {
            Vector::Flat(a) => a.as_primitive::<UInt64Type>().value(self.row),
            _ => 0,
        };
        Place {
            sequence: value(&self.chunk.columns[n - 2]),
            arrival: value(&self.chunk.columns[n - 1]),
        }
    }

    fn compare(&self, other: &Input) -> Ordering {
        let by_key = self.keys.compare(self.row, &other.keys, other.row);
        by_key.then_with(|| self.place().cmp(&other.place()))
    }
}

impl Merge {
    /// Puts an input where its next row belongs.
    fn enqueue(&mut self, input: usize) {
        let inputs = &self.inputs;
        let at = self
            .order
            .partition_point(|i| inputs[*i].compare(&inputs[input]) == Ordering::Greater);
        self.order.insert(at, input);
    }

    /// The next rows, without their places.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let Some(mut chunk) = self.next_placed(self.chunk_rows)? else {
            return Ok(None);
        };
        chunk.columns.truncate(chunk.columns.len() - 2);
        Ok(Some(chunk))
    }

    /// At most `most` rows, as they lie in runs.
    pub fn next_placed(&mut self, most: usize) -> Result<Option<Chunk>> {
        let mut picks: Vec<(usize, usize)> = Vec::with_capacity(most);
        let wanted = most.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let mut ended = None;
        while picks.len() < wanted {
            let Some(i) = self.order.pop() else { break };
            let input = &mut self.inputs[i];
            picks.push((i, input.row));
            input.row += 1;
            if input.row == input.chunk.len {
                // Its next chunk replaces the one the picks point into: hand out what there is.
                ended = Some(i);
                break;
            }
            self.enqueue(i);
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let chunk = self.gather(&picks)?.with_sequence(self.sequence);
        self.sequence += 1;
        self.left -= picks.len() as u64;
        if let Some(i) = ended
            && let Some(chunk) = self.inputs[i].rest.next()
        {
            let chunk = chunk?;
            let keys = self.columns.keys(&chunk)?;
            let input = &mut self.inputs[i];
            (input.chunk, input.keys, input.row) = (chunk, keys, 0);
            self.enqueue(i);
        }
        Ok(Some(chunk))
    }

    fn gather(&self, picks: &[(usize, usize)]) -> Result<Chunk> {
        let count = self.inputs.first().map_or(0, |i| i.chunk.columns.len());
        let columns = (0..count)
            .map(|c| {
                let arrays = self
                    .inputs
                    .iter()
                    .map(|i| i.chunk.columns[c].to_array())
                    .collect::<Result<Vec<ArrayRef>>>()?;
                let refs: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                Ok(Vector::Flat(arrow::compute::interleave(&refs, picks)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Chunk::new(columns, picks.len()))
    }
}
