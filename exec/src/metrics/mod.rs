//! What each plan node did, for EXPLAIN ANALYZE: rows, bytes, time, memory, spill, and what scans skipped.
//!
//! While a plan is metered, a [`Meter`] stands after every node of a pipeline. It counts rows and reads the clock when a
//! chunk comes in (what passed since the last reading was spent by its node) and when the rest of the pipeline returns
//! (that was spent by the consumer). So each node is charged its own time without an operator knowing of it. Memory, spill
//! and scans are reported by the operators through [`Usage`], once a grant, a block or a morsel; while nobody asks, a
//! [`Usage`] counts nothing but the task's [`Totals`].
//!
//! Counters are shared and live in one process; [`NodeFigures`] are what they stood at, and [`StagedRun`] is the sum over
//! the tasks of a cluster.

mod figures;
mod stages;
mod totals;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use rsql_common::metrics::{Counter, Gauge};
use rsql_common::{MemoryPool, Reservation, Result};
use rsql_expr::Chunk;

pub use figures::{NodeFigures, ScanFigures};
pub use stages::{StageRun, StagedRun, TaskRun};
pub(crate) use totals::Tally;
pub use totals::Totals;

use crate::concat::chunk_bytes;
use crate::pipeline::{Flow, LocalOperator, Operator, Output, TaskContext};

/// Counters of all nodes of a plan, in pre-order.
#[derive(Debug, Default)]
pub struct PlanMetrics {
    nodes: parking_lot::RwLock<Vec<NodeMetrics>>,
}

/// Counters of one node.
#[derive(Debug, Clone, Default)]
pub struct NodeMetrics {
    /// Rows put out.
    pub rows: Counter,
    /// Chunks put out.
    pub chunks: Counter,
    /// Nanoseconds of all workers.
    pub nanos: Counter,
    /// Bytes of the rows put out.
    pub bytes: Counter,
    /// Bytes written to spill files.
    pub spilled: Counter,
    /// Memory reserved.
    pub memory: Gauge,
    /// What a scan read and skipped.
    pub scan: ScanMetrics,
}

/// Counters of a scan.
#[derive(Debug, Clone, Default)]
pub struct ScanMetrics {
    /// Files.
    pub files: Counter,
    /// Files that runtime filters on partition columns ruled out.
    pub files_pruned: Counter,
    /// Row groups of the files.
    pub groups: Counter,
    /// Row groups that statistics ruled out.
    pub groups_pruned: Counter,
    /// Page ranges of the other row groups.
    pub ranges: Counter,
    /// Page ranges that page statistics ruled out.
    pub ranges_pruned: Counter,
    /// Rows of row groups and page ranges that statistics ruled out.
    pub rows_pruned: Counter,
    /// Rows that conditions dropped.
    pub rows_filtered: Counter,
    /// Rows that runtime filters dropped, those of ranges their bounds ruled out among them.
    pub rows_by_runtime: Counter,
    /// Bytes of pages read, as they are stored.
    pub bytes_read: Counter,
    /// The same pages' bytes after decompression.
    pub bytes_decompressed: Counter,
}

/// What an operator reports about itself: to its task, and to its node where somebody asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    node: Option<NodeMetrics>,
    totals: Totals,
}

impl Usage {
    /// For a node, perhaps with counters, of a task.
    pub fn of(node: Option<NodeMetrics>, totals: &Totals) -> Self {
        Self {
            node,
            totals: totals.clone(),
        }
    }

    /// A share of the pool that counts as the node's.
    pub fn register(&self, pool: &Arc<MemoryPool>, name: &str, revocable: bool) -> Reservation {
        pool.register_measured(name, revocable, self.node.as_ref().map(|n| n.memory.clone()))
    }

    /// Bytes went to a spill file.
    pub fn spilled(&self, bytes: u64) {
        self.totals.spilled.add(bytes);
        if let Some(node) = &self.node {
            node.spilled.add(bytes);
        }
    }

    /// A scan read bytes of pages, which were so many once they were decompressed.
    pub fn read(&self, bytes: u64, decompressed: u64) {
        self.totals.bytes_read.add(bytes);
        if let Some(scan) = self.scan() {
            scan.bytes_read.add(bytes);
            scan.bytes_decompressed.add(decompressed);
        }
    }

    /// The counters of a scan.
    pub fn scan(&self) -> Option<&ScanMetrics> {
        self.node.as_ref().map(|n| &n.scan)
    }
}

impl PlanMetrics {
    /// Counters of a node by its pre-order position.
    pub fn node(&self, index: usize) -> NodeMetrics {
        if let Some(node) = self.nodes.read().get(index) {
            return node.clone();
        }
        let mut nodes = self.nodes.write();
        if nodes.len() <= index {
            nodes.resize_with(index + 1, NodeMetrics::default);
        }
        nodes[index].clone()
    }

    /// All counters so far, in pre-order.
    pub fn nodes(&self) -> Vec<NodeMetrics> {
        self.nodes.read().clone()
    }

    /// What all counters stand at, in pre-order.
    pub fn figures(&self) -> Vec<NodeFigures> {
        self.nodes.read().iter().map(NodeFigures::from).collect()
    }
}

thread_local! {
    static MARK: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Forgets the last reading; the scheduler calls it when a worker takes up a pipeline.
pub(crate) fn start_clock() {
    MARK.set(Some(Instant::now()));
}

fn lap(counter: &Counter) {
    let now = Instant::now();
    if let Some(last) = MARK.replace(Some(now)) {
        counter.add(now.duration_since(last).as_nanos() as u64);
    }
}

/// Counts what a node puts out.
pub(crate) struct Meter {
    pub node: NodeMetrics,
    pub consumer: NodeMetrics,
}

struct LocalMeter {
    node: NodeMetrics,
    consumer: NodeMetrics,
}

impl Operator for Meter {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalMeter {
            node: self.node.clone(),
            consumer: self.consumer.clone(),
        }))
    }
}

impl LocalOperator for LocalMeter {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        lap(&self.node.nanos);
        self.node.rows.add(input.rows() as u64);
        self.node.chunks.add(1);
        self.node.bytes.add(selected_bytes(&input));
        let flow = out.push(input);
        lap(&self.consumer.nanos);
        flow
    }
}

/// Bytes of the selected rows.
fn selected_bytes(chunk: &Chunk) -> u64 {
    let all = chunk_bytes(chunk) as u64;
    match chunk.len {
        0 => 0,
        len => all * chunk.rows() as u64 / len as u64,
    }
}
