//! Join by any condition: every left row meets every right row.
//!
//! The right side is collected; left chunks stream past it in blocks of about a chunk of pairs, which the condition
//! filters. Left rows keep their order. For RIGHT and FULL, right rows without partner come at the end. A right side of
//! one row (scalar subqueries, global aggregates) becomes constant columns, and nothing of the left is copied.
//!
//! What of the right side the pool has no memory for lies in spill files. It is then read block by block, once for
//! several left chunks, and left rows that found nothing come after those that found something.

mod blocks;
mod probe;
mod tail;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::datatypes::DataType;
use rsql_common::{Reservation, Result};
use rsql_expr::{Chunk, Expr};
use rsql_planner::logical::JoinKind;
use rsql_planner::physical::NestedLoopJoin;

use crate::build::Builder;
use crate::concat::{chunk_bytes, concat_chunks};
use crate::hash_join::engine_types;
use crate::materialize::{ChunkTable, CollectSink, Stored};
use crate::metrics::Usage;
use crate::pipeline::{Chain, LocalSink, Sink, TaskContext};

use probe::Probe;

/// Collects the right side and appends the probe to the left's chain.
pub(crate) fn build(node: &NestedLoopJoin, b: &mut Builder) -> Result<Chain> {
    let shared = Arc::new(Shared {
        kind: node.kind,
        filter: node.filter.clone().filter(|f| !f.is_true()),
        null_aware: node.null_aware,
        left_types: engine_types(node.left.schema()),
        right_types: engine_types(node.right.schema()),
        right: OnceLock::new(),
    });
    let (left, right) = (b.chain(&node.left)?, b.chain(&node.right)?);
    let table = ChunkTable::new();
    let (types, usage) = (shared.right_types.clone().into(), b.usage());
    let sink = RightSink {
        collect: CollectSink::new(Arc::clone(&table), types, usage.clone()),
        usage,
        table,
        shared: Arc::clone(&shared),
    };
    let collected = b.finish(right, Arc::new(sink));
    Ok(left.then(Arc::new(Probe::new(shared))).after(collected))
}

/// What sink, probe and tail share.
pub(super) struct Shared {
    kind: JoinKind,
    /// Over left columns, then right columns.
    filter: Option<Expr>,
    /// UNKNOWN differs from FALSE.
    null_aware: bool,
    left_types: Vec<DataType>,
    right_types: Vec<DataType>,
    right: OnceLock<RightSide>,
}

/// The collected side.
pub(super) struct RightSide {
    rows: usize,
    /// All rows; a single block if they are in memory.
    blocks: Vec<RightBlock>,
    _reserved: Vec<Reservation>,
    /// One bit a row that found a partner; empty where nobody asks.
    matched: Vec<AtomicU64>,
}

/// Some rows of the collected side.
pub(super) struct RightBlock {
    /// Number of the first row.
    first: usize,
    stored: Stored,
}

impl Shared {
    fn pairs(&self) -> bool {
        use JoinKind::{Full, Inner, Left, LeftSingle, Right};
        matches!(self.kind, Inner | Left | Right | Full | LeftSingle)
    }

    fn left_outer(&self) -> bool {
        matches!(self.kind, JoinKind::Left | JoinKind::Full | JoinKind::LeftSingle)
    }

    fn right_outer(&self) -> bool {
        matches!(self.kind, JoinKind::Right | JoinKind::Full)
    }
}

impl RightSide {
    fn new(chunks: Vec<Stored>, reserved: Vec<Reservation>, outer: bool) -> Self {
        let mut rows = 0;
        let mut blocks = Vec::with_capacity(chunks.len());
        for stored in chunks {
            let first = rows;
            rows += stored.rows();
            blocks.push(RightBlock { first, stored });
        }
        let words = if outer { rows.div_ceil(64) } else { 0 };
        Self {
            rows,
            blocks,
            _reserved: reserved,
            matched: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn mark(&self, row: usize) {
        if let Some(word) = self.matched.get(row / 64) {
            word.fetch_or(1 << (row % 64), Ordering::Relaxed);
        }
    }

    fn is_marked(&self, row: usize) -> bool {
        self.matched[row / 64].load(Ordering::Relaxed) >> (row % 64) & 1 == 1
    }
}

struct RightSink {
    collect: CollectSink,
    table: Arc<ChunkTable>,
    shared: Arc<Shared>,
    usage: Usage,
}

impl Sink for RightSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        self.collect.open(cx)
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        self.collect.finalize(cx)?;
        let (chunks, reserved) = self.table.take();
        let chunks = self.joined(chunks.to_vec(), cx)?;
        let right = RightSide::new(chunks, reserved, self.shared.right_outer());
        _ = self.shared.right.set(right);
        Ok(())
    }
}

impl RightSink {
    /// The rows as one chunk, if all are in memory and there is room for a moment's second copy.
    fn joined(&self, stored: Vec<Stored>, cx: &TaskContext) -> Result<Vec<Stored>> {
        let chunks: Option<Vec<Chunk>> = stored.iter().map(|s| s.in_memory().cloned()).collect();
        let Some(chunks) = chunks.filter(|c| c.len() > 1) else {
            return Ok(stored);
        };
        let copy = self.usage.register(&cx.memory, "nested loop join", false);
        if copy.try_grow(chunks.iter().map(chunk_bytes).sum()).is_err() {
            return Ok(stored);
        }
        Ok(vec![Stored::memory(concat_chunks(&chunks, &self.shared.right_types)?)])
    }
}
