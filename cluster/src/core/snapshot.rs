//! What people may see of the scheduler: jobs, stages, attempts and executors with their times and figures.

use rsql_common::{Error, ExecutorId, QueryId, StageId};

use super::action::KillReason;
use super::event::Progress;
use super::ids::{AttemptId, Epoch, Incarnation, Millis, TaskId};
use super::spec::{ExecutorSpec, JobSpec};
use super::state::{Executor, Job, Stage, State};
use super::status::{AttemptStatus, ExecutorStatus, JobStatus, Machine, StageStatus};

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSnapshot {
    /// Query.
    pub job: QueryId,
    /// As submitted.
    pub spec: JobSpec,
    /// State.
    pub status: JobStatus,
    /// When it came.
    pub submitted: Millis,
    /// When it was let in.
    pub started: Option<Millis>,
    /// When it was over.
    pub ended: Option<Millis>,
    /// Why it failed.
    pub error: Option<Error>,
    /// Times that outputs were lost or proved wrong.
    pub resubmits: u32,
    /// Its stages.
    pub stages: Vec<StageSnapshot>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageSnapshot {
    /// Stage.
    pub stage: StageId,
    /// Shown to people.
    pub name: String,
    /// State.
    pub status: StageStatus,
    /// Which time it runs.
    pub epoch: Epoch,
    /// Stages that it reads.
    pub reads: Vec<StageId>,
    /// Tasks.
    pub tasks: u32,
    /// Tasks whose output is not wanted any more, since it is there or was.
    pub done: u32,
    /// Attempts at work.
    pub running: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Attempts that were stopped or lost.
    pub killed: u32,
    /// When its first task started.
    pub started: Option<Millis>,
    /// When it was done.
    pub ended: Option<Millis>,
    /// Rows read so far.
    pub read_rows: u64,
    /// Bytes read so far.
    pub read_bytes: u64,
    /// Rows written by the outputs that stand.
    pub written_rows: u64,
    /// Bytes written by the outputs that stand.
    pub written_bytes: u64,
    /// Bytes spilled by them.
    pub spilled_bytes: u64,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptSnapshot {
    /// Attempt.
    pub attempt: AttemptId,
    /// State.
    pub status: AttemptStatus,
    /// Epoch of its stage when it was started.
    pub epoch: Epoch,
    /// Where it runs or ran.
    pub executor: Option<ExecutorId>,
    /// Whether it races another one.
    pub speculative: bool,
    /// Memory granted.
    pub memory: u64,
    /// When it was sent out.
    pub launched: Option<Millis>,
    /// When it was over.
    pub ended: Option<Millis>,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<Error>,
    /// Why it was stopped.
    pub why: Option<KillReason>,
    /// Rows and bytes written.
    pub written: (u64, u64),
}

/// An executor.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutorSnapshot {
    /// Executor.
    pub executor: ExecutorId,
    /// As registered.
    pub spec: ExecutorSpec,
    /// Its life.
    pub incarnation: Incarnation,
    /// State.
    pub status: ExecutorStatus,
    /// Whether its control stream stands.
    pub connected: bool,
    /// When it came.
    pub registered: Millis,
    /// Last heartbeat.
    pub last_seen: Millis,
    /// Slots in use.
    pub occupied: u32,
    /// Memory granted.
    pub granted: u64,
    /// Tasks done.
    pub completed: u64,
    /// Tasks failed.
    pub failed: u64,
    /// Until when it is avoided.
    pub excluded_until: Option<Millis>,
}

impl State {
    /// All jobs that are retained, in order of their ids.
    pub fn jobs(&self) -> Vec<JobSnapshot> {
        self.jobs.iter().map(|(id, job)| show_job(*id, job)).collect()
    }

    /// One job.
    pub fn job(&self, id: QueryId) -> Option<JobSnapshot> {
        self.jobs.get(&id).map(|job| show_job(id, job))
    }

    /// The attempts of a stage, by task.
    pub fn attempts(&self, job: QueryId, stage_id: StageId) -> Vec<AttemptSnapshot> {
        let stage = self.jobs.get(&job).and_then(|j| j.stages.get(&stage_id));
        let tasks = stage.into_iter().flat_map(|s| (0..).zip(&s.tasks));
        tasks
            .flat_map(|(task, t)| {
                (0..).zip(&t.attempts).map(move |(attempt, a)| {
                    let task = TaskId {
                        job,
                        stage: stage_id,
                        task,
                    };
                    AttemptSnapshot {
                        attempt: AttemptId { task, attempt },
                        status: a.status,
                        epoch: a.epoch,
                        executor: a.executor,
                        speculative: a.speculative,
                        memory: a.memory,
                        launched: a.launched,
                        ended: a.ended,
                        progress: a.progress,
                        error: a.error.clone(),
                        why: a.why,
                        written: a.figures.as_ref().map_or((0, 0), |f| (f.rows(), f.bytes())),
                    }
                })
            })
            .collect()
    }

    /// Executors, those that went last among them.
    pub fn executors(&self) -> Vec<ExecutorSnapshot> {
        let gone = self.departed.iter().cloned();
        gone.chain(self.executors.iter().map(|(id, e)| self.show_executor(*id, e)))
            .collect()
    }

    /// Hosts that are avoided, and until when.
    pub fn excluded_hosts(&self) -> Vec<(String, Millis)> {
        self.hosts.iter().map(|(host, until)| (host.clone(), *until)).collect()
    }

    pub(super) fn show_executor(&self, id: ExecutorId, executor: &Executor) -> ExecutorSnapshot {
        ExecutorSnapshot {
            executor: id,
            spec: executor.spec.clone(),
            incarnation: executor.incarnation,
            status: executor.status,
            connected: executor.disconnected.is_none(),
            registered: executor.registered,
            last_seen: executor.last_seen,
            occupied: executor.occupied.len() as u32,
            granted: executor.spec.memory - executor.free_memory(),
            completed: executor.completed,
            failed: executor.failed,
            excluded_until: executor.excluded_until,
        }
    }
}

fn show_job(id: QueryId, job: &Job) -> JobSnapshot {
    JobSnapshot {
        job: id,
        spec: job.spec.clone(),
        status: job.status,
        submitted: job.submitted,
        started: job.started,
        ended: job.ended,
        error: job.error.clone(),
        resubmits: job.resubmits,
        stages: job.stages.iter().map(|(id, stage)| show_stage(*id, stage)).collect(),
    }
}

fn show_stage(id: StageId, stage: &Stage) -> StageSnapshot {
    let attempts = || stage.tasks.iter().flat_map(|t| &t.attempts);
    let count = |test: fn(AttemptStatus) -> bool| attempts().filter(|a| test(a.status)).count() as u32;
    let standing = || stage.tasks.iter().filter_map(|t| t.figures());
    let done = stage
        .tasks
        .iter()
        .filter(|t| !t.wanted && !t.attempts.is_empty())
        .count() as u32;
    StageSnapshot {
        stage: id,
        name: stage.spec.name.clone(),
        status: stage.status,
        epoch: stage.epoch,
        reads: stage.producers().into_iter().collect(),
        tasks: stage.tasks.len() as u32,
        done,
        running: count(|s| !s.is_terminal() && s != AttemptStatus::Created),
        failed: count(|s| s == AttemptStatus::Failed),
        killed: count(|s| matches!(s, AttemptStatus::Killed | AttemptStatus::Lost)),
        started: stage.started,
        ended: stage.ended,
        read_rows: attempts()
            .map(|a| a.figures.as_ref().map_or(a.progress.rows, |f| f.read_rows))
            .sum(),
        read_bytes: attempts()
            .map(|a| a.figures.as_ref().map_or(a.progress.bytes, |f| f.read_bytes))
            .sum(),
        written_rows: standing().map(|f| f.rows()).sum(),
        written_bytes: standing().map(|f| f.bytes()).sum(),
        spilled_bytes: standing().map(|f| f.spilled_bytes).sum(),
    }
}
