//! From what the scheduler says a task may read to the sources it reads from.

use std::sync::Arc;

use rsql_common::{Result, StageId};
use rsql_exec::stage_input::StageInputs;
use rsql_planner::stages::StageEdge;
use rsql_shuffle::{
    FetchClient, FetchOptions, MapOutput, OpenOutputs, OutputLocation, PartialOutput, QueryKey, ShuffleInputs, Slice,
    StageRead,
};
use tokio::runtime::Handle;

use crate::core::Read;
use crate::rpc::messages::HeldOutputs;
use crate::security::{Identity, MEMBER_NAME, mutual_client};

/// Makes the inputs of tasks.
#[derive(Debug)]
pub(crate) struct Reader {
    client: Arc<FetchClient>,
    opened: Option<Arc<OpenOutputs>>,
}

impl Reader {
    /// A reader that fetches as `identity`.
    pub(crate) fn new(identity: &Identity, runtime: Handle) -> Self {
        let tls = mutual_client(identity, MEMBER_NAME);
        Self {
            client: Arc::new(FetchClient::new(runtime, Some(tls), FetchOptions::default())),
            opened: None,
        }
    }

    /// Keeps outputs that are read from the disk open among these.
    #[must_use]
    pub(crate) fn with_opened(mut self, opened: Arc<OpenOutputs>) -> Self {
        self.opened = Some(opened);
        self
    }

    /// What it fetches through.
    pub(crate) fn client(&self) -> &FetchClient {
        &self.client
    }

    /// The inputs of a task that reads `reads` of what is `held`; its stage reads over `edges`.
    pub(crate) fn inputs(
        &self,
        edges: &[StageEdge],
        reads: &[Read],
        held: &[HeldOutputs],
        key: Option<QueryKey>,
    ) -> Result<Arc<dyn StageInputs>> {
        let mut inputs = ShuffleInputs::new().with_client(Arc::clone(&self.client)).with_key(key);
        if let Some(opened) = &self.opened {
            inputs = inputs.with_opened(Arc::clone(opened));
        }
        for (stage, slices) in slices_by_stage(edges, reads) {
            let outputs = held.iter().flat_map(|h| h.outputs.iter().map(move |o| (h, o)));
            let of_stage: Vec<(PartialOutput, OutputLocation)> = outputs
                .filter(|(_, output)| output.id.stage == stage)
                .map(|(held, output)| (output.clone(), held.location(output)))
                .collect();
            inputs = inputs.with(stage, StageRead::new(&of_stage, &slices)?);
        }
        Ok(Arc::new(inputs))
    }

    /// All of one output, as the input of `stage`.
    pub(crate) fn whole(
        &self,
        output: &MapOutput,
        location: &OutputLocation,
        key: Option<QueryKey>,
    ) -> Result<Arc<dyn StageInputs>> {
        let read = StageRead::everything(&[(output.clone(), location.clone())])?;
        let inputs = ShuffleInputs::new().with_client(Arc::clone(&self.client)).with_key(key);
        Ok(Arc::new(inputs.with(output.id.stage, read)))
    }
}

/// What a task reads of each stage that its plan names: of some nothing, if there are fewer maps or partitions than tasks.
fn slices_by_stage(edges: &[StageEdge], reads: &[Read]) -> Vec<(StageId, Vec<Slice>)> {
    let mut stages: Vec<(StageId, Vec<Slice>)> = edges.iter().map(|e| (e.stage, Vec::new())).collect();
    for read in reads {
        let slice = Slice {
            partition: read.partition,
            maps: read.maps.clone(),
        };
        match stages.iter_mut().find(|(stage, _)| *stage == read.stage) {
            Some((_, slices)) => slices.push(slice),
            None => stages.push((read.stage, vec![slice])),
        }
    }
    stages
}

#[cfg(test)]
mod tests {
    use rsql_planner::stages;

    use super::*;

    #[test]
    fn a_task_knows_also_the_stages_of_which_it_reads_nothing() {
        let edge = |stage| StageEdge {
            stage: StageId(stage),
            read: stages::StageRead::Task,
        };
        let read = Read {
            stage: StageId(1),
            partition: 0,
            maps: 2..4,
        };
        let slice = Slice {
            partition: 0,
            maps: 2..4,
        };
        assert_eq!(
            slices_by_stage(&[edge(0), edge(1)], &[read]),
            [(StageId(0), vec![]), (StageId(1), vec![slice])]
        );
    }
}
