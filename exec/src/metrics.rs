//! Rows and time by plan node, for EXPLAIN ANALYZE.
//!
//! While a plan is metered, a [`Meter`] stands after every node of a pipeline. It counts rows and reads the clock when a
//! chunk comes in (what passed since the last reading was spent by its node) and when the rest of the pipeline returns
//! (that was spent by the consumer). So each node is charged its own time without an operator knowing of it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use rsql_common::Result;
use rsql_common::metrics::Counter;
use rsql_expr::Chunk;

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
        let flow = out.push(input);
        lap(&self.consumer.nanos);
        flow
    }
}
