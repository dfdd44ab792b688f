//! Hands out the sorted rows with the calls' columns, some whole partitions a morsel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rsql_common::Result;
use rsql_expr::Chunk;

use super::eval::CallEvaluator;
use super::sink::{SharedWindow, SortedRows, WindowRows};
use super::streamed::LocalStream;
use crate::pipeline::{LocalSource, Source, SourceStatus, TaskContext};

/// A morsel has at least so many rows, if there are.
pub(super) const MORSEL_ROWS: usize = 1 << 15;

pub(super) struct WindowSource {
    shared: Arc<SharedWindow>,
    /// Next partition.
    cursor: Arc<AtomicUsize>,
}

impl WindowSource {
    pub(super) fn new(shared: Arc<SharedWindow>) -> Self {
        Self {
            shared,
            cursor: Arc::default(),
        }
    }
}

struct LocalRows {
    shared: Arc<SharedWindow>,
    cursor: Arc<AtomicUsize>,
    calls: Vec<CallEvaluator>,
    cx: Arc<TaskContext>,
    ready: Option<Chunk>,
    first_row: usize,
    given: usize,
    begun: bool,
}

impl Source for WindowSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        let order = &self.shared.order_by;
        let calls: Vec<CallEvaluator> = self
            .shared
            .calls
            .iter()
            .map(|c| CallEvaluator::new(c, order, cx))
            .collect::<Result<_>>()?;
        if let Some(WindowRows::Runs(sorted)) = self.shared.sorted.get() {
            return Ok(Box::new(LocalStream::open(&self.shared, sorted, calls, cx)?));
        }
        Ok(Box::new(LocalRows {
            calls,
            shared: Arc::clone(&self.shared),
            cursor: Arc::clone(&self.cursor),
            cx: Arc::clone(cx),
            ready: None,
            first_row: 0,
            given: 0,
            begun: false,
        }))
    }

    fn parallelism(&self) -> usize {
        match self.shared.sorted.get() {
            Some(WindowRows::Memory(sorted)) => sorted.rows.len.div_ceil(MORSEL_ROWS).max(1),
            _ => 1,
        }
    }
}

impl SortedRows {
    /// Partitions from `first` on that make up a morsel.
    fn morsel_end(&self, first: usize) -> usize {
        let enough = self.partitions[first] + MORSEL_ROWS;
        let end = self.partitions.partition_point(|start| *start < enough);
        end.clamp(first + 1, self.partitions.len() - 1)
    }
}

impl LocalRows {
    /// Evaluates the next morsel; false if there is none.
    fn next_morsel(&mut self) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        let Some(WindowRows::Memory(sorted)) = shared.sorted.get() else {
            return Ok(false);
        };
        let count = sorted.partitions.len() - 1;
        let claimed = self.cursor.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |first| {
            (first < count).then(|| sorted.morsel_end(first))
        });
        let Ok(first) = claimed else {
            return Ok(false);
        };
        let bounds = &sorted.partitions[first..=sorted.morsel_end(first)];
        let (from, to) = (bounds[0], bounds[bounds.len() - 1]);
        let mut rows = sorted.rows.slice(from, to - from);
        let starts: Vec<usize> = bounds.iter().map(|b| b - from).collect();
        let changes = &sorted.peers_change[from..to];
        let mut columns = Vec::with_capacity(self.calls.len());
        for call in &mut self.calls {
            columns.push(call.eval(&rows, &starts, changes)?);
        }
        rows.columns.append(&mut columns);
        (self.ready, self.first_row, self.given) = (Some(rows), from, 0);
        Ok(true)
    }
}

impl LocalSource for LocalRows {
    fn next(&mut self) -> Result<SourceStatus> {
        self.cx.cancel.check()?;
        loop {
            if let Some(rows) = &self.ready {
                if self.given < rows.len {
                    let len = self.cx.chunk_rows.min(rows.len - self.given);
                    let sequence = (self.first_row + self.given) as u64;
                    let chunk = rows.slice(self.given, len).with_sequence(sequence);
                    self.given += len;
                    return Ok(SourceStatus::Chunk(chunk));
                }
                self.ready = None;
            }
            let begun = std::mem::replace(&mut self.begun, true);
            if !self.next_morsel()? {
                return Ok(SourceStatus::Finished);
            }
            if begun {
                return Ok(SourceStatus::MorselDone);
            }
        }
    }
}
