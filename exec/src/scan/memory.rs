//! Batches in this process as a source.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use rsql_common::Result;
use rsql_expr::{Chunk, Vector};
use rsql_planner::physical::Scan;

use crate::pipeline::{LocalSource, Source, SourceStatus, TaskContext};

/// A morsel is a batch, handed out in slices.
pub(crate) struct MemorySource {
    batches: Arc<Vec<RecordBatch>>,
    columns: Arc<[usize]>,
    chunk_rows: usize,
    cursor: Arc<AtomicUsize>,
}

impl MemorySource {
    pub fn new(node: &Scan, batches: &Arc<Vec<RecordBatch>>, cx: &TaskContext) -> Self {
        Self {
            batches: share_of(batches, cx),
            columns: node.columns.clone().into(),
            chunk_rows: cx.chunk_rows,
            cursor: Arc::default(),
        }
    }
}

/// The rows that the task gives.
fn share_of(batches: &Arc<Vec<RecordBatch>>, cx: &TaskContext) -> Arc<Vec<RecordBatch>> {
    if cx.site.is_none() {
        return Arc::clone(batches);
    }
    let share = cx.share(batches.iter().map(|b| b.num_rows() as u64).sum());
    let mut begin = 0;
    let mut parts = Vec::new();
    for batch in batches.iter() {
        let end = begin + batch.num_rows() as u64;
        let (from, to) = (share.start.max(begin), share.end.min(end));
        if from < to {
            parts.push(batch.slice((from - begin) as usize, (to - from) as usize));
        }
        begin = end;
    }
    Arc::new(parts)
}

struct LocalMemory {
    batches: Arc<Vec<RecordBatch>>,
    columns: Arc<[usize]>,
    chunk_rows: usize,
    cursor: Arc<AtomicUsize>,
    current: Option<(usize, usize)>,
}

impl Source for MemorySource {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalMemory {
            batches: Arc::clone(&self.batches),
            columns: Arc::clone(&self.columns),
            chunk_rows: self.chunk_rows,
            cursor: Arc::clone(&self.cursor),
            current: None,
        }))
    }

    fn parallelism(&self) -> usize {
        self.batches.len().max(1)
    }

    fn ascending(&self) -> bool {
        true
    }
}

impl LocalSource for LocalMemory {
    fn next(&mut self) -> Result<SourceStatus> {
        let (index, at) = match self.current {
            Some(place) => place,
            None => {
                let index = self.cursor.fetch_add(1, Ordering::Relaxed);
                if index >= self.batches.len() {
                    return Ok(SourceStatus::Finished);
                }
                (index, 0)
            }
        };
        let batch = &self.batches[index];
        let n = self.chunk_rows.min(batch.num_rows() - at);
        if n == 0 {
            self.current = None;
            return Ok(SourceStatus::MorselDone);
        }
        self.current = Some((index, at + n));
        let columns = self
            .columns
            .iter()
            .map(|c| Vector::Flat(batch.column(*c).slice(at, n)))
            .collect();
        let sequence = (index as u64) << 20 | (at / self.chunk_rows) as u64;
        Ok(SourceStatus::Chunk(Chunk::new(columns, n).with_sequence(sequence)))
    }
}
