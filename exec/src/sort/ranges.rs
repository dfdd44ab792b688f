//! Sorted rows brought together range by range, several ranges at a time, and handed out in order.
//!
//! A range is some rows of a sort in memory, or the rows of all runs between two keys; the keys of the runs' blocks cut them.
//! Who reads the rows takes one range after another; other threads of the pool work on the next ones meanwhile. A range is
//! claimed by the thread that works on it, and the reader does what nobody has claimed instead of waiting, so that nobody waits
//! for a thread that has not begun. So rows come in order while a few ranges are in memory, and all threads have to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rsql_common::{Error, Reservation, Result};
use rsql_expr::Chunk;

use super::key::OwnedKey;
use super::merge::Merge;
use super::run::SortedRun;
use super::sorter::{KeyColumns, Sorter};
use super::spilled::SpilledRun;
use crate::pipeline::TaskContext;

/// Blocks of a range: so many for each run, since a block at either end is read for two ranges.
const BLOCKS_A_RUN: usize = 8;
/// Ranges have at least so many blocks.
const LEAST_BLOCKS: usize = 64;

/// Rows of a range of a sort in memory.
const MEMORY_ROWS: usize = 1 << 15;

/// Sorted rows that are to be read once.
pub(crate) struct MergeSource(Mutex<Option<SortedRanges>>);

/// Sorted rows, range after range.
pub(crate) struct SortedRanges {
    shared: Arc<Shared>,
    /// The range that is being handed out, and its chunks that are left.
    range: usize,
    chunks: std::vec::IntoIter<Chunk>,
    sequence: u64,
    left: u64,
}

enum Rows {
    Memory(Arc<SortedRun>),
    Runs {
        sorter: Arc<Sorter>,
        runs: Vec<SpilledRun>,
        /// Range `i` begins at cut `i - 1` and ends below cut `i`.
        cuts: Vec<OwnedKey>,
    },
}

struct Shared {
    rows: Rows,
    cx: Arc<TaskContext>,
    /// Ranges that other threads may be ahead.
    ahead: usize,
    state: Mutex<State>,
    merged: Condvar,
    _memory: Option<Reservation>,
}

#[derive(Default)]
struct State {
    /// Ranges that nobody has claimed begin here.
    unclaimed: usize,
    /// Ranges from here on have to wait.
    end: usize,
    /// Merged ranges that were not read.
    ready: BTreeMap<usize, Result<Vec<Chunk>>>,
    /// The reader is gone.
    over: bool,
}

impl MergeSource {
    /// Of runs of a sorter.
    pub(super) fn new(sorter: &Arc<Sorter>, runs: Vec<SpilledRun>, cx: &Arc<TaskContext>) -> Result<Self> {
        let blocks = match cx.force_spill {
            true => runs.len(),
            false => (BLOCKS_A_RUN * runs.len()).max(LEAST_BLOCKS),
        };
        let blocks = blocks.max(1);
        let cuts = SpilledRun::cuts(&runs, blocks);
        let memory = sorter.usage.register(&cx.memory, "sort merge", false);
        let block = runs.iter().map(|r| r.block_bytes).max().unwrap_or(0);
        // A block of each run, and the merged rows; one range is merged whatever the pool says.
        let range = (runs.len() + blocks) * block;
        _ = memory.try_grow(range);
        let mut ahead = 0;
        while ahead < cx.threads && cx.threads > 1 && memory.try_grow(range).is_ok() {
            ahead += 1;
        }
        let rows = Rows::Runs {
            sorter: Arc::clone(sorter),
            runs,
            cuts,
        };
        let left = sorter.fetch.unwrap_or(u64::MAX);
        let ranges = SortedRanges::new(rows, left, cx, ahead, Some(memory));
        Ok(Self(Mutex::new(Some(ranges))))
    }

    /// The rows.
    pub fn open(&self) -> Result<SortedRanges> {
        let ranges = self.0.lock().take();
        ranges.ok_or_else(|| Error::internal("merged runs were opened twice"))
    }
}

impl SortedRanges {
    /// Of rows sorted in memory.
    pub(super) fn of_memory(run: &Arc<SortedRun>, cx: &Arc<TaskContext>) -> Self {
        let ahead = if cx.threads > 1 { cx.threads } else { 0 };
        Self::new(Rows::Memory(Arc::clone(run)), u64::MAX, cx, ahead, None)
    }

    fn new(rows: Rows, left: u64, cx: &Arc<TaskContext>, ahead: usize, memory: Option<Reservation>) -> Self {
        Self {
            left,
            shared: Arc::new(Shared {
                rows,
                cx: Arc::clone(cx),
                ahead,
                state: Mutex::default(),
                merged: Condvar::new(),
                _memory: memory,
            }),
            range: 0,
            chunks: Vec::new().into_iter(),
            sequence: 0,
        }
    }

    /// The next rows.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        while self.left > 0 {
            if let Some(mut chunk) = self.chunks.next() {
                if chunk.len as u64 > self.left {
                    chunk = chunk.slice(0, self.left as usize);
                }
                self.left -= chunk.len as u64;
                self.sequence += 1;
                return Ok(Some(chunk.with_sequence(self.sequence - 1)));
            }
            if self.range == self.shared.ranges() {
                break;
            }
            self.chunks = self.shared.take(self.range)?.into_iter();
            self.range += 1;
        }
        Ok(None)
    }
}

impl Drop for SortedRanges {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.over = true;
        state.ready.clear();
    }
}

impl Shared {
    fn ranges(&self) -> usize {
        match &self.rows {
            Rows::Memory(run) => run.len().div_ceil(MEMORY_ROWS),
            Rows::Runs { cuts, .. } => cuts.len() + 1,
        }
    }

    /// A range's rows; its turn has come.
    fn take(self: &Arc<Self>, range: usize) -> Result<Vec<Chunk>> {
        let mut state = self.state.lock();
        state.end = (range + 1 + self.ahead).min(self.ranges());
        for _ in state.unclaimed.max(range + 1)..state.end {
            let shared = Arc::clone(self);
            rayon::spawn(move || {
                let state = shared.state.lock();
                _ = shared.merge_next(state);
            });
        }
        loop {
            if let Some(rows) = state.ready.remove(&range) {
                return rows;
            }
            state = match self.merge_next(state) {
                Ok(state) => state,
                Err(mut state) => {
                    self.merged.wait(&mut state);
                    state
                }
            };
        }
    }

    /// Merges the next range that nobody has claimed; an error if there is none to be merged now.
    fn merge_next<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> std::result::Result<MutexGuard<'a, State>, MutexGuard<'a, State>> {
        let range = state.unclaimed;
        if state.over || range >= state.end {
            return Err(state);
        }
        state.unclaimed += 1;
        drop(state);
        let rows = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.merge(range)));
        let rows = rows.unwrap_or_else(|_| Err(Error::internal("a merge of sorted runs panicked")));
        let mut state = self.state.lock();
        if !state.over {
            state.ready.insert(range, rows);
        }
        self.merged.notify_all();
        Ok(state)
    }

    fn merge(&self, range: usize) -> Result<Vec<Chunk>> {
        let mut chunks = Vec::new();
        match &self.rows {
            Rows::Memory(run) => {
                let end = ((range + 1) * MEMORY_ROWS).min(run.len());
                let mut at = range * MEMORY_ROWS;
                while at < end {
                    self.cx.cancel.check()?;
                    let n = self.cx.chunk_rows.min(end - at);
                    chunks.push(run.gather(at, n)?);
                    at += n;
                }
            }
            Rows::Runs { sorter, runs, cuts } => {
                let from = range.checked_sub(1).and_then(|i| cuts.get(i));
                let mut columns = KeyColumns::open(sorter, &self.cx)?;
                let mut merge = Merge::new(runs, (from, cuts.get(range)), &mut columns)?;
                while let Some(mut chunk) = merge.next(self.cx.chunk_rows)? {
                    self.cx.cancel.check()?;
                    chunk.columns.truncate(chunk.columns.len() - 2);
                    chunks.push(chunk);
                }
            }
        }
        Ok(chunks)
    }
}
