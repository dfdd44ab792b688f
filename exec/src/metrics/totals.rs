//! What a task as a whole has read and spilled so far: counted always, whether or not its plan is metered.

use std::sync::Arc;

use rsql_common::Result;
use rsql_common::metrics::Counter;
use rsql_expr::Chunk;

use crate::pipeline::{Flow, LocalOperator, Operator, Output, TaskContext};

/// Counters of a task. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Rows that its scans and the outputs of earlier stages gave.
    pub rows_read: Counter,
    /// Bytes that these took, as they are stored.
    pub bytes_read: Counter,
    /// Bytes written to spill files.
    pub spilled: Counter,
}

/// Counts the rows that a leaf gives.
pub(crate) struct Tally;

struct LocalTally(Counter);

impl Operator for Tally {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalTally(cx.totals.rows_read.clone())))
    }
}

impl LocalOperator for LocalTally {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        self.0.add(input.rows() as u64);
        out.push(input)
    }
}
