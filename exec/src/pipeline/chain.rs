//! A pipeline under construction.

use std::sync::Arc;

use super::{Operator, Source};
use crate::scan::Member;

/// A finished pipeline of the graph, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId(pub usize);

/// A source and the operators after it; still without a sink.
pub struct Chain {
    /// Where rows come from.
    pub source: Arc<dyn Source>,
    /// What they pass, in order.
    pub operators: Vec<Arc<dyn Operator>>,
    /// Pipelines that must be finalized before this one starts.
    pub dependencies: Vec<PipelineId>,
    /// Low bits of sequence numbers that the source uses; a union puts its input's number above them.
    pub sequence_bits: u32,
    /// The source is one of several scans that are to be read together.
    pub(crate) member: Option<Member>,
}

impl Chain {
    /// A chain of just a source.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            operators: Vec::new(),
            dependencies: Vec::new(),
            sequence_bits: 44,
            member: None,
        }
    }

    /// Appends an operator.
    #[must_use]
    pub fn then(mut self, operator: Arc<dyn Operator>) -> Self {
        self.operators.push(operator);
        self
    }

    /// Waits for a pipeline.
    #[must_use]
    pub fn after(mut self, pipeline: PipelineId) -> Self {
        self.dependencies.push(pipeline);
        self
    }
}
