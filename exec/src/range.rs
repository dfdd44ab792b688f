//! `range(start, end, step)`: numbers made as they are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::Int64Array;
use rsql_common::Result;
use rsql_expr::{Chunk, Vector};
use rsql_planner::physical::Range;

use crate::build::Builder;
use crate::pipeline::{Chain, LocalSource, Source, SourceStatus, TaskContext};

/// Chunks in a morsel.
const MORSEL_CHUNKS: u64 = 16;

pub(crate) fn build(node: &Range, b: &mut Builder) -> Result<Chain> {
    let (start, end, step) = (i128::from(node.start), i128::from(node.end), i128::from(node.step));
    let rows = if (step > 0 && start >= end) || (step < 0 && start <= end) || step == 0 {
        0
    } else {
        ((end - start).unsigned_abs()).div_ceil(step.unsigned_abs()) as u64
    };
    let share = b.cx().share(rows);
    Ok(Chain::new(Arc::new(RangeSource {
        start: node.start.wrapping_add((share.start as i64).wrapping_mul(node.step)),
        step: node.step,
        rows: share.end - share.start,
        chunk_rows: b.cx().chunk_rows as u64,
        cursor: Arc::default(),
    })))
}

#[derive(Clone)]
struct RangeSource {
    start: i64,
    step: i64,
    rows: u64,
    chunk_rows: u64,
    /// Next morsel.
    cursor: Arc<AtomicU64>,
}

struct LocalRange {
    range: RangeSource,
    next: u64,
    end: u64,
}

impl Source for RangeSource {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalRange {
            range: self.clone(),
            next: 0,
            end: 0,
        }))
    }

    fn parallelism(&self) -> usize {
        usize::try_from(self.rows / (self.chunk_rows * MORSEL_CHUNKS) + 1).unwrap_or(usize::MAX)
    }

    fn ascending(&self) -> bool {
        true
    }
}

impl LocalSource for LocalRange {
    fn next(&mut self) -> Result<SourceStatus> {
        let r = &self.range;
        if self.next >= self.end {
            let size = r.chunk_rows * MORSEL_CHUNKS;
            let morsel = r.cursor.fetch_add(1, Ordering::Relaxed);
            let Some(start) = morsel.checked_mul(size).filter(|s| *s < r.rows) else {
                return Ok(SourceStatus::Finished);
            };
            let first = self.end == 0;
            self.next = start;
            self.end = start.saturating_add(size).min(r.rows);
            if !first {
                return Ok(SourceStatus::MorselDone);
            }
        }
        let n = r.chunk_rows.min(self.end - self.next);
        let base = r.start.wrapping_add((self.next as i64).wrapping_mul(r.step));
        let values = Int64Array::from_iter_values((0..n as i64).map(|i| base.wrapping_add(i.wrapping_mul(r.step))));
        let chunk =
            Chunk::new(vec![Vector::Flat(Arc::new(values))], n as usize).with_sequence(self.next / r.chunk_rows);
        self.next += n;
        Ok(SourceStatus::Chunk(chunk))
    }
}
