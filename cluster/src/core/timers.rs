//! Time: what is due, and when the next thing will be.

use rsql_common::{ExecutorId, QueryId};

use super::action::KillReason;
use super::errors;
use super::ids::{AttemptId, Millis};
use super::slips::Slip;
use super::state::State;
use super::status::{AttemptStatus, ExecutorStatus, JobStatus};

impl State {
    /// When [`step`](super::step()) has to be called at the latest, with [`Event::Tick`](super::Event::Tick) if nothing else
    /// happens before.
    pub fn next_deadline(&self) -> Option<Millis> {
        self.due
    }

    /// Takes the time. If a deadline was missed by far, this process stood still: others are not to blame for silence that we
    /// could not have heard through.
    pub(super) fn clock(&mut self, now: Millis) {
        let now = now.max(self.now);
        let late = self.due.map_or(0, |due| now.saturating_sub(due));
        if late > self.config.stall {
            let mut waiting = Vec::new();
            for executor in self.executors.values_mut() {
                executor.last_seen = (executor.last_seen + late).min(now);
                executor.disconnected = executor.disconnected.map(|at| (at + late).min(now));
                for slot in executor.occupied.values_mut() {
                    slot.killed = slot.killed.map(|(first, last, why)| (first + late, last + late, why));
                }
                // An executor that could not be heard could not be told either.
                for (at, _) in &mut executor.dropped {
                    *at = (*at + late).min(now);
                }
                waiting.extend(executor.occupied.keys().copied());
            }
            for id in waiting {
                if let Some(attempt) = self.attempt_mut(id).filter(|a| a.status == AttemptStatus::Assigned) {
                    attempt.launched = attempt.launched.map(|at| (at + late).min(now));
                }
            }
        }
        self.now = now;
    }

    pub(super) fn fire_timers(&mut self) {
        self.expire_leases();
        self.expire_exclusions();
        self.expire_launches();
        self.expire_kills();
        self.expire_jobs();
        self.expire_desertion();
        self.speculate();
    }

    fn expire_leases(&mut self) {
        let (now, lease) = (self.now, self.config.lease);
        let expired: Vec<(ExecutorId, bool)> = self
            .executors
            .iter()
            .filter_map(|(id, e)| {
                let silent = now >= e.last_seen.saturating_add(lease);
                let cut = e.disconnected.is_some_and(|at| now >= at.saturating_add(lease));
                (silent || cut).then_some((*id, silent))
            })
            .collect();
        for (id, silent) in expired {
            let reason = if silent {
                "its heartbeats stopped"
            } else {
                "its connection did not come back"
            };
            self.lose_executor(id, reason);
        }
    }

    fn expire_launches(&mut self) {
        let (now, timeout) = (self.now, self.config.accept_timeout);
        let expired: Vec<(ExecutorId, AttemptId)> = self
            .occupied_attempts()
            .filter(|(_, id)| {
                self.attempt(*id).is_some_and(|a| {
                    a.status == AttemptStatus::Assigned
                        && a.launched.is_some_and(|at| now >= at.saturating_add(timeout))
                })
            })
            .collect();
        for (executor, id) in expired {
            self.kill(id, KillReason::NotAccepted);
            if let Some(task) = self.task_mut(id.task) {
                task.avoid.insert(executor);
            }
            self.charge(executor, id.task);
            self.fail_probe(id, None);
            self.detour(id, None);
        }
    }

    fn expire_kills(&mut self) {
        let (now, timeout, reap) = (self.now, self.config.kill_timeout, self.config.reap_timeout);
        let mut resend = Vec::new();
        let mut reaped = Vec::new();
        for (id, executor) in &self.executors {
            for (attempt, slot) in &executor.occupied {
                let Some((first, last, _)) = slot.killed else { continue };
                if now >= last.saturating_add(timeout) {
                    resend.push((*id, *attempt));
                }
                if now >= first.saturating_add(reap) {
                    reaped.push(*id);
                }
            }
        }
        for (executor, attempt) in resend {
            self.resend_kill(executor, attempt);
        }
        for executor in reaped {
            // A task that does not die keeps its slot for good; only a new process gets it back.
            self.drain(executor, 0);
        }
    }

    fn expire_jobs(&mut self) {
        let now = self.now;
        let mut ended = Vec::new();
        let mut commits: Vec<QueryId> = Vec::new();
        for (id, job) in &self.jobs {
            match job.status {
                JobStatus::Queued => {
                    let limit = job.spec.limits.queue.unwrap_or(self.config.admission.queue_timeout);
                    if now >= job.submitted.saturating_add(limit) {
                        ended.push((*id, errors::queue_timeout(now - job.submitted)));
                    }
                }
                JobStatus::Planning | JobStatus::Running => {
                    if let (Some(limit), Some(started)) = (job.spec.limits.run, job.started)
                        && now >= started.saturating_add(limit)
                    {
                        ended.push((*id, errors::run_timeout(limit)));
                    }
                }
                JobStatus::Committing
                    if job
                        .commit_sent
                        .is_some_and(|at| now >= at.saturating_add(self.config.commit_timeout)) =>
                {
                    commits.push(*id);
                }
                _ => {}
            }
        }
        for (id, error) in ended {
            self.end_job(id, JobStatus::Failed, Some(error));
        }
        for id in commits {
            self.commit(id);
        }
    }

    /// Ends jobs that wait for an executor when there has been none for too long.
    fn expire_desertion(&mut self) {
        let Some(since) = self.deserted else { return };
        if self.executors.values().any(|e| e.status == ExecutorStatus::Active) {
            self.deserted = None;
            return;
        }
        let grace = self.config.executor_grace;
        for id in self.running_jobs() {
            let end = self.desertion_end(id, since);
            if end.is_some_and(|end| self.now >= end || self.slipped(Slip::NoGrace)) {
                self.end_job(id, JobStatus::Failed, Some(errors::no_executors(grace)));
            }
        }
    }

    /// When a job that needs an executor gives up.
    fn desertion_end(&self, id: QueryId, since: Millis) -> Option<Millis> {
        let job = self.jobs.get(&id)?;
        let needs = job.stages.values().flat_map(|s| &s.tasks).any(|t| t.wanted);
        let from = job.started.unwrap_or(0).max(since);
        needs.then_some(from.saturating_add(self.config.executor_grace))
    }

    fn occupied_attempts(&self) -> impl Iterator<Item = (ExecutorId, AttemptId)> {
        self.executors
            .iter()
            .flat_map(|(id, e)| e.occupied.keys().map(move |attempt| (*id, *attempt)))
    }

    /// The next time at which something is due.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let executors = self.executor_deadlines();
        let jobs = self.job_deadlines();
        let deserted = self.deserted.into_iter().flat_map(|since| {
            self.running_jobs()
                .into_iter()
                .filter_map(move |id| self.desertion_end(id, since))
        });
        let hosts = self.hosts.values().copied();
        let all = executors.into_iter().chain(jobs).chain(hosts);
        // What was due before and could not be acted on (a full executor, say) is not a reason to be called again.
        all.chain(deserted)
            .chain(self.next_straggler())
            .filter(|at| *at > self.now)
            .min()
    }

    fn executor_deadlines(&self) -> Vec<Millis> {
        let config = &self.config;
        let mut due = Vec::new();
        for executor in self.executors.values() {
            due.push(executor.last_seen + config.lease);
            due.extend(executor.disconnected.map(|at| at + config.lease));
            due.extend(executor.excluded_until);
            if let Some(until) = executor.drain_until {
                due.extend([until, until.saturating_add(config.reap_timeout)]);
            }
            for (id, slot) in &executor.occupied {
                if let Some((first, last, _)) = slot.killed {
                    due.extend([first + config.reap_timeout, last + config.kill_timeout]);
                }
                let assigned = self.attempt(*id).filter(|a| a.status == AttemptStatus::Assigned);
                due.extend(assigned.and_then(|a| a.launched).map(|at| at + config.accept_timeout));
            }
        }
        due
    }

    fn job_deadlines(&self) -> Vec<Millis> {
        let config = &self.config;
        let mut due = Vec::new();
        for job in self.jobs.values() {
            match job.status {
                JobStatus::Queued => due.push(
                    job.submitted
                        .saturating_add(job.spec.limits.queue.unwrap_or(config.admission.queue_timeout)),
                ),
                JobStatus::Planning | JobStatus::Running => {
                    let limit = job.spec.limits.run.zip(job.started);
                    due.extend(limit.map(|(limit, started)| started.saturating_add(limit)));
                    let waiting = job.stages.values().flat_map(|s| &s.tasks).filter(|t| t.wanted);
                    for task in waiting {
                        due.push(task.not_before);
                        let last = task.attempts.last().filter(|a| a.status == AttemptStatus::Created);
                        if let Some((created, near)) = last.and_then(|a| Some((a.created, a.near.as_ref()?))) {
                            due.push(created.max(task.not_before) + near.patience);
                        }
                    }
                }
                JobStatus::Committing => due.extend(job.commit_sent.map(|at| at + config.commit_timeout)),
                _ => {}
            }
        }
        due
    }
}
