//! What the shell knows of a query beyond what the core does: plans, outputs, and who waits for the result.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use rsql_common::progress::Progress;
use rsql_common::{Error, OutputId, QueryId, Redaction, Result, StageId};
use rsql_exec::metrics::StagedRun;
use rsql_exec::write::{Committer, TableWrite, WriteSpec, WrittenFile};
use rsql_planner::adaptive::{AdaptiveSettings, JoinPlanner, Progress as PlanProgress};
use rsql_planner::distribute::ClusterShape;
use rsql_planner::physical::Partitioning;
use rsql_planner::stages::{Stage, StageGraph};
use rsql_shuffle::{MapOutput, OutputLocation, QueryKey, RangeBounds};

use super::metering::Metering;
use crate::core::{Bounds, JobSpec, Read, StageSpec, TaskSpec};
use crate::rpc::messages::PlanHash;

/// So much of a stage's topmost operator names it.
const NAME_CHARS: usize = 80;

/// A query on its way in.
pub(crate) struct Submission {
    /// A fresh id.
    pub query: QueryId,
    /// For the scheduler.
    pub spec: JobSpec,
    /// The statement.
    pub sql: Arc<str>,
    /// What is not shown of it.
    pub hidden: Redaction,
    /// Stages.
    pub graph: StageGraph,
    /// Encoded plans by stage.
    pub plans: HashMap<StageId, (PlanHash, Vec<u8>)>,
    /// What the query writes, and who commits it.
    pub write: Option<TableWrite>,
    /// For its shuffle outputs.
    pub key: Option<QueryKey>,
    /// For planning again what is left.
    pub adaptive: AdaptiveJob,
    /// It is to be told in the end what each node did.
    pub metered: bool,
    /// Who waits.
    pub updates: Sender<JobUpdate>,
    /// Who watches.
    pub progress: Progress,
}

/// What planning a query again needs.
pub(crate) struct AdaptiveJob {
    /// What the session wants.
    pub settings: AdaptiveSettings,
    /// The cluster that the query was planned for.
    pub shape: ClusterShape,
    /// Who orders joins again.
    pub joins: Option<Arc<dyn JoinPlanner>>,
    /// What the session had set; goes with each stage's plan.
    pub session: Vec<(String, String)>,
    /// What finished stages wrote.
    pub progress: PlanProgress,
}

/// News for who waits for a result.
pub(crate) enum JobUpdate {
    /// These outputs, in task order, are the result (what was taken already is left out).
    Ready(Vec<ResultPart>),
    /// The query is over. What its stages did, if that was to be told.
    Ended(Result<Option<Box<StagedRun>>, Error>),
}

/// One task's part of a result.
#[derive(Debug, Clone)]
pub(crate) struct ResultPart {
    /// Where it is.
    pub location: OutputLocation,
    /// What it holds.
    pub output: MapOutput,
}

/// A query that runs, or ran.
pub(crate) struct Job {
    pub sql: Arc<str>,
    pub graph: StageGraph,
    pub plans: HashMap<StageId, (PlanHash, Vec<u8>)>,
    pub adaptive: AdaptiveJob,
    pub outputs: HashMap<OutputId, MapOutput>,
    pub write: Option<Write>,
    pub metering: Option<Metering>,
    pub key: Option<QueryKey>,
    pub updates: Option<Sender<JobUpdate>>,
    pub progress: Progress,
}

/// The files of a query that writes.
pub(crate) struct Write {
    /// For the tasks of the last stage.
    pub spec: Arc<WriteSpec>,
    pub committer: Arc<dyn Committer>,
    /// What attempts staged.
    pub files: HashMap<OutputId, Vec<WrittenFile>>,
    /// The commit is under way; whoever does it will answer.
    pub committing: bool,
}

impl Write {
    fn new(write: TableWrite) -> Self {
        Self {
            spec: write.spec,
            committer: write.committer,
            files: HashMap::new(),
            committing: false,
        }
    }

    /// What the winners staged, in task order.
    pub fn files_of(&self, winners: &[OutputId]) -> Result<Vec<WrittenFile>> {
        let mut files = Vec::new();
        for winner in winners {
            let staged = self
                .files
                .get(winner)
                .ok_or_else(|| Error::internal(format!("the files of {winner:?} are not known")))?;
            files.extend(staged.iter().cloned());
        }
        Ok(files)
    }
}

impl Job {
    pub fn new(submission: Submission) -> (QueryId, JobSpec, Self) {
        let job = Self {
            sql: submission.sql,
            graph: submission.graph,
            plans: submission.plans,
            adaptive: submission.adaptive,
            outputs: HashMap::new(),
            write: submission.write.map(Write::new),
            metering: submission.metered.then(Metering::default),
            key: submission.key,
            updates: Some(submission.updates),
            progress: submission.progress,
        };
        (submission.query, submission.spec, job)
    }

    /// The stages as the scheduler sees them.
    pub fn stage_specs(&self) -> Vec<StageSpec> {
        self.graph
            .stages
            .iter()
            .map(|s| self.stage_spec(s, &self.graph))
            .collect()
    }

    /// A stage of a plan of this query as the scheduler sees it.
    pub fn stage_spec(&self, stage: &Stage, graph: &StageGraph) -> StageSpec {
        let tasks = (0..stage.tasks)
            .map(|task| TaskSpec {
                reads: reads(graph, stage, task),
                ..TaskSpec::default()
            })
            .collect();
        StageSpec {
            id: stage.id,
            name: name(stage),
            tasks,
            rerun: stage.rerun,
            bounds_of: bounds_of(graph, stage),
            replan: self.adaptive.settings.enabled && graph.result().is_some_and(|r| r.id != stage.id),
        }
    }

    /// Bounds from the samples of a stage's outputs.
    pub fn bounds(&self, sampled: StageId, outputs: &[OutputId]) -> Result<Bounds> {
        let partitions = self
            .graph
            .stages
            .iter()
            .filter(|s| bounds_of(&self.graph, s) == Some(sampled))
            .map(|s| s.partitioning.partitions_written())
            .next()
            .ok_or_else(|| Error::internal(format!("no stage routes by the bounds of {sampled}")))?;
        let samples = outputs
            .iter()
            .filter_map(|o| self.outputs.get(o).and_then(|m| m.sample.as_ref()));
        let bounds = RangeBounds::from_samples(samples, partitions);
        let bytes = postcard::to_stdvec(&bounds)
            .map_err(|e| Error::internal(format!("range bounds cannot be encoded: {e}")))?;
        Ok(Bounds(Arc::new(bytes)))
    }
}

fn reads(graph: &StageGraph, stage: &Stage, task: usize) -> Vec<Read> {
    let mut reads = Vec::new();
    for edge in &stage.inputs {
        let Some(producer) = graph.stage(edge.stage) else {
            continue;
        };
        reads.extend(stage.slices(edge, producer, task).into_iter().map(|slice| Read {
            stage: edge.stage,
            partition: slice.partition,
            maps: slice.maps,
        }));
    }
    reads
}

/// The stage whose samples fix the bounds by which `stage` routes.
fn bounds_of(graph: &StageGraph, stage: &Stage) -> Option<StageId> {
    if !matches!(stage.partitioning, Partitioning::Range { .. }) {
        return None;
    }
    let inputs = stage.inputs.iter().filter_map(|e| graph.stage(e.stage));
    inputs.filter(|s| s.sample.is_some()).map(|s| s.id).next()
}

/// What a stage does last.
fn name(stage: &Stage) -> String {
    let text = rsql_planner::explain_physical(&stage.plan);
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().take(NAME_CHARS).collect()
}
