//! Executors and hosts that failed too often and are left alone for a while.
//!
//! Two failures on an executor in a stage close it to the stage; four within ten minutes close it to all; two closed executors
//! close their host. Failed fetches count against the producer. If everything is closed to a stage, one task at a time tries an
//! executor all the same: if it succeeds the executor is open again, if it fails the job fails with the list. An executor whose
//! connection is down for a moment is not closed: until it is back, or lost, there is somewhere to go and the job waits.

use rsql_common::{Error, ExecutorId};

use super::errors;
use super::ids::{AttemptId, TaskId};
use super::lifecycle::Lifecycle;
use super::slips::Slip;
use super::state::{Executor, Stage, State};
use super::status::{ExecutorStatus, JobStatus};

impl State {
    /// Counts a failure against an executor, unless it is on its way out.
    pub(super) fn charge(&mut self, id: ExecutorId, task: TaskId) {
        if !self.config.exclusion.enabled || self.is_draining(id) {
            return;
        }
        let limits = self.config.exclusion.clone();
        let now = self.now;
        if let Some(stage) = self.stage_mut(task.job, task.stage) {
            let charges = stage.charges.entry(id).or_default();
            *charges += 1;
            if *charges == limits.stage_failures {
                self.log(Lifecycle::ExecutorExcluded {
                    executor: id,
                    stage: Some((task.job, task.stage)),
                });
            }
        }
        let Some(executor) = self.executors.get_mut(&id) else {
            return;
        };
        executor.failures.retain(|at| at.saturating_add(limits.window) > now);
        executor.failures.push(now);
        if executor.failures.len() < limits.executor_failures as usize {
            return;
        }
        executor.failures.clear();
        executor.excluded_until = Some(now.saturating_add(limits.expiry));
        let host = executor.spec.host.clone();
        self.log(Lifecycle::ExecutorExcluded {
            executor: id,
            stage: None,
        });
        let closed = self
            .executors
            .values()
            .filter(|e| e.spec.host == host && e.excluded_until.is_some_and(|until| until > now))
            .count();
        if closed >= limits.host_executors as usize {
            self.hosts.insert(host.clone(), now.saturating_add(limits.expiry));
            self.log(Lifecycle::HostExcluded { host });
        }
    }

    /// Whether the stage may not use the executor.
    pub(super) fn is_excluded(&self, stage: &Stage, id: ExecutorId, executor: &Executor) -> bool {
        let limits = &self.config.exclusion;
        limits.enabled
            && (stage.charges.get(&id).is_some_and(|c| *c >= limits.stage_failures)
                || executor.excluded_until.is_some_and(|until| until > self.now)
                || self
                    .hosts
                    .get(&executor.spec.host)
                    .is_some_and(|until| *until > self.now))
    }

    /// Whether an executor is or will be there that the stage may use: one that is cut off comes back, or is lost in time.
    pub(super) fn has_open_executor(&self, stage: &Stage) -> bool {
        self.executors
            .iter()
            .any(|(id, e)| e.status == ExecutorStatus::Active && !self.is_excluded(stage, *id, e))
    }

    /// Forgets exclusions that are over.
    pub(super) fn expire_exclusions(&mut self) {
        let now = self.now;
        self.hosts.retain(|_, until| *until > now);
        for executor in self.executors.values_mut() {
            if executor.excluded_until.is_some_and(|until| until <= now) {
                executor.excluded_until = None;
            }
        }
    }

    /// A probe succeeded: its executor is open again.
    pub(super) fn confirm_probe(&mut self, id: ExecutorId, attempt: AttemptId) {
        let Some(stage) = self.stage_mut(attempt.task.job, attempt.task.stage) else {
            return;
        };
        if stage.probe != Some(attempt) {
            return;
        }
        stage.probe = None;
        stage.charges.remove(&id);
        if let Some(executor) = self.executors.get_mut(&id) {
            executor.excluded_until = None;
            executor.failures.clear();
            let host = executor.spec.host.clone();
            self.hosts.remove(&host);
        }
    }

    /// A probe failed: there is nowhere left to try, unless an executor has come since it started.
    pub(super) fn fail_probe(&mut self, attempt: AttemptId, error: Option<&Error>) {
        let Some(stage) = self.stage(attempt.task).filter(|s| s.probe == Some(attempt)) else {
            return;
        };
        if self.has_open_executor(stage) && !self.slipped(Slip::EarlyProbe) {
            return;
        }
        let list: Vec<_> = self
            .executors
            .iter()
            .filter(|(_, e)| e.status == ExecutorStatus::Active)
            .map(|(id, e)| (*id, e.spec.host.clone()))
            .collect();
        let error = errors::all_excluded(attempt.task, &list, error);
        self.end_job(attempt.task.job, JobStatus::Failed, Some(error));
    }
}
