//! Second attempts for tasks that take much longer than their neighbours. Off unless configured.
//!
//! When most tasks of a stage are done, one that has run for a multiple of their median, and for a minimum, gets a second attempt
//! on another executor. The first to succeed wins; the other is stopped and what it wrote is dropped.

use rsql_common::{QueryId, StageId};

use super::ids::{Millis, TaskId};
use super::state::{Attempt, Stage, State, Task};
use super::status::{AttemptStatus, StageStatus};

impl State {
    /// Creates the attempts that are due.
    pub(super) fn speculate(&mut self) {
        if !self.config.speculation.enabled {
            return;
        }
        for (task, epoch) in self.stragglers() {
            let now = self.now;
            if let Some(state) = self.task_mut(task) {
                state.attempts.push(Attempt::new(epoch, now, true));
            }
        }
    }

    fn stragglers(&self) -> Vec<(TaskId, super::ids::Epoch)> {
        let mut found = Vec::new();
        for (job, stage_id, stage) in self.speculative_stages() {
            let Some(limit) = self.straggling_after(stage) else {
                continue;
            };
            let extra = stage
                .tasks
                .iter()
                .flat_map(|t| t.live().filter_map(|n| t.attempts.get(n as usize)))
                .filter(|a| a.speculative)
                .count();
            let allowed = (stage.tasks.len() * self.config.speculation.extra as usize / 100).max(1);
            let slow = (0..)
                .zip(&stage.tasks)
                .filter(|(_, task)| runs_alone_since(task).is_some_and(|since| self.now.saturating_sub(since) > limit))
                .map(|(task, _)| TaskId {
                    job,
                    stage: stage_id,
                    task,
                });
            found.extend(slow.take(allowed.saturating_sub(extra)).map(|task| (task, stage.epoch)));
        }
        found
    }

    fn speculative_stages(&self) -> impl Iterator<Item = (QueryId, StageId, &Stage)> {
        self.running_jobs()
            .into_iter()
            .filter_map(|id| Some((id, self.jobs.get(&id)?)))
            .flat_map(|(id, job)| job.stages.iter().map(move |(stage_id, stage)| (id, *stage_id, stage)))
            .filter(|(_, _, stage)| stage.status == StageStatus::Running)
    }

    /// Run time above which a task of the stage is slow, if enough of them are done to say.
    fn straggling_after(&self, stage: &Stage) -> Option<Millis> {
        let config = &self.config.speculation;
        let mut times: Vec<Millis> = stage
            .tasks
            .iter()
            .filter_map(|t| t.attempts.get(t.standing? as usize))
            .filter_map(|a| Some(a.ended?.saturating_sub(a.launched?)))
            .collect();
        let enough = times.len() * 100 >= stage.tasks.len() * config.quantile as usize;
        if times.is_empty() || !enough {
            return None;
        }
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or(0);
        Some((median * u64::from(config.multiplier) / 100).max(config.min_runtime))
    }

    /// When the next task becomes slow.
    pub(super) fn next_straggler(&self) -> Option<Millis> {
        if !self.config.speculation.enabled {
            return None;
        }
        self.speculative_stages()
            .filter_map(|(_, _, stage)| {
                let limit = self.straggling_after(stage)?;
                let since = stage.tasks.iter().filter_map(runs_alone_since).min()?;
                Some(since.saturating_add(limit) + 1)
            })
            .min()
    }
}

/// Since when a task's only attempt runs.
fn runs_alone_since(task: &Task) -> Option<Millis> {
    let mut live = task.live().filter_map(|n| task.attempts.get(n as usize));
    let attempt = live.next()?;
    let running = matches!(attempt.status, AttemptStatus::Accepted | AttemptStatus::Running);
    (task.wanted && running && live.next().is_none()).then_some(attempt.launched?)
}
