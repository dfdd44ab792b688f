//! The reading end of an exchange: sources over the outputs of earlier stages.
//!
//! A task reads [`crate::Slice`]s: a partition of a range of maps. Each slice and map is a [`ReadUnit`] with the figures
//! that the scheduler knows; the reader holds the bytes it gets against them. Units in the reader's own file system are
//! read from the file, the others come through the fetch service. Workers take blocks from one queue; a chunk's sequence
//! number says its unit and block, so the order within a partition can be had again.

mod local;
mod open;
mod progress;
mod queue;
mod source;
mod unit;

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{Error, Result, StageId};
use rsql_exec::TaskContext;
use rsql_exec::pipeline::Source;
use rsql_exec::stage_input::StageInputs;
use rsql_expr::Schema;

use crate::format::QueryKey;
use crate::service::FetchClient;

pub(crate) use local::{Fault, ReadFailure};
pub use open::OpenOutputs;
pub(crate) use progress::{Frame, UnitReader};
pub(crate) use queue::BlockQueue;
pub use unit::{ReadUnit, StageRead};

/// The inputs of one task.
#[derive(Debug, Default)]
pub struct ShuffleInputs {
    stages: HashMap<StageId, Arc<StageRead>>,
    key: Option<QueryKey>,
    client: Option<Arc<FetchClient>>,
    opened: Option<Arc<OpenOutputs>>,
}

impl ShuffleInputs {
    /// No inputs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what is to be read of a stage.
    #[must_use]
    pub fn with(mut self, stage: StageId, read: StageRead) -> Self {
        self.stages.insert(stage, Arc::new(read));
        self
    }

    /// Says the key that encrypted outputs of the query are under.
    #[must_use]
    pub fn with_key(mut self, key: Option<QueryKey>) -> Self {
        self.key = key;
        self
    }

    /// Keeps outputs in the reader's file system open among these.
    #[must_use]
    pub fn with_opened(mut self, opened: Arc<OpenOutputs>) -> Self {
        self.opened = Some(opened);
        self
    }

    /// Fetches through this client what does not lie in the reader's file system.
    #[must_use]
    pub fn with_client(mut self, client: Arc<FetchClient>) -> Self {
        self.client = Some(client);
        self
    }
}

impl StageInputs for ShuffleInputs {
    fn source(&self, stage: StageId, schema: &Schema, cx: &Arc<TaskContext>) -> Result<Arc<dyn Source>> {
        let read = self
            .stages
            .get(&stage)
            .ok_or_else(|| Error::internal(format!("the task was not told where {stage}'s rows are")))?;
        let queue = BlockQueue::new(Arc::clone(read), schema, self, cx)?;
        Ok(Arc::new(source::ShuffleSource::new(queue)))
    }
}

#[cfg(test)]
mod tests;
