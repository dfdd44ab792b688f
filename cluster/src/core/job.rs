//! Jobs: submitted, planned, re-planned, read, committed, ended.

use std::collections::BTreeMap;

use rsql_common::{Error, ExecutorId, OutputId, QueryId, StageId};

use super::action::{Action, KillReason};
use super::errors;
use super::ids::{AttemptId, TaskId};
use super::lifecycle::Lifecycle;
use super::slips::Slip;
use super::spec::{Bounds, JobSpec, OutputFigures, StageSpec};
use super::state::{Answer, Job, Place, Stage, State};
use super::status::JobStatus;
use super::validate::check_stages;

impl State {
    pub(super) fn on_submit(&mut self, id: QueryId, spec: JobSpec) {
        if self.jobs.contains_key(&id) {
            return;
        }
        self.submitted += 1;
        let job = Job {
            spec,
            order: self.submitted,
            status: JobStatus::Queued,
            submitted: self.now,
            started: None,
            ended: None,
            error: None,
            stages: BTreeMap::new(),
            result: StageId(0),
            resubmits: 0,
            output_bytes: 0,
            commit_sent: None,
            offered: Vec::new(),
        };
        let waiting = self.jobs.values().filter(|j| j.status == JobStatus::Queued).count();
        self.jobs.insert(id, job);
        self.log(Lifecycle::Job {
            job: id,
            status: JobStatus::Queued,
            error: None,
        });
        let max = self.config.admission.max_queued;
        if waiting >= max {
            self.end_job(id, JobStatus::Failed, Some(errors::queue_full(max)));
        }
    }

    pub(super) fn on_planned(&mut self, id: QueryId, stages: Result<Vec<StageSpec>, Error>) {
        if self.jobs.get(&id).is_none_or(|j| j.status != JobStatus::Planning) {
            return;
        }
        let checked = stages.and_then(|stages| {
            check_stages(&stages)?;
            Ok(stages)
        });
        match checked {
            Err(error) => self.end_job(id, JobStatus::Failed, Some(error)),
            Ok(stages) => {
                self.advance_job(id, JobStatus::Running);
                let Some(job) = self.jobs.get_mut(&id) else { return };
                job.result = stages.last().map_or(StageId(0), |s| s.id);
                let sampled: Vec<_> = stages.iter().filter_map(|s| s.bounds_of).collect();
                for spec in stages {
                    let stage = Stage::new(spec, false);
                    job.stages.insert(stage.spec.id, stage);
                }
                for id in sampled {
                    if let Some(stage) = job.stages.get_mut(&id) {
                        stage.bounds = Answer::Wanted;
                    }
                }
                self.refresh(id);
            }
        }
    }

    /// Takes a new plan of what has not started. A plan that does not fit is refused as a whole: the old one still stands.
    pub(super) fn on_replanned(&mut self, id: QueryId, stage: StageId, changes: Vec<StageSpec>) {
        let Some(asked) = self.stage_mut(id, stage) else { return };
        if asked.replan != Answer::Asked {
            return;
        }
        asked.replan = Answer::Given(());
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let touches_started = changes
            .iter()
            .any(|c| job.stages.get(&c.id).is_some_and(Stage::has_started));
        let mut after: BTreeMap<StageId, StageSpec> = job.stages.iter().map(|(id, s)| (*id, s.whole_spec())).collect();
        after.extend(changes.iter().map(|c| (c.id, c.clone())));
        let all: Vec<StageSpec> = after.into_values().collect();
        if touches_started || check_stages(&all).is_err() {
            self.log(Lifecycle::Refused {
                transition: format!("new plan after {stage} of query {id}"),
            });
        } else {
            for spec in changes {
                let mut stage = Stage::new(spec, false);
                if let Some(old) = job.stages.get(&stage.spec.id) {
                    stage.status = old.status;
                    stage.epoch = old.epoch;
                    stage.bounds = old.bounds.clone();
                }
                if let Some(sampling) = stage.spec.bounds_of.and_then(|s| job.stages.get_mut(&s))
                    && sampling.bounds == Answer::None
                {
                    sampling.bounds = Answer::Wanted;
                }
                job.stages.insert(stage.spec.id, stage);
            }
        }
        self.refresh(id);
    }

    pub(super) fn on_bounds(&mut self, id: QueryId, stage: StageId, bounds: Result<Bounds, Error>) {
        let Some(sampling) = self.stage_mut(id, stage) else {
            return;
        };
        if sampling.bounds != Answer::Asked {
            return;
        }
        match bounds {
            Ok(bounds) => {
                sampling.bounds = Answer::Given(bounds);
                self.refresh(id);
            }
            Err(error) => self.end_job(id, JobStatus::Failed, Some(error)),
        }
    }

    /// The reader has the rows of `output`. If by now other rows stand in its place, the answer would be of two minds.
    pub(super) fn on_result_taken(&mut self, output: OutputId) {
        let id = AttemptId::of(output);
        let Some(job) = self.jobs.get(&output.query) else {
            return;
        };
        if job.status != JobStatus::Running || job.result != output.stage || job.spec.writes {
            return;
        }
        let Some(task) = self.task(id.task) else { return };
        let same = task.standing == Some(id.attempt)
            || task
                .standing
                .is_some_and(|standing| self.gives_same_rows(id.task, id.attempt, standing));
        if !same {
            self.end_job(output.query, JobStatus::Failed, Some(errors::nondeterministic(output)));
            return;
        }
        if let Some(task) = self.task_mut(id.task) {
            task.taken = true;
        }
        self.refresh(output.query);
    }

    pub(super) fn on_result_read(&mut self, id: QueryId) {
        if self
            .jobs
            .get(&id)
            .is_some_and(|j| j.status == JobStatus::Running && !j.spec.writes)
        {
            self.end_job(id, JobStatus::Finished, None);
        }
    }

    pub(super) fn on_committed(&mut self, id: QueryId, outcome: Result<(), Error>) {
        if self.jobs.get(&id).is_none_or(|j| j.status != JobStatus::Committing) {
            return;
        }
        match outcome {
            Ok(()) => self.end_job(id, JobStatus::Finished, None),
            // It has happened, whatever is left to do: only the client has to know that.
            Err(error) if error.is_committed() => self.end_job(id, JobStatus::Finished, Some(error)),
            Err(error) => self.end_job(id, JobStatus::Failed, Some(error)),
        }
    }

    /// Ends a job that the shell cannot go on with. Not while it commits, as with [`State::on_cancel`].
    pub(super) fn on_broken(&mut self, id: QueryId, error: Error) {
        if self.jobs.get(&id).is_some_and(|j| j.status != JobStatus::Committing) {
            self.end_job(id, JobStatus::Failed, Some(error));
        }
    }

    /// Ends the job now. Not while it commits: then only the answer knows how it ends.
    pub(super) fn on_cancel(&mut self, id: QueryId) {
        if self.jobs.get(&id).is_some_and(|j| j.status != JobStatus::Committing) {
            self.end_job(id, JobStatus::Cancelled, Some(Error::cancelled()));
        }
    }

    /// Moves a job on. False if it may not.
    pub(super) fn advance_job(&mut self, id: QueryId, to: JobStatus) -> bool {
        let Some(from) = self.jobs.get(&id).map(|j| j.status) else {
            return false;
        };
        if from == to || super::status::Machine::is_terminal(from) || !self.permits(from, to) {
            return false;
        }
        if let Some(job) = self.jobs.get_mut(&id) {
            job.status = to;
            if to == JobStatus::Planning {
                job.started = Some(self.now);
            }
        }
        true
    }

    /// The one way a job ends: everything it has is stopped, dropped and told about.
    pub(super) fn end_job(&mut self, id: QueryId, to: JobStatus, error: Option<Error>) {
        let started = self.jobs.get(&id).is_some_and(|j| j.started.is_some());
        if !self.advance_job(id, to) {
            return;
        }
        for task in self.task_ids(id) {
            self.kill_all(task, KillReason::JobOver);
            self.drop_output(task);
        }
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.ended = Some(now);
        job.error.clone_from(&error);
        for attempt in job
            .stages
            .values_mut()
            .flat_map(|s| &mut s.tasks)
            .flat_map(|t| &mut t.attempts)
        {
            attempt.figures = attempt.figures.as_ref().map(OutputFigures::totals);
        }
        let writes = job.spec.writes;
        let in_vain = to != JobStatus::Finished || self.slipped(Slip::AbortAfterCommit);
        if writes && started && in_vain && !self.slipped(Slip::AbortForgotten) {
            self.order(Action::AbortWrite { job: id });
        }
        self.log(Lifecycle::Job {
            job: id,
            status: to,
            error: error.clone(),
        });
        self.order(Action::JobEnded {
            job: id,
            outcome: error.map_or(Ok(()), Err),
        });
        self.over.push_back(id);
        while self.over.len() > self.config.retained_jobs {
            if let Some(oldest) = self.over.pop_front() {
                self.jobs.remove(&oldest);
            }
        }
    }

    pub(super) fn task_ids(&self, id: QueryId) -> Vec<TaskId> {
        let stages = self.jobs.get(&id).into_iter().flat_map(|j| &j.stages);
        stages
            .flat_map(|(stage, s)| {
                (0..).zip(&s.tasks).map(move |(task, _)| TaskId {
                    job: id,
                    stage: *stage,
                    task,
                })
            })
            .collect()
    }

    /// Deletes what the task wrote, if it is still there.
    pub(super) fn drop_output(&mut self, id: TaskId) {
        let Some(task) = self.task_mut(id) else { return };
        let Some(attempt) = task.standing else { return };
        if let Some(Place::Executor(executor)) = task.place.take() {
            let output = AttemptId { task: id, attempt }.output();
            self.drop_outputs(executor, vec![output]);
        }
    }

    /// Deletes outputs on an executor, merged into the order before if it is one for the same executor.
    pub(super) fn drop_outputs(&mut self, executor: ExecutorId, mut which: Vec<OutputId>) {
        let (now, keep) = (self.now, self.config.lease * 2);
        if let Some(state) = self.executors.get_mut(&executor) {
            state.dropped.retain(|(at, _)| at + keep > now);
            state.dropped.extend(which.iter().map(|output| (now, *output)));
        }
        if let Some(Action::DropOutputs {
            executor: last,
            outputs,
        }) = self.actions.last_mut()
            && *last == executor
        {
            outputs.append(&mut which);
        } else if !which.is_empty() {
            self.order(Action::DropOutputs {
                executor,
                outputs: which,
            });
        }
    }
}

impl Stage {
    /// The specification, tasks included.
    pub(super) fn whole_spec(&self) -> StageSpec {
        StageSpec {
            tasks: self.tasks.iter().map(|t| t.spec.clone()).collect(),
            ..self.spec.clone()
        }
    }
}
