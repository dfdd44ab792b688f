//! Outputs that are lost, and outputs that come out different the second time.
//!
//! # When a second attempt may stand in for the first
//! Readers that are done keep what they computed from the first attempt; readers to come read the second one. That is right
//! exactly if, for each partition, both hold the same as far as the answer is concerned.
//!
//! - `Equal` promises the same rows, and the row hash of each partition checks the promise. It is checked since plans are
//!   marked by people and data changes under their feet.
//! - `Mergeable` (partial aggregates) promises that *each partition's groups* come out the same: a group's partition is a
//!   function of its key, so a group that the second attempt puts into partition 3 was in partition 3 before, and its partial
//!   states merge to the same value though they may be cut into other rows. A reader reads a partition of a map as a whole, so
//!   reader A with the first attempt and reader B with the second, of other partitions, see disjoint groups and each sees its
//!   groups whole. Two conditions: both attempts read the same rows, which holds because an input that changes rolls this task
//!   back first (nothing stands then that a second attempt would be compared with); and groups neither appear nor vanish,
//!   of which a trace can be checked: a partition is empty in both or in neither. If it is not, readers are rolled back.
//! - `Indeterminate` promises nothing: readers are rolled back.
//!
//! Rolling back means that a task's output stands no more, and neither does what was made from it, up to the result. If a part
//! of the result was taken, the job fails: rows that left cannot be called back. (After a commit nothing runs again.)
//!
//! # What a reader's word is worth
//! Who finds an output missing or broken found it with its own hands: that output is lost. A reader stops at the first one that
//! it cannot read, so a disk that is gone or that rots shows one output a round, and rounds are counted. So at the second such
//! word of a stage against one executor everything that the job has there is lost: outputs that were good are made again for
//! nothing, which costs one round, where looking for each bad one would cost the query. Who cannot reach an executor may have
//! himself to blame: that takes a second reader, or an executor that the master does not hear either.

use rsql_common::{Error, ExecutorId, FetchFailure, FetchReason, OutputId, QueryId, StageId};
use rsql_planner::physical::Rerun;

use super::errors;
use super::ids::{AttemptId, TaskId};
use super::lifecycle::Lifecycle;
use super::slips::Slip;
use super::state::{Place, State};
use super::status::{ExecutorStatus, JobStatus};

/// So many outputs of an executor that a stage cannot read are believed to be all of them.
const BAD_INPUTS: u32 = 2;

impl State {
    /// Whether readers of attempt `first` may stand beside readers of attempt `second`.
    pub(super) fn gives_same_rows(&self, id: TaskId, first: u32, second: u32) -> bool {
        let Some(stage) = self.stage(id) else { return false };
        let Some(task) = stage.tasks.get(id.task as usize) else {
            return false;
        };
        let figures = |attempt: u32| task.attempts.get(attempt as usize).and_then(|a| a.figures.as_ref());
        let (Some(first), Some(second)) = (figures(first), figures(second)) else {
            return false;
        };
        if self.slipped(Slip::RerunsDiffer) {
            return false;
        }
        let (first, second) = (&first.partitions, &second.partitions);
        let pairs = || first.iter().zip(second);
        first.len() == second.len()
            && match stage.spec.rerun {
                Rerun::Equal => {
                    pairs().all(|(a, b)| a.rows == b.rows && a.hash == b.hash) || self.slipped(Slip::NoComparison)
                }
                Rerun::Mergeable => {
                    pairs().all(|(a, b)| (a.rows == 0) == (b.rows == 0)) || self.slipped(Slip::VanishingGroups)
                }
                Rerun::Indeterminate => self.slipped(Slip::NoRollback),
            }
    }

    /// Lets a new attempt's output stand. If readers may have seen another one that it cannot stand in for, they are rolled back.
    pub(super) fn replace_standing(&mut self, id: AttemptId) {
        let before = self.task(id.task).and_then(|t| t.standing);
        if let Some(task) = self.task_mut(id.task) {
            task.standing = Some(id.attempt);
        }
        if before.is_some_and(|before| before != id.attempt && !self.gives_same_rows(id.task, before, id.attempt)) {
            self.roll_back_readers(id);
        }
    }

    fn roll_back_readers(&mut self, of: AttemptId) {
        let job = of.task.job;
        let mut changed = vec![of.task];
        let mut any = false;
        while let Some(task) = changed.pop() {
            for reader in self.readers(task) {
                let Some(state) = self.task_mut(reader) else { continue };
                if state.taken {
                    self.end_job(job, JobStatus::Failed, Some(errors::nondeterministic(of.output())));
                    return;
                }
                if state.standing.is_some() {
                    self.drop_output(reader);
                    if let Some(state) = self.task_mut(reader) {
                        state.standing = None;
                        state.place = None;
                    }
                    any = true;
                    changed.push(reader);
                }
            }
        }
        if any {
            self.log(Lifecycle::RolledBack { output: of.output() });
            self.refresh(job);
        }
    }

    /// Tasks that read the output of `id`.
    fn readers(&self, id: TaskId) -> Vec<TaskId> {
        self.task_ids(id.job)
            .into_iter()
            .filter(|reader| {
                self.task(*reader).is_some_and(|t| {
                    t.spec
                        .reads
                        .iter()
                        .any(|r| r.stage == id.stage && r.maps.contains(&id.task))
                })
            })
            .collect()
    }

    /// Forgets where an output is, if it is the one that stands and is there. True if it was.
    pub(super) fn lose_output(&mut self, output: OutputId, executor: ExecutorId) -> bool {
        let id = AttemptId::of(output);
        if !self.is_held(output, executor) {
            return false;
        }
        if let Some(task) = self.task_mut(id.task) {
            task.place = None;
            // Where readers did not get it they may not get the next one either.
            task.avoid.insert(executor);
        }
        self.log(Lifecycle::OutputLost { output, executor });
        // What is broken or unreachable is still on its disk.
        if self.executors.contains_key(&executor) {
            self.drop_outputs(executor, vec![output]);
        }
        true
    }

    /// Whether readers are sent to `executor` for `output`.
    pub(super) fn is_held(&self, output: OutputId, executor: ExecutorId) -> bool {
        self.task(AttemptId::of(output).task)
            .is_some_and(|t| t.standing == Some(output.attempt) && t.place == Some(Place::Executor(executor)))
    }

    /// Forgets all outputs on an executor. Gives back the jobs that had some.
    pub(super) fn lose_outputs_of(&mut self, executor: ExecutorId) -> Vec<QueryId> {
        let mut jobs = Vec::new();
        for job in self.running_jobs() {
            let held = self.outputs_on(executor, job);
            for output in &held {
                self.lose_output(*output, executor);
            }
            if !held.is_empty() {
                jobs.push(job);
            }
        }
        jobs
    }

    /// Outputs of a job that readers find on an executor.
    pub(super) fn outputs_on(&self, executor: ExecutorId, job: QueryId) -> Vec<OutputId> {
        let held = |id: TaskId| {
            let task = self.task(id)?;
            let attempt = task.standing?;
            (task.place == Some(Place::Executor(executor))).then(|| AttemptId { task: id, attempt }.output())
        };
        self.task_ids(job).into_iter().filter_map(held).collect()
    }

    /// A reader of `stage` found an output missing or broken.
    fn lose_bad_output(&mut self, failure: FetchFailure, stage: StageId) {
        let FetchFailure { output, executor, .. } = failure;
        self.charge(executor, AttemptId::of(output).task);
        let one_by_one = self.slipped(Slip::OneByOne);
        let Some(reading) = self.stage_mut(output.query, stage) else {
            return;
        };
        let bad = reading.bad_inputs.entry(executor).or_default();
        *bad += 1;
        if *bad < BAD_INPUTS || one_by_one {
            self.lose_output(output, executor);
            return;
        }
        reading.bad_inputs.remove(&executor);
        for output in self.outputs_on(executor, output.query) {
            self.lose_output(output, executor);
        }
    }

    /// An attempt could not read its input.
    pub(super) fn on_fetch_failed(&mut self, from: ExecutorId, reader: AttemptId, error: Error) {
        let Some(failure) = error.fetch_failure() else {
            self.detour(reader, Some(&error));
            return;
        };
        if !self.is_held(failure.output, failure.executor) {
            // It is known, or elsewhere by now: the reader only has to be told where.
            self.detour(reader, Some(&error));
            return;
        }
        if self.count_fetch_failure(reader, &error) {
            return;
        }
        if !self.lose_by_failure(failure, reader) {
            // One reader's word: it may be the reader's network. Let it try from elsewhere.
            if let Some(task) = self.task_mut(reader.task) {
                task.avoid.insert(from);
            }
            self.detour(reader, Some(&error));
        }
        self.requeue(reader.task);
    }

    /// Counts a round of fetch failures to the reading stage. True if that ended the job.
    fn count_fetch_failure(&mut self, reader: AttemptId, error: &Error) -> bool {
        let (now, max) = (self.now, self.config.max_fetch_failures);
        let no_retries = self
            .jobs
            .get(&reader.task.job)
            .is_some_and(|j| j.spec.limits.attempts == Some(1));
        let launched = self.attempt(reader).and_then(|a| a.launched).unwrap_or(0);
        let Some(stage) = self.stage_mut(reader.task.job, reader.task.stage) else {
            return true;
        };
        // Whoever was launched before the last count suffers from the same round.
        if stage.fetch_counted.is_none_or(|counted| launched >= counted) {
            stage.fetch_failures += 1;
            stage.fetch_counted = Some(now);
        }
        let spent = stage.fetch_failures >= max || no_retries;
        if spent || self.slipped(Slip::NoRefetch) {
            self.end_job(reader.task.job, JobStatus::Failed, Some(error.clone()));
            return true;
        }
        false
    }

    /// Believes a reader, if there is reason to. True if outputs were lost by it.
    fn lose_by_failure(&mut self, failure: FetchFailure, reader: AttemptId) -> bool {
        let job = failure.output.query;
        match failure.reason {
            FetchReason::NotFound | FetchReason::Corrupt => {
                self.lose_bad_output(failure, reader.task.stage);
                self.refresh(job);
                true
            }
            FetchReason::Unreachable => {
                let (now, suspect_after) = (self.now, self.config.suspect_after);
                let Some(executor) = self.executors.get_mut(&failure.executor) else {
                    return false;
                };
                executor.unreachable.insert(reader);
                let silent = now.saturating_sub(executor.last_seen) > suspect_after || executor.disconnected.is_some();
                if executor.unreachable.len() < 2 && !silent {
                    return false;
                }
                executor.unreachable.clear();
                self.charge(failure.executor, AttemptId::of(failure.output).task);
                for job in self.lose_outputs_of(failure.executor) {
                    self.refresh(job);
                }
                true
            }
        }
    }

    /// The result's reader could not read it.
    pub(super) fn on_result_fetch_failed(&mut self, id: QueryId, failure: FetchFailure) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.status != JobStatus::Running || failure.output.query != id || failure.output.stage != job.result {
            return;
        }
        let no_retries = job.spec.limits.attempts == Some(1);
        // The reader is told again where everything is, whatever comes of this.
        job.offered.clear();
        let reader = AttemptId::of(failure.output);
        if self.task(reader.task).is_some_and(|t| t.taken) || no_retries {
            let error = Error::fetch_failed(failure, "the result could not be read");
            self.end_job(id, JobStatus::Failed, Some(error));
            return;
        }
        if self.is_held(failure.output, failure.executor) {
            // There is one reader only: its word has to do, also for what it cannot reach.
            self.lose_bad_output(failure, failure.output.stage);
        }
        self.refresh(id);
    }

    /// An output was copied to another executor.
    pub(super) fn on_moved(&mut self, from: ExecutorId, output: OutputId, to: ExecutorId) {
        if let Some(executor) = self.executors.get_mut(&from) {
            executor.moving.remove(&output);
        }
        let target = self
            .executors
            .get(&to)
            .is_some_and(|e| e.status == ExecutorStatus::Active);
        if !target || !self.is_held(output, from) {
            if self.executors.contains_key(&to) && !self.is_held(output, to) {
                self.drop_outputs(to, vec![output]);
            }
            return;
        }
        if let Some(task) = self.task_mut(AttemptId::of(output).task) {
            task.place = Some(Place::Executor(to));
        }
        // The copy behind stays for readers that are under way; it goes with its executor.
    }
}
