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
    cursor: Arc<AtomicUsize>,
    chunk_rows: usize,
}

impl Source for TailSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalTail {
            shared: Arc::clone(&self.shared),
            cursor: Arc::clone(&self.cursor),
            chunk_rows: cx.chunk_rows,
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
            let from = self.cursor.fetch_add(self.chunk_rows, Ordering::Relaxed);
            if from >= right.rows.len {
                return Ok(SourceStatus::Finished);
            }
            let to = (from + self.chunk_rows).min(right.rows.len);
            let rows: Vec<u32> = (from..to).filter(|r| !right.is_marked(*r)).map(|r| r as u32).collect();
            if rows.is_empty() {
                continue;
            }
            let mut columns: Vec<_> = self.shared.left_types.iter().map(|t| nulls(t, rows.len())).collect();
            for column in &right.rows.columns {
                columns.push(column.take(&rows)?);
            }
            let chunk = Chunk::new(columns, rows.len()).with_sequence(TAIL_SEQUENCE + from as u64);
            return Ok(SourceStatus::Chunk(chunk));
        }
    }
}
