//! What follows when an attempt fails, by the kind of the error.
//!
//! | kind | counts to the task | what happens |
//! |---|---|---|
//! | `User` | – | the job fails at once |
//! | `ResourceExhausted` | yes | again with twice the memory, then alone on an executor; for want of disk on another one |
//! | `Io` | yes | again after a wait that doubles, elsewhere if possible |
//! | `FetchFailed` | to its stage, in a row | `lineage.rs` |
//! | `Killed`, `ExecutorLost` | – | again, if still needed; bounded |
//! | `Internal` | yes, two at most | again on another executor |
//!
//! A job fails with the last error as it is: an infrastructure error shows only when its retries are spent (I7).

use rsql_common::{Error, ErrorKind, ExecutorId};

use super::ids::{AttemptId, Millis};
use super::slips::Slip;
use super::state::State;
use super::status::{AttemptStatus, JobStatus};

impl State {
    pub(super) fn on_failed(&mut self, from: ExecutorId, id: AttemptId, error: Error) {
        let live = self.is_live_on(from, id);
        self.vacate(from, id);
        if !live {
            return;
        }
        if let Some(attempt) = self.attempt_mut(id) {
            attempt.error = Some(error.clone());
        }
        self.advance(id, AttemptStatus::Failed);
        if let Some(executor) = self.executors.get_mut(&from) {
            executor.failed += 1;
        }
        match error.kind() {
            ErrorKind::User if self.slipped(Slip::UserErrorRetried) => self.on_counted_failure(from, id, error),
            ErrorKind::User => self.end_job(id.task.job, JobStatus::Failed, Some(error)),
            ErrorKind::FetchFailed => self.on_fetch_failed(from, id, error),
            ErrorKind::Killed | ErrorKind::ExecutorLost => self.detour(id, Some(&error)),
            ErrorKind::ResourceExhausted | ErrorKind::Io | ErrorKind::Internal => {
                self.on_counted_failure(from, id, error);
            }
        }
    }

    fn on_counted_failure(&mut self, from: ExecutorId, id: AttemptId, error: Error) {
        if self.is_draining(from) {
            // What an executor on its way out does wrong is nobody's fault.
            self.detour(id, Some(&error));
            return;
        }
        let limit = self.max_attempts(id);
        let max_internal = self.config.max_internal;
        let granted = self.attempt(id).map_or(0, |a| a.memory);
        let Some(task) = self.task_mut(id.task) else { return };
        task.failures += 1;
        task.avoid.insert(from);
        match error.kind() {
            ErrorKind::Internal => task.internal += 1,
            ErrorKind::ResourceExhausted if !is_disk_full(&error) => {
                task.exhausted += 1;
                task.memory = granted.saturating_mul(2);
                // More memory may well be here.
                task.avoid.remove(&from);
            }
            _ => {}
        }
        let failures = task.failures;
        let spent = failures >= limit || task.internal >= max_internal;
        if spent || self.slipped(Slip::NoRetry) {
            self.end_job(id.task.job, JobStatus::Failed, Some(error));
            return;
        }
        if error.kind() != ErrorKind::ResourceExhausted || is_disk_full(&error) {
            // Want of memory is the task's doing, everything else speaks against the executor.
            self.charge(from, id.task);
        }
        self.fail_probe(id, Some(&error));
        if error.kind() == ErrorKind::Io {
            let ready = self.now + self.backoff(id, failures);
            if let Some(task) = self.task_mut(id.task) {
                task.not_before = ready;
            }
        }
        self.requeue(id.task);
    }

    fn max_attempts(&self, id: AttemptId) -> u32 {
        self.jobs
            .get(&id.task.job)
            .and_then(|j| j.spec.limits.attempts)
            .unwrap_or(self.config.max_attempts)
    }

    /// Wait before the try after `failures` failures: doubles, with up to a quarter more so that tasks that failed together do
    /// not come back together. The extra is a function of the attempt, since the core draws no random numbers.
    pub(super) fn backoff(&self, id: AttemptId, failures: u32) -> Millis {
        let doubled = self.config.backoff.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let wait = doubled.min(self.config.max_backoff);
        let mixed = (u64::from(id.task.task) << 32 | u64::from(id.attempt)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        wait + mixed % (wait / 4).max(1)
    }
}

/// Whether it was the disk that ran out, which more memory does not cure.
fn is_disk_full(error: &Error) -> bool {
    error.condition().ends_with(".DISK") || error.params().any(|(name, value)| name == "resource" && value == "disk")
}
