//! What the core orders, carried out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rsql_common::{Error, ExecutorId, OutputId, QueryId, Result, StageId};
use rsql_exec::write::{Committer, WrittenFile};

use super::inbox::Mail;
use super::jobs::JobUpdate;
use super::scheduler::Scheduler;
use crate::core::{Action, Event, InputOutput, Launch as Order, Lifecycle};
use crate::panics::panic_words;
use crate::rpc::messages::MasterMessage;

impl Scheduler {
    /// Does one thing that the core wants done.
    pub(super) fn carry_out(&mut self, action: Action) {
        match action {
            Action::Plan { job } => {
                let stages = self
                    .jobs
                    .get(&job)
                    .map(|j| j.stage_specs())
                    .ok_or_else(|| Error::internal(format!("{job} is to be planned and is not known")));
                self.pending.push_back(Event::Planned { job, stages });
            }
            Action::Replan { job, stage, figures } => self.stage_done(job, stage, &figures),
            Action::ComputeBounds { job, stage, outputs } => {
                let bounds = match self.jobs.get(&job) {
                    Some(known) => known.bounds(stage, &outputs),
                    None => Err(Error::internal(format!("{job} is not known"))),
                };
                self.forget_samples(job, &outputs);
                self.pending.push_back(Event::BoundsReady { job, stage, bounds });
            }
            Action::Launch(order) => self.launch(order),
            Action::Kill { executor, attempt, .. } => self.executors.say(executor, MasterMessage::Kill(attempt)),
            // The figures stay: what is dropped here may stand elsewhere.
            Action::DropOutputs { executor, outputs } => self.executors.say(executor, MasterMessage::Drop(outputs)),
            Action::MoveOutputs { from, to, outputs } => self.move_outputs(from, to, &outputs),
            Action::Release { executor } => self.executors.say(executor, MasterMessage::Release),
            Action::Fence { executor, .. } => {
                let id = executor.executor;
                if let Some(known) = self.executors.get_mut(id) {
                    known.alive = false;
                }
                self.executors.say(id, MasterMessage::Fence);
                self.executors.hang_up(id);
            }
            Action::ResultReady { job, outputs } => self.result_ready(job, &outputs),
            Action::Commit { job, winners } => self.commit(job, &winners),
            Action::AbortWrite { job } => self.abort_write(job),
            Action::JobEnded { job, outcome } => self.ended(job, outcome),
            Action::Log(turn) => self.log(&turn),
        }
    }

    fn launch(&mut self, order: Order) {
        let job = order.attempt.task.job;
        match self.launch_message(order) {
            Ok((executor, launch)) => self.executors.say(executor, MasterMessage::Launch(Box::new(launch))),
            // No executor is to blame, and none would do better.
            Err(error) => self.pending.push_back(Event::Broken { job, error }),
        }
    }

    fn result_ready(&mut self, job: QueryId, outputs: &[InputOutput]) {
        let parts = match self.result_parts(outputs) {
            Ok(parts) => parts,
            Err(error) => return self.pending.push_back(Event::Broken { job, error }),
        };
        let Some(updates) = self.jobs.get(&job).and_then(|j| j.updates.as_ref()) else {
            return;
        };
        if updates.send(JobUpdate::Ready(parts)).is_err() {
            self.pending.push_back(Event::ClientGone { job });
        }
    }

    /// Has a write made visible by a thread of its own: the scheduler does not wait for a disk.
    fn commit(&mut self, job: QueryId, winners: &[OutputId]) {
        let Some(write) = self.jobs.get_mut(&job).and_then(|j| j.write.as_mut()) else {
            let outcome = Err(Error::internal(format!("{job} is to be committed and writes nothing")));
            self.pending.push_back(Event::Committed { job, outcome });
            return;
        };
        if std::mem::replace(&mut write.committing, true) {
            return;
        }
        let started = write.files_of(winners).and_then(|files| {
            let (committer, inbox) = (Arc::clone(&write.committer), self.inbox.clone());
            let work = move || {
                let outcome = commit(committer.as_ref(), &files);
                // A master that has stopped counts nothing any more.
                _ = inbox.send(Mail::Event(Event::Committed { job, outcome }));
            };
            Ok(std::thread::Builder::new().name("rsql-commit".into()).spawn(work)?)
        });
        if let Err(e) = started {
            self.pending.push_back(Event::Committed { job, outcome: Err(e) });
        }
    }

    fn abort_write(&mut self, job: QueryId) {
        let Some(write) = self.jobs.get(&job).and_then(|j| j.write.as_ref()) else {
            return;
        };
        let committer = Arc::clone(&write.committer);
        // Without a thread the statement's own end does it.
        _ = std::thread::Builder::new()
            .name("rsql-abort".into())
            .spawn(move || committer.abort());
    }

    fn ended(&mut self, job: QueryId, outcome: Result<()>) {
        self.events.ended(job, &outcome);
        if let Some(mut known) = self.jobs.remove(&job)
            && let Some(updates) = known.updates.take()
        {
            let record = self.events.history.job(job);
            let told = outcome.map(|()| {
                let metering = known.metering.take().zip(record);
                metering.map(|(m, record)| Box::new(m.staged_run(job, known.graph, record)))
            });
            // Nobody is left to tell if the reader has gone.
            _ = updates.send(JobUpdate::Ended(told));
        }
        let ids: Vec<ExecutorId> = self
            .executors
            .iter()
            .filter(|(_, e)| e.alive)
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.executors.say(id, MasterMessage::Forget(job));
        }
    }

    fn log(&mut self, turn: &Lifecycle) {
        if let Lifecycle::ExecutorRemoved { executor, .. } = turn {
            self.executors.depart(*executor);
        }
        if let Lifecycle::Refused { transition } = turn {
            tracing::error!(transition, "the scheduler refused a transition");
        }
        if let Some((attempt, error)) = turn.failure() {
            tracing::warn!(?attempt, %error, "a task failed");
        }
        self.events.happened(turn);
        let (query, stage) = match turn {
            Lifecycle::Attempt { attempt, .. } => (attempt.task.job, attempt.task.stage),
            Lifecycle::StageStarted { job, stage, .. } | Lifecycle::StageDone { job, stage, .. } => (*job, *stage),
            _ => return,
        };
        self.show(query, stage);
    }

    /// Tells who watches a query how far a stage is.
    pub(super) fn show(&self, query: QueryId, stage: StageId) {
        let record = self.events.history.job(query).and_then(|j| j.stages.get(&stage));
        if let (Some(job), Some(record)) = (self.jobs.get(&query), record) {
            job.progress.update(record.progress(stage));
        }
    }
}

/// Commits. Whoever waits for a commit waits for nothing else, so there is an answer whatever happens.
pub(super) fn commit(committer: &dyn Committer, files: &[WrittenFile]) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| committer.commit(files))).unwrap_or_else(|panic| {
        let words = panic_words(panic.as_ref());
        Err(Error::internal(format!(
            "the commit panicked, and whether the write is visible is not known: {words}"
        )))
    })
}
