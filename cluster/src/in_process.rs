//! Distributed execution within this process: stages and their tasks one after another, with shuffle files between.
//!
//! What a cluster does to a plan is done here too (exchanges, stages, shares, partitions, encoded plans), so that a
//! distributed answer can be compared with the local one in milliseconds.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rsql_common::{Error, ExecutorId, OutputId, QueryId, Result, Settings, StageId};
use rsql_exec::runner::{ChunkStream, PrepareContext, Run, Runner};
use rsql_exec::stage_input::TaskSite;
use rsql_exec::{LocalRunner, QueryHandle, TaskContext};
use rsql_expr::{Chunk, Schema};
use rsql_planner::PhysicalPlan;
use rsql_planner::distribute::{ClusterShape, DistributeContext, distribute};
use rsql_planner::physical::{Partitioning, StageInput};
use rsql_planner::stages::{Stage, StageGraph, cut};
use rsql_shuffle::{
    MapOutput, OutputLocation, RangeBounds, ShuffleInputs, ShuffleSink, ShuffleStore, StageRead, WriteOptions,
    WriteSpec,
};

/// Plans for a cluster and runs all of it here.
#[derive(Debug)]
pub struct InProcessRunner {
    slots: usize,
    store: Arc<ShuffleStore>,
    queries: AtomicU64,
    stages: AtomicU32,
}

/// The outputs of a stage, by task.
type Outputs = Vec<(MapOutput, OutputLocation)>;

impl InProcessRunner {
    /// A runner that plans for so many slots and keeps shuffle files below `root`.
    pub fn new(slots: usize, root: &Path) -> Result<Self> {
        Ok(Self {
            slots,
            store: ShuffleStore::open(root)?,
            queries: AtomicU64::new(0),
            stages: AtomicU32::new(0),
        })
    }

    /// Stages that were run so far; to see that plans were distributed at all.
    pub fn stages_run(&self) -> u32 {
        self.stages.load(Ordering::Relaxed)
    }

    fn shape(&self, settings: &Settings) -> Result<ClusterShape> {
        // One slot still is planned with exchanges: two executors, of which one is busy.
        ClusterShape::from_settings(settings, 2, self.slots)
    }
}

impl Runner for InProcessRunner {
    fn prepare(&self, plan: PhysicalPlan, cx: &PrepareContext<'_>) -> Result<PhysicalPlan> {
        distribute(
            plan,
            &DistributeContext {
                shape: &self.shape(cx.settings)?,
                registry: cx.registry,
                ids: cx.ids,
            },
        )
    }

    fn stages(&self, plan: &PhysicalPlan, settings: &Settings) -> Result<Option<StageGraph>> {
        cut(plan.clone(), &self.shape(settings)?).map(Some)
    }

    fn start(&self, run: Run) -> Result<Box<dyn ChunkStream>> {
        let graph = cut(PhysicalPlan::clone(&run.plan), &self.shape(&run.settings)?)?;
        if let [only] = graph.stages.as_slice()
            && only.tasks == 1
        {
            return LocalRunner.start(run);
        }
        let query = RunningQuery {
            id: QueryId(self.queries.fetch_add(1, Ordering::Relaxed)),
            store: Arc::clone(&self.store),
        };
        let mut outputs: HashMap<StageId, Outputs> = HashMap::new();
        for stage in &graph.stages {
            self.stages.fetch_add(1, Ordering::Relaxed);
            let made = run_stage(stage, &graph, &outputs, &query, &run)?;
            outputs.insert(stage.id, made);
        }
        let result = graph.result().ok_or_else(|| Error::internal("a plan without stages"))?;
        let read = StageRead::everything(&outputs[&result.id])?;
        let plan = PhysicalPlan::StageInput(StageInput {
            stage: result.id,
            schema: run.plan.schema().clone(),
            estimate: 0.0,
        });
        let cx = task_context(&run, 0, 1, ShuffleInputs::new().with(result.id, read))?;
        Ok(Box::new(Results {
            rows: rsql_exec::start(&plan, Arc::new(cx))?,
            _query: query,
        }))
    }
}

fn run_stage(
    stage: &Stage,
    graph: &StageGraph,
    outputs: &HashMap<StageId, Outputs>,
    query: &RunningQuery,
    run: &Run,
) -> Result<Outputs> {
    let stage = &travelled(stage)?;
    let bounds = match (&stage.partitioning, stage.inputs.as_slice()) {
        (Partitioning::Range { partitions, .. }, [sampled]) => {
            let samples = outputs[&sampled.stage].iter().filter_map(|(o, _)| o.sample.as_ref());
            Some(Arc::new(RangeBounds::from_samples(samples, *partitions)))
        }
        _ => None,
    };
    let mut made = Vec::with_capacity(stage.tasks);
    for task in 0..stage.tasks {
        let mut inputs = ShuffleInputs::new();
        for edge in &stage.inputs {
            let producer = graph
                .stage(edge.stage)
                .ok_or_else(|| Error::internal(format!("{} reads {}, which is not there", stage.id, edge.stage)))?;
            let slices = stage.slices(edge, producer, task);
            inputs = inputs.with(edge.stage, StageRead::new(&outputs[&edge.stage], &slices)?);
        }
        let cx = task_context(run, task, stage.tasks, inputs)?;
        let output = OutputId {
            query: query.id,
            stage: stage.id,
            map: task as u32,
            attempt: 0,
        };
        let spec = WriteSpec {
            output,
            schema: stage.plan.schema().clone(),
            partitioning: stage.partitioning.clone(),
            bounds: bounds.clone(),
            sample: stage.sample.clone(),
            options: WriteOptions::default(),
        };
        let sink = ShuffleSink::new(Arc::clone(&query.store), spec, &cx)?;
        rsql_exec::run_into(&stage.plan, Arc::clone(&sink) as _, Arc::new(cx))?;
        let location = OutputLocation {
            output,
            executor: ExecutorId(0),
            endpoint: String::new(),
            local_dir: Some(query.store.dir().to_path_buf()),
        };
        made.push((sink.output()?, location));
    }
    Ok(made)
}

/// The stage as an executor would get it. Rows in this process's memory do not travel; they stay.
fn travelled(stage: &Stage) -> Result<Stage> {
    match postcard::to_stdvec(stage) {
        Ok(bytes) => {
            postcard::from_bytes(&bytes).map_err(|e| Error::internal(format!("{} cannot be decoded: {e}", stage.id)))
        }
        Err(_) => Ok(stage.clone()),
    }
}

fn task_context(run: &Run, index: usize, tasks: usize, inputs: ShuffleInputs) -> Result<TaskContext> {
    let mut cx = TaskContext::new(&run.settings, Arc::clone(&run.cx.registry), Arc::clone(&run.cx.memory))?;
    cx.cancel = run.cx.cancel.clone();
    cx.site = Some(TaskSite {
        index,
        tasks,
        inputs: Arc::new(inputs),
    });
    Ok(cx)
}

/// A query's files; they go with it.
struct RunningQuery {
    id: QueryId,
    store: Arc<ShuffleStore>,
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        // Files that stay go when the store closes.
        _ = self.store.delete_query(self.id);
    }
}

/// The result stage's rows, in task order.
struct Results {
    rows: QueryHandle,
    _query: RunningQuery,
}

impl ChunkStream for Results {
    fn schema(&self) -> &Schema {
        self.rows.schema()
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        self.rows.next_chunk()
    }

    fn cancel(&self) {
        self.rows.cancel();
    }
}
