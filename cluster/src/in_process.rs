//! Distributed execution within this process: stages and their tasks one after another, with shuffle files between.
//!
//! What a cluster does to a plan is done here too (exchanges, stages, shares, partitions, encoded plans), so that a
//! distributed answer can be compared with the local one in milliseconds.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rsql_common::{Error, ExecutorId, OutputId, QueryId, Result, Settings, StageId};
use rsql_exec::metrics::{PlanMetrics, StageRun, StagedRun, TaskRun};
use rsql_exec::runner::{ChunkStream, NoRows, PrepareContext, Run, Runner};
use rsql_exec::stage_input::TaskSite;
use rsql_exec::write::{WrittenFile, write_task};
use rsql_exec::{LocalRunner, QueryHandle, TaskContext};
use rsql_expr::{Chunk, Schema};
use rsql_planner::PhysicalPlan;
use rsql_planner::adaptive::{AdaptiveContext, AdaptiveSettings, Change, Progress, StageStats, Written, adapt};
use rsql_planner::distribute::{ClusterShape, DistributeContext, distribute};
use rsql_planner::physical::{Partitioning, StageInput};
use rsql_planner::stages::{Stage, StageGraph, cut};
use rsql_shuffle::{
    MapOutput, OutputLocation, QueryKey, RangeBounds, ShuffleInputs, ShuffleSink, ShuffleStore, StageRead,
    WriteOptions, WriteSpec,
};

/// Plans for a cluster and runs all of it here.
#[derive(Debug)]
pub struct InProcessRunner {
    slots: usize,
    store: Arc<ShuffleStore>,
    queries: AtomicU64,
    stages: AtomicU32,
    rows: AtomicU64,
    changes: Mutex<BTreeMap<&'static str, u32>>,
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
            rows: AtomicU64::new(0),
            changes: Mutex::default(),
        })
    }

    /// Stages that were run so far; to see that plans were distributed at all.
    pub fn stages_run(&self) -> u32 {
        self.stages.load(Ordering::Relaxed)
    }

    /// Rows that stages passed on so far.
    pub fn rows_passed(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// How often each rule of adaptive planning changed a stage so far.
    pub fn changes(&self) -> BTreeMap<&'static str, u32> {
        self.changes.lock().clone()
    }

    fn note(&self, changes: &[Change]) {
        let mut counts = self.changes.lock();
        for change in changes {
            *counts.entry(change.rule).or_default() += 1;
        }
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
        let shape = self.shape(&run.settings)?;
        let mut graph = cut(PhysicalPlan::clone(&run.plan), &shape)?;
        if let [only] = graph.stages.as_slice()
            && only.tasks == 1
        {
            return LocalRunner.start(run);
        }
        let query = RunningQuery {
            id: QueryId(self.queries.fetch_add(1, Ordering::Relaxed)),
            store: Arc::clone(&self.store),
            options: WriteOptions::from_settings(&run.settings, QueryKey::for_query(&run.settings)),
            written: Mutex::default(),
            metering: run.cx.metrics.as_ref().map(|_| Mutex::default()),
        };
        let cx = AdaptiveContext {
            shape: &shape,
            settings: &AdaptiveSettings::from_settings(&run.settings)?,
            joins: run.joins.as_deref(),
        };
        let mut outputs: HashMap<StageId, Outputs> = HashMap::new();
        let mut progress = Progress::default();
        let mut changes = Vec::new();
        while let Some(stage) = next_stage(&graph, &outputs) {
            self.stages.fetch_add(1, Ordering::Relaxed);
            let made = run_stage(stage, &graph, &outputs, &query, &run)?;
            let written = stats(&made);
            self.rows.fetch_add(written.rows(), Ordering::Relaxed);
            progress.finish(stage.id, written);
            outputs.insert(stage.id, made);
            if let Some(new) = adapt(&graph, &progress, &cx) {
                self.note(&new.changes);
                changes.extend(new.changes);
                graph = new.graph;
            }
        }
        if let Some(write) = &run.write {
            write.committer.commit(&std::mem::take(&mut *query.written.lock()))?;
            return Ok(Box::new(NoRows(run.plan.schema().clone())));
        }
        let result = graph.result().ok_or_else(|| Error::internal("a plan without stages"))?;
        let read = StageRead::everything(&outputs[&result.id])?;
        let plan = PhysicalPlan::StageInput(StageInput {
            stage: result.id,
            schema: run.plan.schema().clone(),
            estimate: 0.0,
        });
        let cx = task_context(
            &run,
            0,
            1,
            ShuffleInputs::new()
                .with_key(query.options.key.clone())
                .with(result.id, read),
        )?;
        let staged = query.metering.as_ref().map(|stages| StagedRun {
            graph: graph.clone(),
            stages: std::mem::take(&mut *stages.lock()),
            changes,
        });
        Ok(Box::new(Results {
            rows: rsql_exec::start(&plan, Arc::new(cx))?,
            staged: staged.map(Box::new),
            _query: query,
        }))
    }
}

/// The stage to run next: of those that are needed and whose inputs are there, the one with the fewest rows to come.
/// What a small stage turns out to be can then change how a large one is run.
fn next_stage<'a>(graph: &'a StageGraph, outputs: &HashMap<StageId, Outputs>) -> Option<&'a Stage> {
    let needed = graph.needed();
    let open = graph
        .stages
        .iter()
        .filter(|s| needed.contains(&s.id) && !outputs.contains_key(&s.id));
    let ready = open.filter(|s| s.inputs.iter().all(|e| outputs.contains_key(&e.stage)));
    ready.min_by(|a, b| graph.estimate(a.id).total_cmp(&graph.estimate(b.id)))
}

/// What adaptive planning wants to know of a stage's outputs.
fn stats(outputs: &[(MapOutput, OutputLocation)]) -> StageStats {
    let map = |(output, _): &(MapOutput, OutputLocation)| {
        let written = output.partitions.iter().map(|p| Written {
            bytes: p.bytes,
            rows: p.rows,
        });
        written.collect()
    };
    StageStats::new(outputs.iter().map(map).collect())
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
        let mut inputs = ShuffleInputs::new()
            .with_key(query.options.key.clone())
            .with_opened(Arc::clone(query.store.opened()));
        for edge in &stage.inputs {
            let producer = graph
                .stage(edge.stage)
                .ok_or_else(|| Error::internal(format!("{} reads {}, which is not there", stage.id, edge.stage)))?;
            let slices = stage.slices(edge, producer, task);
            inputs = inputs.with(edge.stage, StageRead::new(&outputs[&edge.stage], &slices)?);
        }
        let mut cx = task_context(run, task, stage.tasks, inputs)?;
        cx.metrics = query.metering.as_ref().map(|_| Arc::<PlanMetrics>::default());
        let (metrics, start) = (cx.metrics.clone(), Instant::now());
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
            sample_only: stage.sample_only,
            options: query.options.clone(),
        };
        if let Some(write) = run.write.as_ref().filter(|_| is_result(stage, graph)) {
            let files = write_task(&stage.plan, &write.spec, task as u32, 0, &Arc::new(cx))?;
            query.written.lock().extend(files);
            continue;
        }
        let sink = ShuffleSink::new(Arc::clone(&query.store), spec, &cx)?;
        rsql_exec::run_into(&stage.plan, Arc::clone(&sink) as _, Arc::new(cx))?;
        let location = OutputLocation {
            output,
            executor: ExecutorId(0),
            endpoint: String::new(),
            local_dir: Some(query.store.dir().to_path_buf()),
        };
        let output = sink.output()?;
        if let Some((stages, metrics)) = query.metering.as_ref().zip(metrics) {
            let mut stages = stages.lock();
            let run = stages.entry(stage.id).or_default();
            run.attempts += 1;
            run.add(TaskRun {
                rows: output.rows(),
                bytes: output.bytes(),
                time: start.elapsed(),
                nodes: &metrics.figures(),
            });
        }
        made.push((output, location));
    }
    Ok(made)
}

fn is_result(stage: &Stage, graph: &StageGraph) -> bool {
    graph.result().is_some_and(|r| r.id == stage.id)
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
    options: WriteOptions,
    /// What its last stage staged, if it writes.
    written: Mutex<Vec<WrittenFile>>,
    /// What its stages did, if that is to be told.
    metering: Option<Mutex<BTreeMap<StageId, StageRun>>>,
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
    staged: Option<Box<StagedRun>>,
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

    fn staged_run(&mut self) -> Option<Box<StagedRun>> {
        self.staged.take()
    }
}
