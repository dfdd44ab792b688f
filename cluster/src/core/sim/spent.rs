//! Whether retries were spent when a job failed (I7).
//!
//! Each condition that a job may fail with has a rule of its own: what must have happened before. The rules go by what the world
//! told the master and what the master said aloud, never by the master's counters. They ask for what is necessary, not for all
//! of it: what counts as one failure is the master's business as long as it is not fewer than the world has seen.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{Error, ErrorKind, ExecutorId, FetchFailure, QueryId, StageId};

use super::scenario::JobPlan;
use crate::core::state::State;
use crate::core::{
    Action, AttemptId, AttemptStatus, Event, ExecutorStatus, JobStatus, KillReason, Lifecycle, Millis, Report, TaskId,
};

/// The master's clock may be behind the world's by so much.
pub(super) const CLOCK_BACK: Millis = 40;

/// Rounds of a stage that could not read its input.
#[derive(Debug, Default)]
struct Rounds {
    count: u32,
    /// Attempts launched before belong to the last one.
    last: Millis,
}

/// What speaks for a failure.
#[derive(Debug, Default)]
pub(super) struct Spent {
    /// Events so far.
    events: u64,
    submitted: BTreeMap<QueryId, Millis>,
    admitted: BTreeMap<QueryId, Millis>,
    launched: BTreeMap<AttemptId, Millis>,
    /// Failures that tasks sent.
    failures: BTreeMap<TaskId, BTreeMap<AttemptId, ErrorKind>>,
    /// Tasks of which the master knows that the user is at fault.
    user_failed: BTreeSet<TaskId>,
    rounds: BTreeMap<(QueryId, StageId), Rounds>,
    /// Ends that count to nothing else.
    detours: BTreeMap<TaskId, u32>,
    /// Failures that speak against an executor, by stage.
    blames: BTreeMap<ExecutorId, BTreeMap<(QueryId, StageId), u32>>,
    /// Hosts of all executors that ever were.
    hosts: BTreeMap<ExecutorId, String>,
    draining: BTreeSet<ExecutorId>,
    deaths: BTreeMap<TaskId, u32>,
    /// Events in which outputs of an executor were lost or proved wrong.
    losses: BTreeMap<QueryId, BTreeSet<(u64, Option<ExecutorId>)>>,
    /// Inputs that a stage found missing or broken, by who held them.
    words: BTreeMap<((QueryId, StageId), ExecutorId), usize>,
    /// Times that outputs of an executor vanished or rotted.
    spoils: BTreeMap<ExecutorId, usize>,
    /// When an executor was last there that takes tasks.
    active: Millis,
}

impl Spent {
    pub(super) fn note_failure(&mut self, attempt: AttemptId, error: &Error) {
        self.failures
            .entry(attempt.task)
            .or_default()
            .insert(attempt, error.kind());
    }

    pub(super) fn note_spoil(&mut self, id: ExecutorId) {
        *self.spoils.entry(id).or_default() += 1;
    }

    /// A reader of a stage found an output missing or broken that the master sent it to. Two such words are enough for
    /// whatever one blow did to an executor, and without a blow there is none.
    pub(super) fn note_word(&mut self, reader: (QueryId, StageId), failure: FetchFailure) -> Result<(), String> {
        let words = self.words.entry((reader, failure.executor)).or_default();
        *words += 1;
        let blows = self.spoils.get(&failure.executor).copied().unwrap_or(0);
        if *words > 2 * blows {
            return Err(format!(
                "I7: {words} outputs of {} were missed one by one after {blows} blows, {:?} the last",
                failure.executor, failure.output
            ));
        }
        Ok(())
    }

    pub(super) fn is_users_fault(&self, task: TaskId) -> bool {
        self.user_failed.contains(&task)
    }

    /// The master heard something. `counts`: it is the first that it hears of an attempt's end.
    pub(super) fn note_event(&mut self, now: Millis, event: &Event, counts: bool) {
        self.events += 1;
        match event {
            Event::Submit { job, .. } => _ = self.submitted.entry(*job).or_insert(now),
            Event::Register { from, spec, .. } => _ = self.hosts.insert(from.executor, spec.host.clone()),
            Event::ResultFetchFailed { failure, .. } => self.blame_producer(*failure),
            Event::Report {
                from,
                report: Report::Failed { attempt, error },
            } if counts => self.note_failed(now, from.executor, *attempt, error),
            Event::Report {
                report: Report::Killed { attempt },
                ..
            } if counts => *self.detours.entry(attempt.task).or_default() += 1,
            _ => {}
        }
    }

    fn note_failed(&mut self, now: Millis, from: ExecutorId, attempt: AttemptId, error: &Error) {
        let TaskId { job, stage, .. } = attempt.task;
        match error.kind() {
            ErrorKind::User => _ = self.user_failed.insert(attempt.task),
            ErrorKind::FetchFailed => {
                *self.detours.entry(attempt.task).or_default() += 1;
                let launched = self.launched.get(&attempt).copied().unwrap_or(0);
                let rounds = self.rounds.entry((job, stage)).or_default();
                if rounds.count == 0 || launched >= rounds.last {
                    rounds.count += 1;
                    rounds.last = now;
                }
                error.fetch_failure().into_iter().for_each(|f| self.blame_producer(f));
            }
            _ => {
                *self.detours.entry(attempt.task).or_default() += 1;
                self.blame(from, (job, stage));
            }
        }
    }

    fn blame_producer(&mut self, failure: FetchFailure) {
        self.blame(failure.executor, (failure.output.query, failure.output.stage));
    }

    fn blame(&mut self, executor: ExecutorId, stage: (QueryId, StageId)) {
        *self.blames.entry(executor).or_default().entry(stage).or_default() += 1;
    }

    /// The master orders or tells something.
    pub(super) fn note_action(&mut self, now: Millis, action: &Action) {
        match action {
            Action::Plan { job } => _ = self.admitted.insert(*job, now),
            Action::Launch(launch) => _ = self.launched.insert(launch.attempt, now),
            Action::Log(Lifecycle::StageDone { job, stage, .. }) => _ = self.rounds.remove(&(*job, *stage)),
            Action::Log(Lifecycle::ExecutorDraining { executor }) => _ = self.draining.insert(*executor),
            Action::Log(Lifecycle::OutputLost { output, executor }) => {
                let losses = self.losses.entry(output.query).or_default();
                losses.insert((self.events, Some(*executor)));
            }
            Action::Log(Lifecycle::RolledBack { output }) => {
                self.losses.entry(output.query).or_default().insert((self.events, None));
            }
            Action::Log(Lifecycle::Attempt {
                attempt,
                executor: Some(executor),
                status,
                why,
                ..
            }) => match (status, why) {
                (AttemptStatus::Killed, Some(KillReason::NotAccepted)) => {
                    *self.detours.entry(attempt.task).or_default() += 1;
                    self.blame(*executor, (attempt.task.job, attempt.task.stage));
                }
                (AttemptStatus::Lost, _) if !self.draining.contains(executor) => {
                    *self.deaths.entry(attempt.task).or_default() += 1;
                }
                _ => {}
            },
            _ => {}
        }
    }

    pub(super) fn note_state(&mut self, core: &State) {
        if core.executors.values().any(|e| e.status == ExecutorStatus::Active) {
            self.active = core.now;
        }
    }

    /// That a job which failed had reason to. `two_minds`: outputs of it gave other rows the second time. `taken`: rows of it
    /// are with the client.
    pub(super) fn check(
        &self,
        core: &State,
        plan: &JobPlan,
        error: &Error,
        two_minds: bool,
        taken: bool,
    ) -> Result<(), String> {
        let id = plan.id;
        let message = error.message();
        let spent = match (error.kind(), error.condition()) {
            (ErrorKind::User, _) => plan.unplannable || self.user_failed.iter().any(|t| t.job == id),
            (ErrorKind::Killed, "OPERATION_CANCELED") => plan.cancel_at.is_some_and(|at| at <= core.now + CLOCK_BACK),
            (_, "FETCH_FAILED") => taken || self.fetches_are_spent(core, id) || self.detours_are_spent(core, id),
            (_, "CLUSTER.ALL_EXECUTORS_EXCLUDED") => self.all_are_closed(core, id),
            (_, "CLUSTER.NO_EXECUTORS") => {
                let from = self.admitted.get(&id).copied().unwrap_or(0).max(self.active);
                core.now.saturating_sub(from) >= core.config.executor_grace
            }
            (_, "CLUSTER.POISON_TASK") => self.most(&self.deaths, id) >= core.config.max_deaths,
            (_, "CLUSTER.TASK_NOT_ACCEPTED") => self.detours_are_spent(core, id),
            (_, "CLUSTER.TOO_MANY_RESUBMITS") => {
                let stages = core.jobs.get(&id).map_or(0, |j| j.stages.len());
                let losses = self.losses.get(&id).map_or(0, BTreeSet::len);
                losses * stages > core.config.max_resubmits as usize
            }
            (_, "CLUSTER.NONDETERMINISTIC_INPUT") => two_minds && taken,
            (ErrorKind::ResourceExhausted, _) if message.contains("are waiting already") => {
                let before = |n: &&QueryId| self.submitted.get(n) <= self.submitted.get(&id);
                self.submitted.keys().filter(before).count() > core.config.admission.max_queued
            }
            (ErrorKind::ResourceExhausted, _) if message.contains("waited") => {
                self.since(core, &self.submitted, id) >= core.config.admission.queue_timeout
            }
            (ErrorKind::ResourceExhausted, _) if message.contains("ran longer") => plan
                .spec
                .limits
                .run
                .is_some_and(|limit| self.since(core, &self.admitted, id) >= limit),
            (ErrorKind::Io | ErrorKind::Internal | ErrorKind::ResourceExhausted, _) => self.tries_are_spent(core, id),
            _ => return Err(format!("I7: {id} failed for a reason that has no rule: {error}")),
        };
        if spent {
            Ok(())
        } else {
            Err(format!("I7: {id} failed before its retries were spent: {error}"))
        }
    }

    fn since(&self, core: &State, what: &BTreeMap<QueryId, Millis>, id: QueryId) -> Millis {
        what.get(&id).map_or(0, |at| core.now.saturating_sub(*at))
    }

    fn most(&self, counts: &BTreeMap<TaskId, u32>, id: QueryId) -> u32 {
        let of_job = counts.iter().filter(|(task, _)| task.job == id);
        of_job.map(|(_, n)| *n).max().unwrap_or(0)
    }

    fn detours_are_spent(&self, core: &State, id: QueryId) -> bool {
        self.most(&self.detours, id) > core.config.max_resubmits
    }

    /// Enough rounds. That outputs which are gone do not use them up one by one is judged at each word.
    fn fetches_are_spent(&self, core: &State, id: QueryId) -> bool {
        let rounds = self.rounds.iter().filter(|((job, _), _)| *job == id);
        let most = rounds.map(|(_, r)| r.count).max().unwrap_or(0);
        most >= core.config.max_fetch_failures
    }

    fn tries_are_spent(&self, core: &State, id: QueryId) -> bool {
        let tasks = self.failures.iter().filter(|(task, _)| task.job == id);
        tasks.map(|(_, kinds)| kinds).any(|kinds| {
            let counted = kinds
                .values()
                .filter(|k| matches!(k, ErrorKind::Io | ErrorKind::Internal | ErrorKind::ResourceExhausted));
            let internal = kinds.values().filter(|k| **k == ErrorKind::Internal).count();
            counted.count() >= core.config.max_attempts as usize || internal >= core.config.max_internal as usize
        })
    }

    /// Some stage may use no executor that is there or comes back: each failed often enough, or shares a host with such.
    fn all_are_closed(&self, core: &State, id: QueryId) -> bool {
        let limits = &core.config.exclusion;
        let total = |id: &ExecutorId| self.blames.get(id).map_or(0, |b| b.values().sum::<u32>());
        let is_closed = |id: &ExecutorId| total(id) >= limits.executor_failures;
        let host_is_closed = |host: &str| {
            let here = self.hosts.iter().filter(|(_, h)| h.as_str() == host);
            here.filter(|(id, _)| is_closed(id)).count() >= limits.host_executors as usize
        };
        let stages = core.jobs.get(&id).into_iter().flat_map(|j| j.stages.keys());
        let mut active = core
            .executors
            .iter()
            .filter(|(_, e)| e.status == ExecutorStatus::Active);
        stages.into_iter().any(|stage| {
            active.clone().all(|(executor, e)| {
                let here = self.blames.get(executor).and_then(|b| b.get(&(id, *stage)));
                here.is_some_and(|n| *n >= limits.stage_failures) || is_closed(executor) || host_is_closed(&e.spec.host)
            })
        }) || active.next().is_none()
    }
}

/// Whether a job that writes was started and came to nothing.
pub(super) fn came_to_nothing(core: &State, id: QueryId) -> bool {
    core.jobs.get(&id).is_some_and(|j| {
        j.spec.writes && j.started.is_some() && matches!(j.status, JobStatus::Failed | JobStatus::Cancelled)
    })
}
