//! Right rows that found no partner.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rsql_common::Result;
use rsql_expr::Chunk;

use super::Shared;
use super::probe::nulls;
use crate::hash_join::TAIL_SEQUENCE;
use crate::pipeline::{LocalSource, Source, SourceStatus, TaskContext};

pub(super) struct TailSource {
    shared: Arc<Shared>,
    cursor: Arc<AtomicUsize>,
}

impl TailSource {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            cursor: Arc::default(),
        }
    }
}

struct LocalTail {
    shared: Arc<Shared>,
    /// Next block.
    cursor: Arc<AtomicUsize>,
    cx: Arc<TaskContext>,
    /// Rows of the block being put out.
    rows: Chunk,
    /// The block's first row, and how many of its rows are done.
    at: Option<(usize, usize)>,
}

impl Source for TailSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalTail {
            shared: Arc::clone(&self.shared),
            cursor: Arc::clone(&self.cursor),
            cx: Arc::clone(cx),
            rows: Chunk::new(Vec::new(), 0),
            at: None,
        }))
    }

    fn parallelism(&self) -> usize {
        1
    }
}

impl LocalSource for LocalTail {
    fn next(&mut self) -> Result<SourceStatus> {
        let Some(right) = self.shared.right.get() else {
            return Ok(SourceStatus::Finished);
        };
        loop {
            self.cx.cancel.check()?;
            let size = self.cx.chunk_rows;
            if self.at.is_none_or(|(_, chunk_at)| chunk_at >= self.rows.len) {
                let block = self.cursor.fetch_add(1, Ordering::Relaxed);
                let Some(next) = right.blocks.get(block) else {
                    return Ok(SourceStatus::Finished);
                };
                self.rows = next.stored.load()?;
                self.at = Some((next.first, 0));
            }
            let Some((first, from)) = self.at else { continue };
            let to = (from + size).min(self.rows.len);
            self.at = Some((first, to));
            let rows: Vec<u32> = (from..to)
                .filter(|r| !right.is_marked(first + *r))
                .map(|r| r as u32)
                .collect();
            if rows.is_empty() {
                continue;
            }
            let mut columns: Vec<_> = self.shared.left_types.iter().map(|t| nulls(t, rows.len())).collect();
            for column in &self.rows.columns {
                columns.push(column.take(&rows)?);
            }
            let sequence = TAIL_SEQUENCE + (first + from) as u64;
            return Ok(SourceStatus::Chunk(
                Chunk::new(columns, rows.len()).with_sequence(sequence),
            ));
        }
    }
}
