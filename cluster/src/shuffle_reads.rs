//! From what the scheduler says a task may read to the sources it reads from.

use std::sync::Arc;

use rsql_common::{Result, StageId};
use rsql_exec::stage_input::StageInputs;
use rsql_shuffle::{FetchClient, FetchOptions, MapOutput, OutputLocation, QueryKey, ShuffleInputs, Slice, StageRead};
use tokio::runtime::Handle;

use crate::core::Read;
use crate::rpc::messages::TaskInput;
use crate::security::{Identity, MEMBER_NAME, mutual_client};

/// Makes the inputs of tasks.
#[derive(Debug)]
pub(crate) struct Reader {
    client: Arc<FetchClient>,
}

impl Reader {
    /// A reader that fetches as `identity`.
    pub(crate) fn new(identity: &Identity, runtime: Handle) -> Self {
        let tls = mutual_client(identity, MEMBER_NAME);
        Self {
            client: Arc::new(FetchClient::new(runtime, Some(tls), FetchOptions::default())),
        }
    }

    /// What it fetches through.
    pub(crate) fn client(&self) -> &FetchClient {
        &self.client
    }

    /// The inputs of a task that reads `reads` of `outputs`.
    pub(crate) fn inputs(
        &self,
        reads: &[Read],
        outputs: &[TaskInput],
        key: Option<QueryKey>,
    ) -> Result<Arc<dyn StageInputs>> {
        let mut stages: Vec<(StageId, Vec<Slice>)> = Vec::new();
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
        let mut inputs = ShuffleInputs::new().with_client(Arc::clone(&self.client)).with_key(key);
        for (stage, slices) in stages {
            let of_stage: Vec<(MapOutput, OutputLocation)> = outputs
                .iter()
                .filter(|i| i.output.id.stage == stage)
                .map(|i| (i.output.clone(), i.location.clone()))
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
