//! Runs one task of a stage: reads its slices of earlier outputs, runs the stage's plan, writes one shuffle output or files of
//! a table.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rsql_common::{CancelToken, Error, ExecutorId, MemoryPool, Result};
use rsql_exec::TaskContext;
use rsql_exec::metrics::{NodeFigures, PlanMetrics, Totals};
use rsql_exec::stage_input::TaskSite;
use rsql_exec::write::{WrittenFile, write_task};
use rsql_expr::FunctionRegistry;
use rsql_shuffle::{MapOutput, RangeBounds, ShuffleSink, ShuffleStore, WriteOptions, WriteSpec};
use tokio::runtime::Handle;

use crate::executor::ExecutorConfig;
use crate::rpc::messages::{Launch, OutputCopy};
use crate::security::Identity;
use crate::shuffle_reads;
use crate::stage_plan::StagePlan;

/// What all tasks of an executor share.
pub(crate) struct Surroundings {
    registry: Arc<FunctionRegistry>,
    memory: Arc<MemoryPool>,
    store: Arc<ShuffleStore>,
    reader: shuffle_reads::Reader,
    cores: usize,
    local_dir: PathBuf,
    executor: AtomicU32,
}

impl Surroundings {
    pub(crate) fn new(
        config: &ExecutorConfig,
        identity: &Identity,
        store: Arc<ShuffleStore>,
        memory: Arc<MemoryPool>,
        runtime: Handle,
    ) -> Self {
        Self {
            registry: rsql_engine::function_registry(),
            memory,
            reader: shuffle_reads::Reader::new(identity, runtime).with_opened(Arc::clone(store.opened())),
            store,
            cores: config.cores,
            local_dir: config.local_dir.clone(),
            executor: AtomicU32::new(0),
        }
    }

    pub(crate) fn set_executor(&self, executor: ExecutorId) {
        self.executor.store(executor.0, Ordering::Relaxed);
    }

    pub(crate) fn store(&self) -> &ShuffleStore {
        &self.store
    }

    /// Takes over an output of another executor.
    pub(crate) async fn copy(&self, copy: &OutputCopy) -> Result<()> {
        let client = self.reader.client();
        rsql_shuffle::copy_output(client, &copy.output, &copy.location, &copy.schema, &self.store).await
    }
}

/// What an attempt leaves behind.
pub(crate) enum TaskOutput {
    /// A shuffle output, and what each node of the plan did, if that is to be known.
    Shuffled(MapOutput, Vec<NodeFigures>),
    /// Files of a table, not visible yet.
    Wrote(Vec<WrittenFile>),
}

/// Runs an attempt to its end; `totals` grow meanwhile.
pub(crate) fn run_task(
    launch: &Launch,
    plan: &StagePlan,
    cancel: &CancelToken,
    totals: &Totals,
    around: &Surroundings,
) -> Result<TaskOutput> {
    let stage = &plan.stage;
    let settings = plan.settings(&[
        ("rsql.exec.threads", around.cores.to_string()),
        ("rsql.local.dir", around.local_dir.display().to_string()),
    ])?;
    let mut cx = TaskContext::new(
        &settings,
        Arc::clone(&around.registry),
        around.memory.share(launch.memory),
    )?;
    cx.cancel = cancel.clone();
    cx.totals = totals.clone();
    cx.metrics = plan.metered.then(Arc::<PlanMetrics>::default);
    cx.site = Some(TaskSite {
        index: launch.attempt.task.task as usize,
        tasks: stage.tasks,
        inputs: around
            .reader
            .inputs(&stage.inputs, &launch.reads, &launch.inputs, launch.key.clone())?,
    });
    if let Some(write) = &plan.write {
        let attempt = launch.attempt;
        let files = write_task(&stage.plan, write, attempt.task.task, attempt.attempt, &Arc::new(cx))?;
        return Ok(TaskOutput::Wrote(files));
    }
    let bounds = match &launch.bounds {
        None => None,
        Some(bounds) => Some(Arc::new(
            postcard::from_bytes::<RangeBounds>(&bounds.0)
                .map_err(|e| Error::internal(format!("range bounds cannot be decoded: {e}")))?,
        )),
    };
    let spec = WriteSpec {
        output: launch.attempt.output(),
        schema: stage.plan.schema().clone(),
        partitioning: stage.partitioning.clone(),
        bounds,
        sample: stage.sample.clone(),
        sample_only: stage.sample_only,
        options: WriteOptions::from_settings(&settings, launch.key.clone()),
    };
    let metrics = cx.metrics.clone();
    let sink = ShuffleSink::new(Arc::clone(&around.store), spec, &cx)?;
    rsql_exec::run_into(&stage.plan, Arc::clone(&sink) as _, Arc::new(cx))?;
    let nodes = metrics.map(|m| m.figures()).unwrap_or_default();
    Ok(TaskOutput::Shuffled(sink.output()?, nodes))
}
