//! Sorting of more rows than memory holds: what ORDER BY, windows and order-sensitive aggregates share.
//!
//! Workers collect chunks. When the pool refuses memory they sort what they hold and write it out as a run. Rows carry
//! their place in the source, so that equal keys keep its order however they were cut into runs. Once there is a run,
//! everything else becomes one too, and the runs are merged.

use std::sync::Arc;

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Reservation, Result};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, SortKey, Vector};

use super::key::{KeyEncoder, KeyFormat, Keys};
use super::merge::Merge;
use super::ranges::{MergeSource, SortedRanges};
use super::run::SortedRun;
use super::spilled::{RunWriter, SpilledRun, block_rows};
use crate::concat::{chunk_bytes, tighten};
use crate::metrics::Usage;
use crate::pipeline::TaskContext;

/// Runs that are merged at a time. A merge has a block of each in memory.
const FAN_IN: usize = 64;
/// Under `rsql.exec.force_spill` so many, so that merges of merges happen with little data.
const FORCED_FAN_IN: usize = 4;
/// Under `rsql.exec.force_spill` a worker holds so many chunks.
const FORCED_CHUNKS: usize = 4;

/// A sort by some keys.
pub(crate) struct Sorter {
    pub(super) keys: Arc<[SortKey]>,
    pub(super) fetch: Option<u64>,
    /// Engine types of the rows.
    pub(super) types: Arc<[DataType]>,
    pub(super) usage: Usage,
    pub(super) input: Mutex<Input>,
}

/// Unsorted rows of all workers.
#[derive(Default)]
pub(super) struct Input {
    pub batches: Vec<Batch>,
    runs: Vec<SpilledRun>,
    reserved: Vec<Reservation>,
}

/// A dense chunk and its keys.
pub(crate) struct Batch {
    pub chunk: Chunk,
    pub keys: Keys,
    /// Number of its first row among those of its worker.
    pub arrival: u64,
}

/// The result.
#[derive(Clone)]
pub(crate) enum Sorted {
    Memory(Arc<SortedRun>),
    Merge(Arc<MergeSource>),
}

/// Sorted rows, one chunk after another.
pub(crate) enum SortedStream {
    Memory {
        run: Arc<SortedRun>,
        next: usize,
        chunk_rows: usize,
    },
    Merge(SortedRanges),
}

impl Sorted {
    /// The rows in order; runs can be read only once.
    pub fn stream(&self, chunk_rows: usize) -> Result<SortedStream> {
        Ok(match self {
            Self::Memory(run) => SortedStream::Memory {
                run: Arc::clone(run),
                next: 0,
                chunk_rows,
            },
            Self::Merge(merge) => SortedStream::Merge(merge.open()?),
        })
    }
}

impl SortedStream {
    /// The next rows.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        match self {
            Self::Merge(merge) => merge.next_chunk(),
            Self::Memory { run, next, chunk_rows } => {
                let n = (*chunk_rows).min(run.len() - *next);
                *next += n;
                match n {
                    0 => Ok(None),
                    n => run.gather(*next - n, n).map(Some),
                }
            }
        }
    }
}

/// Computes and encodes sort keys.
pub(crate) struct KeyColumns {
    programs: Vec<Program>,
    encoder: KeyEncoder,
    cx: EvalCx,
}

impl KeyColumns {
    pub fn open(sorter: &Sorter, cx: &TaskContext) -> Result<Self> {
        Self::of(&sorter.keys, cx)
    }

    /// For these keys.
    pub fn of(keys: &[SortKey], cx: &TaskContext) -> Result<Self> {
        Ok(Self {
            programs: cx.compile_all(keys.iter().map(|k| &k.expr))?,
            encoder: KeyFormat::new(keys).encoder()?,
            cx: cx.eval(),
        })
    }

    /// The keys of a chunk's rows.
    pub fn keys(&mut self, chunk: &Chunk) -> Result<Keys> {
        let columns = self
            .programs
            .iter()
            .map(|p| p.eval(chunk, &self.cx))
            .collect::<Result<Vec<Vector>>>()?;
        self.encoder.encode(&columns, chunk.rows())
    }
}

impl Sorter {
    /// Sorts rows of these engine types; with `fetch` only the first rows are wanted.
    pub fn new(keys: &[SortKey], fetch: Option<u64>, types: Arc<[DataType]>, usage: Usage) -> Arc<Self> {
        Arc::new(Self {
            keys: keys.into(),
            fetch,
            types,
            usage,
            input: Mutex::default(),
        })
    }

    /// Some worker has written a run.
    pub fn has_runs(&self) -> bool {
        !self.input.lock().runs.is_empty()
    }

    /// The rows in order; all workers must have combined.
    pub fn finish(self: &Arc<Self>, cx: &Arc<TaskContext>) -> Result<Sorted> {
        let input = std::mem::take(&mut *self.input.lock());
        if input.runs.is_empty() {
            input.reserved.iter().for_each(Reservation::settle);
            let run = SortedRun::sort(input.batches, self.fetch, input.reserved)?;
            return Ok(Sorted::Memory(Arc::new(run)));
        }
        let mut runs = input.runs;
        if !input.batches.is_empty() {
            runs.push(self.writer(cx).sort(input.batches, self.fetch, cx)?);
        }
        drop(input.reserved);
        while runs.len() > fan_in(cx) {
            let later = runs.split_off(fan_in(cx));
            runs = later.into_iter().chain([self.merged(&runs, cx)?]).collect();
        }
        Ok(Sorted::Merge(Arc::new(MergeSource::new(self, runs, cx)?)))
    }

    fn writer(&self, cx: &TaskContext) -> RunWriter {
        RunWriter::new(&self.types, &self.usage, cx)
    }

    /// Merges runs into one.
    fn merged(&self, runs: &[SpilledRun], cx: &TaskContext) -> Result<SpilledRun> {
        let mut columns = KeyColumns::open(self, cx)?;
        let mut firsts = KeyColumns::open(self, cx)?;
        let mut merge = Merge::new(runs, (None, None), &mut columns)?;
        let mut writer = self.writer(cx);
        while let Some(chunk) = merge.next(block_rows(cx))? {
            cx.cancel.check()?;
            let first = firsts.keys(&chunk.slice(0, 1))?.owned(0);
            writer.write(&chunk, first)?;
        }
        writer.finish()
    }
}

fn fan_in(cx: &TaskContext) -> usize {
    if cx.force_spill { FORCED_FAN_IN } else { FAN_IN }
}

/// A worker's rows of a [`Sorter`].
pub(crate) struct LocalSorter {
    sorter: Arc<Sorter>,
    cx: Arc<TaskContext>,
    columns: KeyColumns,
    batches: Vec<Batch>,
    arrived: u64,
    memory: Option<Reservation>,
}

impl LocalSorter {
    pub fn open(sorter: &Arc<Sorter>, cx: &Arc<TaskContext>) -> Result<Self> {
        Ok(Self {
            columns: KeyColumns::open(sorter, cx)?,
            memory: Some(sorter.usage.register(&cx.memory, "sort", true)),
            sorter: Arc::clone(sorter),
            cx: Arc::clone(cx),
            batches: Vec::new(),
            arrived: 0,
        })
    }

    /// Adds the selected rows of a chunk.
    pub fn push(&mut self, chunk: Chunk) -> Result<()> {
        let chunk = tighten(chunk)?;
        let keys = self.columns.keys(&chunk)?;
        // The rows, keys, the sort entry of each row and its number.
        let bytes = chunk_bytes(&chunk) + keys.size() + 28 * chunk.len;
        let arrival = self.arrived;
        self.arrived += chunk.len as u64;
        self.batches.push(Batch { chunk, keys, arrival });
        let short = self
            .memory
            .as_ref()
            .is_some_and(|m| m.try_grow(bytes).is_err() || m.revoke_requested());
        if short || self.cx.force_spill && self.batches.len() >= FORCED_CHUNKS {
            self.spill()?;
        }
        Ok(())
    }

    /// Writes what is held as a sorted run.
    pub fn spill(&mut self) -> Result<()> {
        if !self.batches.is_empty() {
            let batches = std::mem::take(&mut self.batches);
            let run = self
                .sorter
                .writer(&self.cx)
                .sort(batches, self.sorter.fetch, &self.cx)?;
            let mut input = self.sorter.input.lock();
            input.runs.push(run);
            // Many open files are as bad as much memory.
            let most = fan_in(&self.cx);
            if input.runs.len() >= 2 * most {
                let runs = input.runs.split_off(most);
                drop(input);
                let run = self.sorter.merged(&runs, &self.cx)?;
                self.sorter.input.lock().runs.push(run);
            }
        }
        if let Some(memory) = &self.memory {
            memory.free();
            memory.clear_revoke();
        }
        Ok(())
    }

    /// Hands the rows over.
    pub fn combine(&mut self) -> Result<()> {
        if self.cx.force_spill || self.sorter.has_runs() {
            self.spill()?;
        }
        let mut input = self.sorter.input.lock();
        input.batches.append(&mut self.batches);
        input.reserved.extend(self.memory.take());
        Ok(())
    }
}
