//! Attempts: taken on, running, succeeded, stopped. How they fail is in `failure.rs`.

use rsql_common::{Error, ExecutorId};

use super::action::{Action, KillReason};
use super::errors;
use super::event::Progress;
use super::ids::{AttemptId, TaskId};
use super::lifecycle::Lifecycle;
use super::slips::Slip;
use super::spec::OutputFigures;
use super::state::{Place, State};
use super::status::{AttemptStatus, JobStatus, Machine};

impl State {
    pub(super) fn on_accepted(&mut self, from: ExecutorId, id: AttemptId) {
        if !self.is_live_on(from, id) {
            self.stop_stray(from, id);
        } else if self.attempt(id).is_some_and(|a| a.status == AttemptStatus::Assigned) {
            self.advance(id, AttemptStatus::Accepted);
        }
    }

    pub(super) fn on_running(&mut self, from: ExecutorId, id: AttemptId) {
        if !self.is_live_on(from, id) {
            self.stop_stray(from, id);
        } else if self.attempt(id).is_some_and(|a| a.status != AttemptStatus::Running) {
            let now = self.now;
            if let Some(attempt) = self.attempt_mut(id) {
                attempt.running = Some(now);
            }
            self.advance(id, AttemptStatus::Running);
        }
    }

    pub(super) fn on_progress(&mut self, from: ExecutorId, id: AttemptId, progress: Progress) {
        if !self.is_live_on(from, id) {
            self.stop_stray(from, id);
        } else if let Some(attempt) = self.attempt_mut(id) {
            // Reports may overtake each other: progress never goes back.
            attempt.progress.rows = attempt.progress.rows.max(progress.rows);
            attempt.progress.bytes = attempt.progress.bytes.max(progress.bytes);
            attempt.progress.permille = attempt.progress.permille.max(progress.permille);
        }
    }

    pub(super) fn on_succeeded(&mut self, from: ExecutorId, id: AttemptId, figures: OutputFigures) {
        let late = !self.is_live_on(from, id);
        if late && !(self.slipped(Slip::LateSuccessWins) && self.was_stopped(id)) {
            self.vacate(from, id);
            self.drop_stray_output(from, id);
            return;
        }
        self.vacate(from, id);
        self.confirm_probe(from, id);
        if let Some(executor) = self.executors.get_mut(&from) {
            executor.completed += 1;
        }
        let writes = self
            .jobs
            .get(&id.task.job)
            .is_some_and(|j| j.spec.writes && j.result == id.task.stage);
        let place = if writes { Place::Staged } else { Place::Executor(from) };
        let bytes = figures.bytes();
        if let Some(attempt) = self.attempt_mut(id) {
            attempt.figures = Some(figures);
        }
        if !late {
            self.advance(id, AttemptStatus::Succeeded);
        }
        if let Some(task) = self.task_mut(id.task) {
            task.wanted = false;
            task.place = Some(place);
        }
        if !self.slipped(Slip::LoserRuns) {
            self.kill_all(id.task, KillReason::LostRace);
        }
        self.replace_standing(id);
        self.account_output(id.task, bytes);
        let done = self.stage(id.task).is_some_and(|s| s.tasks.iter().all(|t| !t.wanted));
        if done || self.slipped(Slip::EarlyCommit) {
            self.refresh(id.task.job);
        }
    }

    /// Adds to what the job wrote, and ends it at its limit.
    fn account_output(&mut self, id: TaskId, bytes: u64) {
        let Some(job) = self.jobs.get_mut(&id.job) else { return };
        job.output_bytes += bytes;
        let limits = job.spec.limits;
        if let Some(limit) = limits.output_bytes.filter(|limit| job.output_bytes > *limit) {
            self.end_job(id.job, JobStatus::Failed, Some(errors::output_limit(limit)));
            return;
        }
        let Some(limit) = limits
            .result_bytes
            .filter(|_| !job.spec.writes && job.result == id.stage)
        else {
            return;
        };
        // By what stands, not by what was ever written: a part that is made again is no second one.
        let result = job.stages.get(&id.stage).into_iter().flat_map(|s| &s.tasks);
        let figures = result.filter_map(|t| t.standing.and_then(|n| t.attempts.get(n as usize)?.figures.as_ref()));
        if figures.map(OutputFigures::bytes).sum::<u64>() > limit {
            self.end_job(id.job, JobStatus::Failed, Some(errors::result_limit(limit)));
        }
    }

    pub(super) fn on_killed(&mut self, from: ExecutorId, id: AttemptId) {
        let live = self.is_live_on(from, id);
        self.vacate(from, id);
        if live {
            // It was stopped on the executor's own account: not a failure, but not for ever either.
            self.advance_killed(id, KillReason::Forgotten);
            self.detour(id, None);
        }
    }

    pub(super) fn on_refused(&mut self, from: ExecutorId, id: AttemptId) {
        let live = self.is_live_on(from, id);
        self.vacate(from, id);
        if live {
            self.advance_killed(id, KillReason::NotAccepted);
            self.charge(from, id.task);
            self.fail_probe(id, None);
            self.detour(id, None);
        }
    }

    /// Sends a task back for a reason that counts to nothing else, a bounded number of times and each time a bit later.
    pub(super) fn detour(&mut self, id: AttemptId, error: Option<&Error>) {
        let (now, max) = (self.now, self.config.max_resubmits);
        let Some(task) = self.task_mut(id.task) else { return };
        task.detours += 1;
        let detours = task.detours;
        if detours > max || self.slipped(Slip::NoDetour) {
            let error = errors::too_many_detours(id.task, error);
            self.end_job(id.task.job, JobStatus::Failed, Some(error));
            return;
        }
        let wait = self.backoff(id, detours);
        if let Some(task) = self.task_mut(id.task) {
            task.not_before = task.not_before.max(now + wait);
        }
        self.requeue(id.task);
    }

    /// Whether the attempt is not over and runs on this executor.
    pub(super) fn is_live_on(&self, executor: ExecutorId, id: AttemptId) -> bool {
        self.attempt(id)
            .is_some_and(|a| a.executor == Some(executor) && !a.status.is_terminal())
    }

    fn was_stopped(&self, id: AttemptId) -> bool {
        self.attempt(id)
            .is_some_and(|a| matches!(a.status, AttemptStatus::Killed | AttemptStatus::Lost))
            && self
                .jobs
                .get(&id.task.job)
                .is_some_and(|j| j.status == JobStatus::Running)
    }

    /// Stops something that runs although nobody here believes so, unless its end is under way.
    fn stop_stray(&mut self, executor: ExecutorId, id: AttemptId) {
        let ended = self
            .attempt(id)
            .is_some_and(|a| matches!(a.status, AttemptStatus::Succeeded | AttemptStatus::Failed));
        let dying = self
            .executors
            .get(&executor)
            .is_some_and(|e| e.occupied.contains_key(&id));
        if !ended && !dying {
            self.order(Action::Kill {
                executor,
                attempt: id,
                why: KillReason::Forgotten,
            });
        }
    }

    /// Deletes the output of an attempt that came too late, unless it is the one that stands: then the report is a repetition.
    fn drop_stray_output(&mut self, executor: ExecutorId, id: AttemptId) {
        if !self.output_stands(id) && !self.slipped(Slip::LoserRuns) {
            self.drop_outputs(executor, vec![id.output()]);
        }
    }

    /// Whether readers are sent to what the attempt wrote, or the commit to what it staged.
    pub(super) fn output_stands(&self, id: AttemptId) -> bool {
        self.task(id.task)
            .is_some_and(|t| t.standing == Some(id.attempt) && t.place.is_some())
    }

    /// Frees the slot of an attempt that ended.
    pub(super) fn vacate(&mut self, executor: ExecutorId, id: AttemptId) {
        let leak = self.slipped(Slip::SlotLeak);
        if let Some(executor) = self.executors.get_mut(&executor) {
            let killed = executor.occupied.get(&id).is_some_and(|o| o.killed.is_some());
            if !(leak && killed) {
                executor.occupied.remove(&id);
            }
        }
    }

    /// Moves an attempt on and tells the log.
    pub(super) fn advance(&mut self, id: AttemptId, to: AttemptStatus) -> bool {
        let now = self.now;
        let Some(from) = self.attempt(id).map(|a| a.status) else {
            return false;
        };
        if !self.permits(from, to) {
            return false;
        }
        let Some(attempt) = self.attempt_mut(id) else {
            return false;
        };
        attempt.status = to;
        if to.is_terminal() {
            attempt.ended = Some(now);
        }
        let record = Lifecycle::Attempt {
            attempt: id,
            executor: attempt.executor,
            status: to,
            error: attempt.error.clone(),
            why: attempt.why,
            figures: attempt.figures.clone(),
        };
        self.log(record);
        true
    }

    pub(super) fn advance_killed(&mut self, id: AttemptId, why: KillReason) {
        if let Some(attempt) = self.attempt_mut(id) {
            attempt.why = Some(why);
        }
        self.advance(id, AttemptStatus::Killed);
    }

    /// Stops an attempt, wherever it is. Its slot is free when the executor says so.
    pub(super) fn kill(&mut self, id: AttemptId, why: KillReason) {
        let now = self.now;
        let Some(attempt) = self.attempt(id).filter(|a| !a.status.is_terminal()) else {
            return;
        };
        let executor = attempt.executor;
        self.advance_killed(id, why);
        let Some(executor) = executor else { return };
        let slot = self.executors.get_mut(&executor).and_then(|e| e.occupied.get_mut(&id));
        if let Some(slot) = slot {
            slot.killed = Some((now, now, why));
            self.order(Action::Kill {
                executor,
                attempt: id,
                why,
            });
        }
    }

    /// Stops every attempt at a task.
    pub(super) fn kill_all(&mut self, id: TaskId, why: KillReason) {
        for attempt in self.live_attempts(id) {
            self.kill(attempt, why);
        }
    }

    /// Stops the attempts that were sent out; those that wait for a slot go on waiting.
    pub(super) fn kill_started(&mut self, id: TaskId, why: KillReason) {
        for attempt in self.live_attempts(id) {
            if self.attempt(attempt).is_some_and(|a| a.executor.is_some()) {
                self.kill(attempt, why);
            }
        }
    }

    pub(super) fn live_attempts(&self, id: TaskId) -> Vec<AttemptId> {
        let live = self.task(id).into_iter().flat_map(|t| t.live());
        live.map(|attempt| AttemptId { task: id, attempt }).collect()
    }
}
