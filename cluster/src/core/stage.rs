//! Which tasks have to run, and what is needed no more: one function, [`State::refresh`], called after every change.
//!
//! Demand starts at the result. An output of it that is neither there nor taken is wanted; what a wanted task reads is needed,
//! and wanted too if it is not there. So lineage is not a mode: outputs that vanish are wanted again exactly if something that
//! is wanted reads them, and outputs that no wanted task reads are dropped.

use std::collections::BTreeSet;

use rsql_common::{OutputId, QueryId, StageId};

use super::action::{Action, InputOutput, KillReason};
use super::errors;
use super::ids::{AttemptId, TaskId};
use super::lifecycle::Lifecycle;
use super::slips::Slip;
use super::state::{Answer, Attempt, Place, Stage, State};
use super::status::{AttemptStatus, JobStatus, StageStatus};

/// What the result asks for.
#[derive(Default)]
struct Demand {
    /// Tasks whose output is needed and not there.
    wanted: BTreeSet<(StageId, u32)>,
    /// Outputs that are needed and there.
    needed: BTreeSet<(StageId, u32)>,
}

impl State {
    /// Brings a running job in line with the outputs that are there.
    pub(super) fn refresh(&mut self, id: QueryId) {
        if self.jobs.get(&id).is_none_or(|j| j.status != JobStatus::Running) {
            return;
        }
        let demand = self.demand(id);
        if !self.mark(id, &demand) {
            return;
        }
        self.drop_unneeded(id, &demand);
        let stages: Vec<StageId> = self
            .jobs
            .get(&id)
            .into_iter()
            .flat_map(|j| j.stages.keys().copied())
            .collect();
        for stage in &stages {
            self.turn_stage(id, *stage);
        }
        for stage in &stages {
            self.align_attempts(id, *stage);
        }
        self.complete(id);
    }

    fn demand(&self, id: QueryId) -> Demand {
        let mut demand = Demand::default();
        let Some(job) = self.jobs.get(&id) else { return demand };
        let result = job.stages.get(&job.result).map_or(0, |s| s.tasks.len() as u32);
        let mut open: Vec<(StageId, u32)> = (0..result).map(|task| (job.result, task)).collect();
        while let Some(key) = open.pop() {
            let Some(task) = job.stages.get(&key.0).and_then(|s| s.tasks.get(key.1 as usize)) else {
                continue;
            };
            if task.taken {
                continue;
            }
            if task.place.is_some() {
                demand.needed.insert(key);
            } else if demand.wanted.insert(key) {
                let reads = task
                    .spec
                    .reads
                    .iter()
                    .flat_map(|r| r.maps.clone().map(move |map| (r.stage, map)));
                open.extend(reads.filter(|k| !demand.needed.contains(k) && !demand.wanted.contains(k)));
            }
        }
        demand
    }

    /// Writes the demand into the tasks, and counts what has to be made again. False if that ended the job.
    fn mark(&mut self, id: QueryId, demand: &Demand) -> bool {
        let max = self.config.max_resubmits;
        let by_task = self.slipped(Slip::ResubmitsByTask);
        let Some(job) = self.jobs.get_mut(&id) else {
            return false;
        };
        let mut last = None;
        for (stage_id, stage) in &mut job.stages {
            let mut again = None;
            for (number, task) in (0..).zip(&mut stage.tasks) {
                let wanted = demand.wanted.contains(&(*stage_id, number));
                if wanted && !task.wanted && !task.attempts.is_empty() {
                    job.resubmits += u32::from(by_task && again.is_some());
                    again = Some(AttemptId {
                        task: TaskId {
                            job: id,
                            stage: *stage_id,
                            task: number,
                        },
                        attempt: task.standing.unwrap_or(0),
                    });
                }
                task.wanted = wanted;
                let reads = task
                    .spec
                    .reads
                    .iter()
                    .flat_map(|r| r.maps.clone().map(move |m| (r.stage, m)));
                task.blocked = wanted && reads.into_iter().any(|key| demand.wanted.contains(&key));
            }
            if let Some(again) = again {
                job.resubmits += 1;
                stage.epoch.0 += 1;
                last = Some(again);
            }
        }
        match last {
            Some(last) if job.resubmits > max => {
                let error = errors::too_many_resubmits(max, last.output());
                self.end_job(id, JobStatus::Failed, Some(error));
                false
            }
            _ => true,
        }
    }

    fn drop_unneeded(&mut self, id: QueryId, demand: &Demand) {
        let early = self.slipped(Slip::EarlyDrop);
        for task in self.task_ids(id) {
            let key = (task.stage, task.task);
            if !demand.needed.contains(&key) || (early && self.first_reader_done(task)) {
                self.drop_output(task);
            }
        }
    }

    /// Only for the planted bug: whether the first stage that reads the task's output is done.
    fn first_reader_done(&self, id: TaskId) -> bool {
        let stages = self.jobs.get(&id.job).map(|j| &j.stages);
        let mut readers = stages
            .into_iter()
            .flat_map(|s| s.values())
            .filter(|s| s.producers().contains(&id.stage));
        readers.next().is_some_and(|s| s.tasks.iter().all(|t| !t.wanted))
    }

    fn turn_stage(&mut self, id: QueryId, stage_id: StageId) {
        let ready = self.inputs_ready(id, stage_id);
        let now = self.now;
        let Some(stage) = self.stage_mut(id, stage_id) else {
            return;
        };
        let pending = stage.tasks.iter().filter(|t| t.wanted).count() as u32;
        let epoch = stage.epoch;
        let from = stage.status;
        let to = match (from, pending) {
            (_, 0) => StageStatus::Done,
            (StageStatus::Done, _) => StageStatus::Running,
            (StageStatus::Running, _) => StageStatus::Running,
            _ if ready => StageStatus::Ready,
            _ => StageStatus::Waiting,
        };
        if from == to || !self.permits(from, to) {
            return;
        }
        let Some(stage) = self.stage_mut(id, stage_id) else {
            return;
        };
        stage.status = to;
        match to {
            StageStatus::Done => {
                stage.fetch_failures = 0;
                stage.ended = Some(now);
                if from == StageStatus::Running {
                    self.log(Lifecycle::StageDone {
                        job: id,
                        stage: stage_id,
                        epoch,
                    });
                    self.ask(id, stage_id);
                }
            }
            StageStatus::Running => self.log(Lifecycle::StageStarted {
                job: id,
                stage: stage_id,
                epoch,
                tasks: pending,
            }),
            _ => {}
        }
    }

    /// Whether everything that the stage reads is there, bounds and new plans included.
    fn inputs_ready(&self, id: QueryId, stage: StageId) -> bool {
        let Some(job) = self.jobs.get(&id) else { return false };
        let Some(stage) = job.stages.get(&stage) else {
            return false;
        };
        let settled = |producer: StageId| {
            job.stages
                .get(&producer)
                .is_some_and(|p| p.tasks.iter().all(|t| !t.wanted) && (p.replan.is_settled() || !p.has_started()))
        };
        stage.bounds_given(&job.stages) && stage.producers().into_iter().all(settled)
    }

    /// Asks for bounds and a new plan when a stage is done the first time.
    fn ask(&mut self, id: QueryId, stage_id: StageId) {
        let Some(stage) = self.stage_mut(id, stage_id) else {
            return;
        };
        let bounds = stage.bounds == Answer::Wanted;
        let replan = stage.replan == Answer::Wanted;
        if bounds {
            stage.bounds = Answer::Asked;
        }
        if replan {
            stage.replan = Answer::Asked;
        }
        if !bounds && !replan {
            return;
        }
        let done: Vec<_> = (0..)
            .zip(&stage.tasks)
            .filter_map(|(map, task)| {
                let output = OutputId {
                    query: id,
                    stage: stage_id,
                    map,
                    attempt: task.standing?,
                };
                Some((output, task.figures()?.clone()))
            })
            .collect();
        if bounds {
            self.order(Action::ComputeBounds {
                job: id,
                stage: stage_id,
                outputs: done.iter().map(|(output, _)| *output).collect(),
            });
        }
        if replan {
            self.order(Action::Replan {
                job: id,
                stage: stage_id,
                figures: done,
            });
        }
    }

    /// Gives each wanted task of a stage that may run an attempt, and stops attempts that nobody wants or that read what is
    /// gone.
    fn align_attempts(&mut self, id: QueryId, stage_id: StageId) {
        let Some(stage) = self.jobs.get(&id).and_then(|j| j.stages.get(&stage_id)) else {
            return;
        };
        let may_run = matches!(stage.status, StageStatus::Ready | StageStatus::Running);
        let tasks: Vec<_> = (0..)
            .zip(&stage.tasks)
            .map(|(task, t)| {
                let id = TaskId {
                    job: id,
                    stage: stage_id,
                    task,
                };
                (id, t.wanted, t.blocked)
            })
            .collect();
        for (task, wanted, blocked) in tasks {
            if !wanted {
                self.kill_all(task, KillReason::Stale);
            } else if blocked && !self.slipped(Slip::StaleReaders) {
                self.kill_started(task, KillReason::Stale);
            }
            if wanted && may_run {
                self.requeue(task);
            }
        }
    }

    /// Makes an attempt for a wanted task that has none.
    pub(super) fn requeue(&mut self, id: TaskId) {
        let now = self.now;
        if self.jobs.get(&id.job).is_none_or(|j| j.status != JobStatus::Running) {
            return;
        }
        let Some(stage) = self.stage(id) else { return };
        let (epoch, may_run) = (
            stage.epoch,
            matches!(stage.status, StageStatus::Ready | StageStatus::Running),
        );
        let Some(task) = self.task_mut(id) else { return };
        if !may_run || !task.wanted || task.live().next().is_some() {
            return;
        }
        task.attempts.push(Attempt::new(epoch, now, false));
    }

    /// Hands a complete result on.
    fn complete(&mut self, id: QueryId) {
        let slack = usize::from(self.slipped(Slip::EarlyCommit));
        let Some(job) = self.jobs.get(&id) else { return };
        let Some(result) = job.stages.get(&job.result) else {
            return;
        };
        let pending = result.tasks.iter().filter(|t| t.wanted).count();
        if pending > slack.min(result.tasks.len().saturating_sub(1)) || (slack > 0 && !result.has_started()) {
            return;
        }
        if job.spec.writes {
            self.commit(id);
            return;
        }
        if pending > 0 {
            return;
        }
        let stage = job.result;
        let left: Vec<InputOutput> = (0..)
            .zip(&result.tasks)
            .filter_map(|(map, task)| match task.place? {
                Place::Executor(executor) => Some(InputOutput {
                    output: OutputId {
                        query: id,
                        stage,
                        map,
                        attempt: task.standing?,
                    },
                    executor,
                }),
                Place::Staged => None,
            })
            .collect();
        if left.is_empty() && result.tasks.iter().any(|t| t.taken) {
            self.end_job(id, JobStatus::Finished, None);
            return;
        }
        let outputs: Vec<OutputId> = left.iter().map(|o| o.output).collect();
        let news = job.offered.is_empty() || outputs.iter().any(|o| !job.offered.contains(o));
        if news {
            if let Some(job) = self.jobs.get_mut(&id) {
                job.offered = outputs;
            }
            self.order(Action::ResultReady { job: id, outputs: left });
        }
    }

    /// Orders the commit, the first time or again.
    pub(super) fn commit(&mut self, id: QueryId) {
        let now = self.now;
        if self.jobs.get(&id).is_some_and(|j| j.status == JobStatus::Running) {
            self.advance_job(id, JobStatus::Committing);
            self.log(Lifecycle::Job {
                job: id,
                status: JobStatus::Committing,
                error: None,
            });
        }
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.commit_sent = Some(now);
        let stage = job.result;
        let tasks = job.stages.get(&stage).into_iter().flat_map(|s| &s.tasks);
        let winners = (0..)
            .zip(tasks)
            .filter_map(|(map, task)| {
                Some(OutputId {
                    query: id,
                    stage,
                    map,
                    attempt: task.standing?,
                })
            })
            .collect();
        self.order(Action::Commit { job: id, winners });
    }
}

impl Stage {
    /// Whether the bounds that it needs are there.
    pub(super) fn bounds_given(&self, stages: &std::collections::BTreeMap<StageId, Stage>) -> bool {
        self.spec
            .bounds_of
            .is_none_or(|s| stages.get(&s).is_some_and(|s| matches!(s.bounds, Answer::Given(_))))
    }
}

impl Attempt {
    /// An attempt that waits for a slot.
    pub(super) fn new(epoch: super::ids::Epoch, now: super::ids::Millis, speculative: bool) -> Self {
        Self {
            status: AttemptStatus::Created,
            epoch,
            executor: None,
            near: None,
            speculative,
            memory: 0,
            created: now,
            launched: None,
            running: None,
            ended: None,
            progress: super::event::Progress::default(),
            figures: None,
            error: None,
            why: None,
        }
    }
}
