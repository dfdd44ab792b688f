//! ORDER BY with LIMIT: only the best rows are kept.
//!
//! A worker collects rows; when it holds several times the limit it sorts and cuts. The key of the last row kept is a
//! threshold that all workers share: rows above it are dropped before they are copied. Its first key value is also
//! published as a runtime filter, so that a scan leaves out what cannot be among the best any more.

use std::sync::Arc;

use parking_lot::RwLock;
use rsql_common::{FilterId, Result};
use rsql_expr::eval::scalar_at;
use rsql_expr::{Chunk, Expr};

use super::Output;
use super::key::OwnedKey;
use super::run::SortedRun;
use super::sorter::{Batch, KeyColumns, Sorted, Sorter};
use crate::concat::tighten;
use crate::pipeline::{Flow, LocalSink, Sink, TaskContext};
use crate::runtime_filter::{RuntimeFilter, Threshold};

/// Rows held beyond the limit before a cut.
const SLACK: usize = 16 * 1024;

pub(super) struct TopKSink {
    sorter: Arc<Sorter>,
    output: Arc<Output>,
    k: usize,
    publishes: Option<FilterId>,
    threshold: Arc<RwLock<Option<OwnedKey>>>,
}

impl TopKSink {
    pub fn new(sorter: Arc<Sorter>, output: Arc<Output>, k: usize, publishes: Option<FilterId>) -> Self {
        Self {
            sorter,
            output,
            k,
            publishes,
            threshold: Arc::default(),
        }
    }
}

struct LocalTopK {
    sorter: Arc<Sorter>,
    k: usize,
    publishes: Option<FilterId>,
    cx: Arc<TaskContext>,
    threshold: Arc<RwLock<Option<OwnedKey>>>,
    columns: KeyColumns,
    batches: Vec<Batch>,
    rows: usize,
    arrived: u64,
}

impl Sink for TopKSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalTopK {
            columns: KeyColumns::open(&self.sorter, cx)?,
            sorter: Arc::clone(&self.sorter),
            k: self.k,
            publishes: self.publishes,
            cx: Arc::clone(cx),
            threshold: Arc::clone(&self.threshold),
            batches: Vec::new(),
            rows: 0,
            arrived: 0,
        }))
    }

    fn finalize(&self, _cx: &Arc<TaskContext>) -> Result<()> {
        let input = std::mem::take(&mut *self.sorter.input.lock());
        let run = SortedRun::sort(input.batches, Some(self.k as u64), Vec::new())?;
        *self.output.write() = Some(Sorted::Memory(Arc::new(run)));
        Ok(())
    }
}

impl LocalSink for LocalTopK {
    fn sink(&mut self, mut chunk: Chunk) -> Result<Flow> {
        if self.k == 0 {
            return Ok(Flow::Stop);
        }
        let mut keys = self.columns.keys(&chunk)?;
        let threshold = self.threshold.read().clone();
        if let Some(limit) = threshold {
            let keep = keys.at_most(&limit);
            if keep.is_empty() {
                return Ok(Flow::Continue);
            }
            if keep.len() < keys.len() {
                chunk.select(keep);
                keys = self.columns.keys(&chunk)?;
            }
        }
        let chunk = tighten(chunk)?;
        self.rows += chunk.len;
        let arrival = self.arrived;
        self.arrived += chunk.len as u64;
        self.batches.push(Batch { chunk, keys, arrival });
        if self.rows >= 2 * self.k + SLACK {
            self.cut()?;
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        if self.rows > self.k {
            self.cut()?;
        }
        self.sorter.input.lock().batches.append(&mut self.batches);
        Ok(())
    }
}

impl LocalTopK {
    /// Tells scans that rows behind the first key of this row are not wanted.
    fn publish(&self, chunk: &Chunk, row: usize) -> Result<()> {
        let (Some(id), Some(key)) = (self.publishes, self.sorter.keys.first()) else {
            return Ok(());
        };
        let Expr::Slot(slot) = &key.expr else { return Ok(()) };
        let value = scalar_at(&chunk.columns[slot.index].slice(row, 1).to_array()?, 0, &slot.ty)?;
        // NULLs that come last are no bound.
        if !value.is_null() || key.nulls_first {
            let threshold = Threshold {
                value,
                descending: key.descending,
                nulls_first: key.nulls_first,
            };
            self.cx.filters.publish(id, RuntimeFilter::AtMost(threshold));
        }
        Ok(())
    }

    /// Keeps the best `k` rows, each source chunk's rows together so that ties keep the source's order.
    fn cut(&mut self) -> Result<()> {
        self.batches.sort_by_key(|b| b.chunk.sequence);
        let mut entries: Vec<(u128, u32, u32)> = Vec::with_capacity(self.rows);
        for (b, batch) in self.batches.iter().enumerate() {
            entries.extend((0..batch.keys.len()).map(|i| (batch.keys.prefix(i), b as u32, i as u32)));
        }
        let batches = &self.batches;
        let compare = |a: &(u128, u32, u32), b: &(u128, u32, u32)| {
            a.0.cmp(&b.0)
                .then_with(|| {
                    let (x, y) = (&batches[a.1 as usize].keys, &batches[b.1 as usize].keys);
                    x.compare(a.2 as usize, y, b.2 as usize)
                })
                .then((a.1, a.2).cmp(&(b.1, b.2)))
        };
        if entries.len() > self.k {
            entries.select_nth_unstable_by(self.k - 1, compare);
            let last = entries[self.k - 1];
            let limit = batches[last.1 as usize].keys.owned(last.2 as usize);
            let mut threshold = self.threshold.write();
            if threshold.as_ref().is_none_or(|t| limit < *t) {
                *threshold = Some(limit);
                self.publish(&batches[last.1 as usize].chunk, last.2 as usize)?;
            }
            drop(threshold);
            entries.truncate(self.k);
        }
        entries.sort_unstable_by_key(|e| (e.1, e.2));
        let mut kept = Vec::new();
        for rows in entries.chunk_by(|a, b| a.1 == b.1) {
            let mut chunk = batches[rows[0].1 as usize].chunk.clone();
            if rows.len() < chunk.len {
                chunk.select(rows.iter().map(|e| e.2).collect());
                chunk = tighten(chunk)?;
            }
            let keys = self.columns.keys(&chunk)?;
            let arrival = batches[rows[0].1 as usize].arrival;
            kept.push(Batch { chunk, keys, arrival });
        }
        self.rows = kept.iter().map(|b| b.chunk.len).sum();
        self.batches = kept;
        Ok(())
    }
}
