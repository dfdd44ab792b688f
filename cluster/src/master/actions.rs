//! What the core orders, carried out.

use std::sync::Arc;

use rsql_common::{Error, ExecutorId, OutputId, QueryId, Result};

use super::inbox::Mail;
use super::jobs::{JobUpdate, ResultPart};
use super::scheduler::Scheduler;
use crate::core::{Action, Event, InputOutput, Launch as Order, Lifecycle};
use crate::rpc::messages::{Launch, MasterMessage, OutputCopy, TaskInput};
use rsql_shuffle::OutputLocation;

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
                self.pending.push_back(Event::BoundsReady { job, stage, bounds });
            }
            Action::Launch(order) => self.launch(order),
            Action::Kill { executor, attempt, .. } => self.executors.say(executor, MasterMessage::Kill(attempt)),
            Action::DropOutputs { executor, outputs } => {
                for output in &outputs {
                    if let Some(job) = self.jobs.get_mut(&output.query) {
                        job.outputs.remove(output);
                    }
                }
                self.executors.say(executor, MasterMessage::Drop(outputs));
            }
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
        let attempt = order.attempt;
        match self.launch_message(order) {
            Ok((executor, launch)) => self.executors.say(executor, MasterMessage::Launch(Box::new(launch))),
            // The core's timeout tries again; a query whose plan is gone is over.
            Err(e) => tracing::warn!(?attempt, error = %e, "an attempt is not launched"),
        }
    }

    fn launch_message(&self, order: Order) -> Result<(ExecutorId, Launch)> {
        let job = self
            .jobs
            .get(&order.attempt.task.job)
            .ok_or_else(|| Error::internal("the query is not known"))?;
        let (plan, _) = job
            .plans
            .get(&order.attempt.task.stage)
            .ok_or_else(|| Error::internal("the stage has no plan"))?;
        let reader = self
            .executors
            .get(order.executor)
            .ok_or_else(|| Error::internal("the executor is not known"))?;
        let inputs = order
            .inputs
            .iter()
            .map(|input| self.input(input, &reader.spec.host))
            .collect::<Result<_>>()?;
        let launch = Launch {
            attempt: order.attempt,
            plan: *plan,
            reads: order.reads,
            inputs,
            bounds: order.bounds,
            memory: order.memory,
            key: job.key.clone(),
        };
        Ok((order.executor, launch))
    }

    /// Where an output is, for a reader on `host`.
    fn input(&self, input: &InputOutput, host: &str) -> Result<TaskInput> {
        let holder = self
            .executors
            .get(input.executor)
            .ok_or_else(|| Error::internal(format!("{} is not known", input.executor)))?;
        let output = self.output(input.output)?;
        Ok(TaskInput {
            location: OutputLocation {
                output: input.output,
                executor: input.executor,
                endpoint: holder.spec.endpoint.clone(),
                local_dir: (self.local_reads && holder.spec.host == host).then(|| holder.shuffle_dir.clone().into()),
            },
            output,
        })
    }

    /// Has an executor take over what another one holds. What it does not get is computed again when the grace is over.
    fn move_outputs(&mut self, from: ExecutorId, to: ExecutorId, outputs: &[OutputId]) {
        let copies = outputs
            .iter()
            .map(|id| self.copy_of(*id, from, to))
            .collect::<Result<Vec<_>>>();
        match copies {
            Ok(copies) => self.executors.say(to, MasterMessage::Copy(copies)),
            Err(e) => tracing::warn!(%from, %to, error = %e, "outputs are not moved"),
        }
    }

    fn copy_of(&self, output: OutputId, from: ExecutorId, to: ExecutorId) -> Result<OutputCopy> {
        let reader = self
            .executors
            .get(to)
            .ok_or_else(|| Error::internal(format!("{to} is not known")))?;
        let executor = from;
        let from = self.input(&InputOutput { output, executor }, &reader.spec.host)?;
        let stage = self.jobs.get(&output.query).and_then(|j| j.graph.stage(output.stage));
        let stage = stage.ok_or_else(|| Error::internal(format!("the stage of {output:?} is not known")))?;
        Ok(OutputCopy {
            from,
            schema: stage.plan.schema().clone(),
        })
    }

    fn output(&self, id: OutputId) -> Result<rsql_shuffle::MapOutput> {
        self.jobs
            .get(&id.query)
            .and_then(|j| j.outputs.get(&id))
            .cloned()
            .ok_or_else(|| Error::internal(format!("the figures of {id:?} are not known")))
    }

    fn result_ready(&mut self, job: QueryId, outputs: &[InputOutput]) {
        let parts: Result<Vec<ResultPart>> = outputs
            .iter()
            .map(|o| {
                self.input(o, &self.host).map(|input| ResultPart {
                    location: input.location,
                    output: input.output,
                })
            })
            .collect();
        let Some(updates) = self.jobs.get(&job).and_then(|j| j.updates.as_ref()) else {
            return;
        };
        let update = match parts {
            Ok(parts) => JobUpdate::Ready(parts),
            Err(e) => JobUpdate::Ended(Err(e)),
        };
        if updates.send(update).is_err() {
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
            let commit = move || {
                let outcome = committer.commit(&files);
                // A master that has stopped counts nothing any more.
                _ = inbox.send(Mail::Event(Event::Committed { job, outcome }));
            };
            Ok(std::thread::Builder::new().name("rsql-commit".into()).spawn(commit)?)
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
        if let Some(known) = self.jobs.remove(&job)
            && let Some(updates) = known.updates
        {
            // Nobody is left to tell if the reader has gone.
            _ = updates.send(JobUpdate::Ended(outcome));
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
        if let Lifecycle::ExecutorRemoved { executor, .. } = turn
            && let Some(known) = self.executors.get_mut(*executor)
        {
            known.alive = false;
        }
        if let Lifecycle::Refused { transition } = turn {
            tracing::error!(transition, "the scheduler refused a transition");
        }
        self.events.happened(turn);
        let (query, stage) = match turn {
            Lifecycle::Attempt { attempt, .. } => (attempt.task.job, attempt.task.stage),
            Lifecycle::StageStarted { job, stage, .. } | Lifecycle::StageDone { job, stage, .. } => (*job, *stage),
            _ => return,
        };
        let record = self.events.history.job(query).and_then(|j| j.stages.get(&stage));
        if let (Some(job), Some(record)) = (self.jobs.get(&query), record) {
            job.progress.update(record.progress(stage));
        }
    }
}
