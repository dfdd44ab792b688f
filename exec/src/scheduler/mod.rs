//! Runs pipelines on the workers of the process.
//!
//! ```text
//!   pool (process) ── fair turns ──> query ── smallest ready first ──> pipeline ── a morsel ──> worker's local chain
//! ```
//!
//! A worker asks the [`pool`] for a turn, runs one morsel through its local chain and asks again, so a short query does
//! not wait behind a long one. Idle workers return to rayon, where they help with the parallel parts of `finalize`.
//! [`query`] decides what may run: which pipelines are ready, when a source is drained, when tails and `finalize` come.

mod local;
mod pool;
mod query;

use std::sync::Arc;

use rsql_common::Result;

use crate::pipeline::{Operator, PipelineId, Sink, Source, TaskContext};
use crate::scan::Member;

pub(crate) use query::Query;

/// A source with what its rows pass; several branches if it reads for several.
pub(crate) struct Pipeline {
    pub source: Arc<dyn Source>,
    pub branches: Vec<Branch>,
    /// Pipelines that must be finalized before this one starts.
    pub dependencies: Vec<PipelineId>,
    pub estimate: f64,
    /// The source is one of several scans that are to be read together.
    pub member: Option<Member>,
}

/// Operators and a sink.
pub(crate) struct Branch {
    pub operators: Vec<Arc<dyn Operator>>,
    pub sink: Arc<dyn Sink>,
}

/// Starts pipelines; the query's [`Query::wait`] tells when they are done. It gets no turns while `gate` says no.
pub(crate) fn start(
    pipelines: Vec<Pipeline>,
    cx: Arc<TaskContext>,
    gate: impl Fn() -> bool + Send + Sync + 'static,
) -> Result<Arc<Query>> {
    let pool = pool::WorkerPool::of_threads(cx.threads)?;
    let query = Query::new(pipelines, cx);
    query.set_gate(Arc::new(gate));
    pool.submit(Arc::clone(&query));
    Ok(query)
}

/// Runs pipelines on the calling thread alone; for plans inside a running operator.
pub(crate) fn run_here(pipelines: Vec<Pipeline>, cx: Arc<TaskContext>) -> Result<()> {
    let query = Query::new(pipelines, cx);
    while let Some(turn) = query.take() {
        query.run(turn);
    }
    query.wait()
}

/// Lets pipelines whose source said `Blocked` ask it again.
pub fn wake() {
    pool::wake_all();
}
