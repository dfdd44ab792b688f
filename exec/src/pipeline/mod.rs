//! Pipelines: a source, streaming operators and a sink, run morsel by morsel by the workers of the process.
//!
//! ```text
//!   Source ── chunks ──> Operator ──> Operator ──> Sink          (combine per worker, finalize once)
//! ```
//!
//! A pipeline breaker is a [`Sink`] plus a [`Source`] over one shared state. The local state of a worker is the trait
//! object itself; the global state is an `Arc` that it captured when it was opened, so nothing is downcast. Operators
//! push: they hand each output chunk to [`Output::push`] and stop when it says [`Flow::Stop`]. That replaces a
//! "have more output" status: the call stack is the continuation, and an operator that multiplies rows keeps no state
//! between calls.

mod chain;
mod context;

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::Chunk;

pub use chain::{Chain, PipelineId};
pub use context::TaskContext;

/// Whether more input is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Nothing downstream wants more rows; the source may stop.
    Stop,
}

/// What a source gives.
#[derive(Debug)]
pub enum SourceStatus {
    /// Some rows.
    Chunk(Chunk),
    /// The current morsel is done; call again for the next one. The worker may turn to other work in between.
    MorselDone,
    /// No rows at present; the source wakes the scheduler when there are (remote input).
    Blocked,
    /// No more rows for this worker.
    Finished,
}

/// Where chunks go.
pub trait Output {
    /// Takes a chunk; empty ones are dropped by the implementation.
    fn push(&mut self, chunk: Chunk) -> Result<Flow>;
}

/// Start of a pipeline.
pub trait Source: Send + Sync {
    /// A worker's view. Called once a worker, after all dependencies of the pipeline are finalized.
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>>;

    /// Most workers that can help; known when dependencies are done.
    fn parallelism(&self) -> usize {
        usize::MAX
    }

    /// A worker's sequence numbers only grow from one morsel to its next, and a morsel that is taken has larger ones than
    /// all that were taken before. Then rows can be put in order while they come.
    fn ascending(&self) -> bool {
        false
    }
}

/// A worker's view of a source.
pub trait LocalSource: Send {
    /// The next rows. Chunks carry ascending [`Chunk::sequence`] numbers within a morsel, morsels ascending numbers too.
    fn next(&mut self) -> Result<SourceStatus>;

    /// Which branch of a pipeline with several the last chunk is for.
    fn branch(&self) -> usize {
        0
    }

    /// A branch wants no more rows of this worker; says stop if no other does.
    fn leave(&mut self, _branch: usize) -> Flow {
        Flow::Stop
    }
}

/// Streaming part of a pipeline.
pub trait Operator: Send + Sync {
    /// A worker's view.
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>>;

    /// Rows that can only be known when all input was seen (unmatched build rows of a RIGHT join). The driver runs
    /// this source through the operators that follow once every worker has drained the pipeline's source.
    fn tail(&self) -> Option<Arc<dyn Source>> {
        None
    }
}

/// A worker's view of an operator.
pub trait LocalOperator: Send {
    /// Processes a chunk (possibly with a selection), pushing what comes of it. Output chunks inherit the input's
    /// sequence number.
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow>;

    /// All input of this worker was seen: push what was held back.
    fn flush(&mut self, _out: &mut dyn Output) -> Result<Flow> {
        Ok(Flow::Continue)
    }
}

/// End of a pipeline.
pub trait Sink: Send + Sync {
    /// A worker's view.
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>>;

    /// Called once, after every worker's [`LocalSink::combine`].
    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()>;
}

/// A worker's view of a sink.
pub trait LocalSink: Send {
    /// Takes a chunk (possibly with a selection).
    fn sink(&mut self, chunk: Chunk) -> Result<Flow>;

    /// Hands the worker's state to the global state.
    fn combine(&mut self) -> Result<()>;
}
