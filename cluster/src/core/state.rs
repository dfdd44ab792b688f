//! Everything the scheduler knows.
//!
//! Maps are ordered and nothing here reads a clock or draws a number, so that equal events give equal states and actions.
//! The fields are changed by the other files of this folder only; people see [`snapshots`](super::snapshot).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rsql_common::{Error, ExecutorId, OutputId, QueryId, StageId};

use super::action::{Action, KillReason};
use super::config::Config;
use super::event::Progress;
use super::ids::{AttemptId, Epoch, Incarnation, LeaderEpoch, Millis, TaskId};
use super::lifecycle::Lifecycle;
use super::locality::Near;
use super::slips::Slip;
use super::snapshot::ExecutorSnapshot;
use super::spec::{Bounds, ExecutorSpec, JobSpec, OutputFigures, StageSpec, TaskSpec};
use super::status::{AttemptStatus, ExecutorStatus, JobStatus, Machine, StageStatus};

/// The scheduler's state. Changes through [`step`](super::step()) only.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(super) config: Config,
    pub(super) leader: LeaderEpoch,
    /// The latest time heard of; never goes back.
    pub(super) now: Millis,
    /// When a tick was due after the last step.
    pub(super) due: Option<Millis>,
    /// Jobs submitted so far: their order.
    pub(super) submitted: u64,
    /// Jobs, those over included as far as they are retained.
    pub(super) jobs: BTreeMap<QueryId, Job>,
    /// Jobs that are over, oldest first.
    pub(super) over: VecDeque<QueryId>,
    /// Executors that are active or draining.
    pub(super) executors: BTreeMap<ExecutorId, Executor>,
    /// Executors that went, oldest first, to be shown.
    pub(super) departed: VecDeque<ExecutorSnapshot>,
    /// The highest executor number heard of: what is below and not in the map is gone for good.
    pub(super) highest: Option<ExecutorId>,
    /// Hosts that are avoided, and until when.
    pub(super) hosts: BTreeMap<String, Millis>,
    /// Since when no executor is active.
    pub(super) deserted: Option<Millis>,
    /// What the running step orders.
    pub(super) actions: Vec<Action>,
    /// The bug that a test planted.
    pub(super) slip: Option<Slip>,
    /// Transitions taken, for the coverage tests.
    #[cfg(test)]
    pub(super) taken: BTreeSet<String>,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) spec: JobSpec,
    pub(super) order: u64,
    pub(super) status: JobStatus,
    pub(super) submitted: Millis,
    /// Admission.
    pub(super) started: Option<Millis>,
    pub(super) ended: Option<Millis>,
    pub(super) error: Option<Error>,
    pub(super) stages: BTreeMap<StageId, Stage>,
    /// The stage whose output is the query's.
    pub(super) result: StageId,
    /// Times that outputs were lost or proved wrong.
    pub(super) resubmits: u32,
    /// Bytes written by all attempts that won.
    pub(super) output_bytes: u64,
    /// When the commit was last ordered.
    pub(super) commit_sent: Option<Millis>,
    /// Result outputs last told to the reader.
    pub(super) offered: Vec<OutputId>,
}

/// The plan between exchanges.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    /// Without its tasks, which are in `tasks`.
    pub(super) spec: StageSpec,
    pub(super) status: StageStatus,
    pub(super) epoch: Epoch,
    pub(super) tasks: Vec<Task>,
    /// The answer to [`Action::ComputeBounds`], if it is a sampling stage.
    pub(super) bounds: Answer<Bounds>,
    /// The answer to [`Action::Replan`].
    pub(super) replan: Answer<()>,
    /// Times in a row that its input could not be fetched.
    pub(super) fetch_failures: u32,
    /// When that was last counted: attempts launched before fail for the same reason.
    pub(super) fetch_counted: Option<Millis>,
    /// What its tasks wanted to read and found missing or broken, by who held it. Of the result also what its reader found.
    pub(super) bad_inputs: BTreeMap<ExecutorId, u32>,
    /// Failures by executor.
    pub(super) charges: BTreeMap<ExecutorId, u32>,
    /// The attempt that tries an avoided executor, all being avoided.
    pub(super) probe: Option<AttemptId>,
    pub(super) started: Option<Millis>,
    pub(super) ended: Option<Millis>,
}

/// Something that is asked of the shell once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// Not needed.
    None,
    /// To be asked when the stage is done.
    Wanted,
    /// Asked.
    Asked,
    /// Answered.
    Given(T),
}

impl<T> Answer<T> {
    /// Whether nothing has to be waited for.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self, Self::None | Self::Given(_))
    }
}

/// One partition of a stage.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Task {
    pub(super) spec: TaskSpec,
    /// An attempt's number is its place.
    pub(super) attempts: Vec<Attempt>,
    /// The attempt whose rows stand: readers may have seen them, and no others.
    pub(super) standing: Option<u32>,
    /// Where the standing output is, if it still is.
    pub(super) place: Option<Place>,
    /// Whether somebody needs an output that is not there.
    pub(super) wanted: bool,
    /// Whether it needs outputs that are being made.
    pub(super) blocked: bool,
    /// Whether the result's reader has it.
    pub(super) taken: bool,
    /// Failures that count.
    pub(super) failures: u32,
    /// Of these, bugs of ours.
    pub(super) internal: u32,
    /// Of these, for want of memory.
    pub(super) exhausted: u32,
    /// Executor deaths that it was present at.
    pub(super) deaths: u32,
    /// Times it was sent back for a reason that counts to nothing else.
    pub(super) detours: u32,
    /// Memory of the next attempt; 0 for an equal share.
    pub(super) memory: u64,
    /// Where it failed, or what it wrote was lost.
    pub(super) avoid: BTreeSet<ExecutorId>,
    /// Not to be started before.
    pub(super) not_before: Millis,
}

/// Where an output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In an executor's shuffle store.
    Executor(ExecutorId),
    /// Staged for the commit, where the death of an executor does not matter.
    Staged,
}

/// One try at a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attempt {
    pub(super) status: AttemptStatus,
    pub(super) epoch: Epoch,
    pub(super) executor: Option<ExecutorId>,
    /// Where its input is, once it could start.
    pub(super) near: Option<Near>,
    pub(super) speculative: bool,
    pub(super) memory: u64,
    pub(super) created: Millis,
    pub(super) launched: Option<Millis>,
    pub(super) running: Option<Millis>,
    pub(super) ended: Option<Millis>,
    pub(super) progress: Progress,
    pub(super) figures: Option<OutputFigures>,
    pub(super) error: Option<Error>,
    pub(super) why: Option<KillReason>,
}

/// An executor that is active or draining.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Executor {
    pub(super) spec: ExecutorSpec,
    pub(super) incarnation: Incarnation,
    pub(super) status: ExecutorStatus,
    pub(super) registered: Millis,
    pub(super) last_seen: Millis,
    /// Since when the control stream is down.
    pub(super) disconnected: Option<Millis>,
    /// What holds a slot: live attempts, and dead ones whose end was not confirmed.
    pub(super) occupied: BTreeMap<AttemptId, Occupied>,
    /// A task that needs it empty.
    pub(super) held_for: Option<AttemptId>,
    /// When tasks failed here.
    pub(super) failures: Vec<Millis>,
    pub(super) excluded_until: Option<Millis>,
    /// Readers that could not reach its outputs.
    pub(super) unreachable: BTreeSet<AttemptId>,
    /// When the grace of a drain is over.
    pub(super) drain_until: Option<Millis>,
    /// Outputs that are being copied away, and where to.
    pub(super) moving: BTreeMap<OutputId, ExecutorId>,
    /// Outputs it was lately told to drop: told again when its connection was down.
    pub(super) dropped: Vec<(Millis, OutputId)>,
    /// Tasks done here, to be shown.
    pub(super) completed: u64,
    /// Tasks failed here, to be shown.
    pub(super) failed: u64,
}

/// A slot in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupied {
    pub(super) memory: u64,
    pub(super) exclusive: bool,
    /// When the kill was first and last sent.
    pub(super) killed: Option<(Millis, Millis, KillReason)>,
}

impl State {
    /// A scheduler that knows no jobs and no executors.
    pub fn new(config: Config, leader: LeaderEpoch) -> Self {
        Self {
            config,
            leader,
            now: 0,
            due: None,
            submitted: 0,
            jobs: BTreeMap::new(),
            over: VecDeque::new(),
            executors: BTreeMap::new(),
            departed: VecDeque::new(),
            highest: None,
            hosts: BTreeMap::new(),
            deserted: Some(0),
            actions: Vec::new(),
            slip: None,
            #[cfg(test)]
            taken: BTreeSet::new(),
        }
    }

    /// A stage of a query as it is planned now, and whether a task of it was ever started.
    pub fn planned(&self, job: QueryId, stage: StageId) -> Option<(StageSpec, bool)> {
        let stage = self.jobs.get(&job)?.stages.get(&stage)?;
        Some((stage.whole_spec(), stage.has_started()))
    }

    /// Orders something.
    pub(super) fn order(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Tells the event log.
    pub(super) fn log(&mut self, record: Lifecycle) {
        self.actions.push(Action::Log(record));
    }

    /// Whether `from` to `to` is a transition; a refusal is told to the log.
    pub(super) fn permits<M: Machine>(&mut self, from: M, to: M) -> bool {
        let transition = format_transition(from, to);
        if !from.may_become(to) {
            self.log(Lifecycle::Refused { transition });
            return false;
        }
        #[cfg(test)]
        self.taken.insert(transition);
        true
    }

    pub(super) fn task(&self, id: TaskId) -> Option<&Task> {
        self.jobs
            .get(&id.job)?
            .stages
            .get(&id.stage)?
            .tasks
            .get(id.task as usize)
    }

    pub(super) fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.jobs
            .get_mut(&id.job)?
            .stages
            .get_mut(&id.stage)?
            .tasks
            .get_mut(id.task as usize)
    }

    pub(super) fn stage(&self, id: TaskId) -> Option<&Stage> {
        self.jobs.get(&id.job)?.stages.get(&id.stage)
    }

    pub(super) fn stage_mut(&mut self, job: QueryId, stage: StageId) -> Option<&mut Stage> {
        self.jobs.get_mut(&job)?.stages.get_mut(&stage)
    }

    pub(super) fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.task(id.task)?.attempts.get(id.attempt as usize)
    }

    pub(super) fn attempt_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        self.task_mut(id.task)?.attempts.get_mut(id.attempt as usize)
    }

    /// Jobs whose stages run.
    pub(super) fn running_jobs(&self) -> Vec<QueryId> {
        self.jobs
            .iter()
            .filter(|(_, job)| job.status == JobStatus::Running)
            .map(|(id, _)| *id)
            .collect()
    }
}

/// A transition's name, as in the coverage table.
pub(super) fn format_transition<M: Machine>(from: M, to: M) -> String {
    format!("{} {from:?} > {to:?}", M::NAME)
}

impl Task {
    /// Numbers of the attempts that are not over.
    pub(super) fn live(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.attempts)
            .filter(|(_, a)| !a.status.is_terminal())
            .map(|(number, _)| number)
    }

    /// Figures of the output that stands.
    pub(super) fn figures(&self) -> Option<&OutputFigures> {
        self.attempts.get(self.standing? as usize)?.figures.as_ref()
    }
}

impl Stage {
    pub(super) fn new(mut spec: StageSpec, sampled: bool) -> Self {
        let tasks = std::mem::take(&mut spec.tasks)
            .into_iter()
            .map(|spec| Task {
                memory: spec.memory,
                spec,
                ..Task::default()
            })
            .collect();
        let replan = if spec.replan { Answer::Wanted } else { Answer::None };
        Self {
            spec,
            status: StageStatus::Waiting,
            epoch: Epoch::default(),
            tasks,
            bounds: if sampled { Answer::Wanted } else { Answer::None },
            replan,
            fetch_failures: 0,
            fetch_counted: None,
            bad_inputs: BTreeMap::new(),
            charges: BTreeMap::new(),
            probe: None,
            started: None,
            ended: None,
        }
    }

    /// Whether a task was ever started.
    pub(super) fn has_started(&self) -> bool {
        self.started.is_some()
    }

    /// Stages that it reads.
    pub(super) fn producers(&self) -> BTreeSet<StageId> {
        self.tasks
            .iter()
            .flat_map(|t| t.spec.reads.iter().map(|r| r.stage))
            .collect()
    }
}

impl Executor {
    /// Bytes that no attempt was granted.
    pub(super) fn free_memory(&self) -> u64 {
        let granted: u64 = self.occupied.values().map(|o| o.memory).sum();
        self.spec.memory.saturating_sub(granted)
    }

    /// Slots that are free.
    pub(super) fn free_slots(&self) -> usize {
        (self.spec.slots as usize).saturating_sub(self.occupied.len())
    }

    /// Memory of one slot's share.
    pub(super) fn share(&self) -> u64 {
        self.spec.memory / u64::from(self.spec.slots.max(1))
    }
}
