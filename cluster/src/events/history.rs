//! Queries, stages, tasks and executors as people see them, with wall-clock times.

use std::collections::{BTreeMap, VecDeque};

use rsql_common::progress::StageProgress;
use rsql_common::{Error, ExecutorId, QueryId, Redaction, Result, StageId};
use rsql_planner::explain_physical;
use rsql_planner::stages::{Stage, StageGraph};

use super::FailedStatement;
use crate::core::{AttemptId, AttemptStatus, Epoch, JobSpec, JobStatus, Lifecycle, Machine, OutputFigures, Progress};

/// Executors that went and are still shown.
const RETAINED_EXECUTORS: usize = 100;

/// Everything shown.
#[derive(Debug)]
pub(crate) struct History {
    /// The application's id.
    pub application: String,
    /// When the master started, in milliseconds since 1970, as all times here.
    pub started: u64,
    jobs: BTreeMap<QueryId, JobRecord>,
    over: VecDeque<QueryId>,
    executors: BTreeMap<ExecutorId, ExecutorRecord>,
    departed: VecDeque<ExecutorId>,
    /// Queries that are over and still shown (`spark.ui.retainedJobs`).
    retained: usize,
    next_job: u64,
    next_stage: u64,
}

/// A query.
#[derive(Debug)]
pub(crate) struct JobRecord {
    /// 0, 1, 2, … within the application.
    pub number: u64,
    pub description: String,
    pub pool: String,
    pub sql: String,
    /// What is hidden in all that is shown of it.
    hidden: Redaction,
    pub plan: String,
    pub submitted: u64,
    pub ended: Option<u64>,
    pub status: JobStatus,
    pub error: Option<Error>,
    pub stages: BTreeMap<StageId, StageRecord>,
}

/// A stage.
#[derive(Debug)]
pub(crate) struct StageRecord {
    /// Unique within the application.
    pub number: u64,
    pub name: String,
    pub parents: Vec<StageId>,
    pub n_tasks: usize,
    pub epoch: Epoch,
    pub submitted: Option<u64>,
    pub completed: Option<u64>,
    pub tasks: BTreeMap<(u32, u32), TaskRecord>,
}

impl StageRecord {
    /// A stage that has not started.
    fn planned(stage: &Stage, number: u64, hidden: &Redaction) -> Self {
        let text = hidden.text(&explain_physical(&stage.plan));
        Self {
            number,
            name: text.lines().next().unwrap_or_default().to_string(),
            parents: stage.inputs.iter().map(|e| e.stage).collect(),
            n_tasks: stage.tasks,
            epoch: Epoch(0),
            submitted: None,
            completed: None,
            tasks: BTreeMap::new(),
        }
    }
}

/// An attempt at a task.
#[derive(Debug, Clone)]
pub(crate) struct TaskRecord {
    pub executor: Option<ExecutorId>,
    pub status: AttemptStatus,
    pub started: u64,
    pub ended: Option<u64>,
    pub error: Option<Error>,
    /// Sums over the partitions.
    pub figures: Option<OutputFigures>,
    /// How far it is, while there are no figures.
    pub progress: Progress,
}

impl TaskRecord {
    /// Rows and bytes that it has read; of one that came to nothing none count.
    pub fn read(&self) -> (u64, u64) {
        match &self.figures {
            Some(figures) => (figures.read_rows, figures.read_bytes),
            None if self.status.is_terminal() => (0, 0),
            None => (self.progress.rows, self.progress.bytes),
        }
    }
}

/// An executor.
#[derive(Debug, Clone)]
pub(crate) struct ExecutorRecord {
    pub host: String,
    pub endpoint: String,
    pub slots: u32,
    pub memory: u64,
    pub added: u64,
    pub removed: Option<(u64, String)>,
    pub draining: bool,
    pub excluded: bool,
}

impl History {
    pub fn new(kind: &str, started: u64, retained: usize) -> Self {
        Self {
            application: format!("{kind}-{started}"),
            started,
            jobs: BTreeMap::new(),
            over: VecDeque::new(),
            executors: BTreeMap::new(),
            departed: VecDeque::new(),
            retained,
            next_job: 0,
            next_stage: 0,
        }
    }

    pub fn job(&self, query: QueryId) -> Option<&JobRecord> {
        self.jobs.get(&query)
    }

    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = (QueryId, &JobRecord)> {
        self.jobs.iter().map(|(id, j)| (*id, j))
    }

    pub fn executors(&self) -> impl Iterator<Item = (ExecutorId, &ExecutorRecord)> {
        self.executors.iter().map(|(id, e)| (*id, e))
    }

    pub(super) fn submitted(
        &mut self,
        query: QueryId,
        spec: &JobSpec,
        sql: &str,
        graph: &StageGraph,
        hidden: Redaction,
        now: u64,
    ) {
        let mut stages = BTreeMap::new();
        for stage in &graph.stages {
            stages.insert(stage.id, StageRecord::planned(stage, self.next_stage, &hidden));
            self.next_stage += 1;
        }
        self.jobs.insert(
            query,
            JobRecord {
                number: self.next_job,
                description: hidden.sql(&spec.description),
                pool: spec.pool.clone(),
                sql: hidden.sql(sql),
                plan: hidden.text(&text_of(graph)),
                hidden,
                submitted: now,
                ended: None,
                status: JobStatus::Queued,
                error: None,
                stages,
            },
        );
        self.next_job += 1;
    }

    /// The record of a statement that failed before it had a plan. It is shown to nobody, but takes a number.
    pub(super) fn unplanned(&mut self, failed: FailedStatement, now: u64) -> JobRecord {
        let number = self.next_job;
        self.next_job += 1;
        let hidden = failed.hidden;
        JobRecord {
            number,
            description: hidden.sql(&failed.description),
            pool: String::new(),
            sql: hidden.sql(&failed.sql),
            plan: String::new(),
            hidden,
            submitted: now,
            ended: Some(now),
            status: JobStatus::Failed,
            error: Some(failed.error),
            stages: BTreeMap::new(),
        }
    }

    pub(super) fn planned_again(&mut self, query: QueryId, graph: &StageGraph) {
        let Some(job) = self.jobs.get_mut(&query) else { return };
        job.plan = job.hidden.text(&text_of(graph));
        for stage in &graph.stages {
            match job.stages.get_mut(&stage.id) {
                Some(record) if record.submitted.is_none() => {
                    *record = StageRecord::planned(stage, record.number, &job.hidden);
                }
                Some(_) => {}
                None => {
                    job.stages
                        .insert(stage.id, StageRecord::planned(stage, self.next_stage, &job.hidden));
                    self.next_stage += 1;
                }
            }
        }
    }

    pub(super) fn ended(&mut self, query: QueryId, outcome: &Result<()>, now: u64) {
        if let Some(job) = self.jobs.get_mut(&query) {
            job.ended = Some(now);
            job.error = outcome.as_ref().err().cloned();
        }
    }

    /// Counts a query that is over to those retained, which may cost an older one its place, or itself.
    pub(super) fn retire(&mut self, query: QueryId) {
        self.over.push_back(query);
        while self.over.len() > self.retained
            && let Some(oldest) = self.over.pop_front()
        {
            self.jobs.remove(&oldest);
        }
    }

    pub(super) fn happened(&mut self, turn: &Lifecycle, now: u64) {
        match turn {
            Lifecycle::Job { job, status, error } => {
                if let Some(record) = self.jobs.get_mut(job) {
                    record.status = *status;
                    record.error.clone_from(error);
                }
            }
            Lifecycle::StageStarted { job, stage, epoch, .. } => {
                if let Some(record) = self.stage(*job, *stage) {
                    record.epoch = *epoch;
                    record.submitted.get_or_insert(now);
                    record.completed = None;
                }
            }
            Lifecycle::StageDone { job, stage, .. } => {
                if let Some(record) = self.stage(*job, *stage) {
                    record.completed = Some(now);
                }
            }
            Lifecycle::Attempt { .. } => self.attempt(turn, now),
            Lifecycle::ExecutorAdded { executor, spec, .. } => {
                self.executors.insert(
                    *executor,
                    ExecutorRecord {
                        host: spec.host.clone(),
                        endpoint: spec.endpoint.clone(),
                        slots: spec.slots,
                        memory: spec.memory,
                        added: now,
                        removed: None,
                        draining: false,
                        excluded: false,
                    },
                );
            }
            Lifecycle::ExecutorDraining { executor } => {
                if let Some(record) = self.executors.get_mut(executor) {
                    record.draining = true;
                }
            }
            Lifecycle::ExecutorRemoved { executor, reason, .. } => {
                if let Some(record) = self.executors.get_mut(executor) {
                    record.removed = Some((now, reason.clone()));
                    self.departed.push_back(*executor);
                }
                while self.departed.len() > RETAINED_EXECUTORS
                    && let Some(oldest) = self.departed.pop_front()
                {
                    self.executors.remove(&oldest);
                }
            }
            Lifecycle::ExecutorExcluded { executor, stage: None } => {
                if let Some(record) = self.executors.get_mut(executor) {
                    record.excluded = true;
                }
            }
            _ => {}
        }
    }

    /// An executor says how far an attempt is. Said of one that is not its own, or of one that has ended, it is nothing.
    pub(super) fn got_on(&mut self, executor: ExecutorId, attempt: AttemptId, progress: Progress) {
        let AttemptId { task, attempt } = attempt;
        let record = self
            .stage(task.job, task.stage)
            .and_then(|s| s.tasks.get_mut(&(task.task, attempt)));
        if let Some(record) = record.filter(|r| r.executor == Some(executor) && !r.status.is_terminal()) {
            record.progress = progress;
        }
    }

    fn attempt(&mut self, turn: &Lifecycle, now: u64) {
        let Lifecycle::Attempt {
            attempt,
            executor,
            status,
            error,
            figures,
            ..
        } = turn
        else {
            return;
        };
        let AttemptId { task, attempt } = *attempt;
        let Some(stage) = self.stage(task.job, task.stage) else {
            return;
        };
        let record = stage.tasks.entry((task.task, attempt)).or_insert_with(|| TaskRecord {
            executor: None,
            status: *status,
            started: now,
            ended: None,
            error: None,
            figures: None,
            progress: Progress::default(),
        });
        record.status = *status;
        record.executor = executor.or(record.executor);
        record.error.clone_from(error);
        if let Some(figures) = figures {
            record.figures = Some(figures.totals());
        }
        if status.is_terminal() {
            record.ended = Some(now);
        }
    }

    fn stage(&mut self, job: QueryId, stage: StageId) -> Option<&mut StageRecord> {
        self.jobs.get_mut(&job)?.stages.get_mut(&stage)
    }
}

/// The stages that the result needs.
fn text_of(graph: &StageGraph) -> String {
    let needed = graph.needed();
    let stages = graph.stages.iter().filter(|s| needed.contains(&s.id));
    let text = stages.map(|s| format!("{} ({} tasks)\n{}\n", s.id, s.tasks, explain_physical(&s.plan)));
    text.collect()
}

impl JobRecord {
    /// An error's text as it is shown.
    pub fn told(&self, error: &Error) -> String {
        self.hidden.text(&error.to_string())
    }
}

impl StageRecord {
    /// Attempts in a state.
    pub fn count(&self, is: impl Fn(AttemptStatus) -> bool) -> usize {
        self.tasks.values().filter(|t| is(t.status)).count()
    }

    /// Tasks of which an attempt succeeded.
    pub fn complete(&self) -> usize {
        let mut done: Vec<u32> = self
            .tasks
            .iter()
            .filter(|(_, t)| t.status == AttemptStatus::Succeeded)
            .map(|((task, _), _)| *task)
            .collect();
        done.dedup();
        done.len()
    }

    /// For who watches the statement.
    pub fn progress(&self, stage: StageId) -> StageProgress {
        let (rows, bytes) = self.written();
        let (read_rows, read_bytes) = self.read();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        StageProgress {
            stage: stage.0,
            tasks: count(self.n_tasks),
            running: count(self.count(|s| matches!(s, AttemptStatus::Accepted | AttemptStatus::Running))),
            done: count(self.complete()),
            failed: count(self.count(|s| matches!(s, AttemptStatus::Failed | AttemptStatus::Lost))),
            rows,
            bytes,
            read_rows,
            read_bytes,
        }
    }

    /// Rows and bytes that attempts have read.
    pub fn read(&self) -> (u64, u64) {
        let read = self.tasks.values().map(TaskRecord::read);
        read.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b))
    }

    /// Bytes that finished attempts spilled.
    pub fn spilled(&self) -> u64 {
        let figures = self.tasks.values().filter_map(|t| t.figures.as_ref());
        figures.map(|f| f.spilled_bytes).sum()
    }

    /// Rows and bytes that finished attempts wrote.
    pub fn written(&self) -> (u64, u64) {
        self.tasks
            .values()
            .filter_map(|t| t.figures.as_ref())
            .fold((0, 0), |(rows, bytes), f| (rows + f.rows(), bytes + f.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ExecutorSpec, Incarnation, PartitionFigures, TaskId};

    #[test]
    fn executors_that_went_long_ago_are_not_shown_any_more() {
        let mut history = History::new("app", 0, 1);
        for n in 0..500 {
            let executor = ExecutorId(n);
            let spec = ExecutorSpec {
                host: "h".into(),
                endpoint: "h:1".into(),
                slots: 1,
                memory: 1,
            };
            let incarnation = Incarnation(u128::from(n));
            let added = Lifecycle::ExecutorAdded {
                executor,
                incarnation,
                spec,
            };
            history.happened(&added, 0);
            if n > 0 {
                let reason = "its process ended".to_string();
                let released = false;
                let removed = Lifecycle::ExecutorRemoved {
                    executor,
                    released,
                    reason,
                };
                history.happened(&removed, 1);
            }
        }
        let left: Vec<u32> = history.executors().map(|(id, _)| id.0).collect();
        assert_eq!(left.len(), 1 + RETAINED_EXECUTORS);
        assert_eq!(
            (left[0], left[1]),
            (0, 400),
            "who is there stays, and so do the last who went"
        );
    }

    fn history(retained: usize, queries: u64) -> History {
        let mut history = History::new("app", 0, retained);
        for query in (1..=queries).map(QueryId) {
            history.submitted(
                query,
                &JobSpec::default(),
                "SELECT 1",
                &StageGraph { stages: Vec::new() },
                Redaction::default(),
                1,
            );
            history.ended(query, &Ok(()), 2);
            history.retire(query);
        }
        history
    }

    #[test]
    fn as_many_queries_are_kept_as_the_setting_says() {
        let kept = |retained| history(retained, 5).jobs().map(|(id, _)| id.0).collect::<Vec<_>>();
        assert_eq!(kept(3), [3, 4, 5]);
        assert_eq!(kept(0), [0; 0]);
        assert_eq!(kept(9).len(), 5);
    }

    #[test]
    fn what_a_task_wrote_is_kept_as_sums() {
        let mut history = History::new("app", 0, 1);
        let task = TaskId {
            job: QueryId(1),
            stage: StageId(0),
            task: 0,
        };
        history.submitted(
            task.job,
            &JobSpec::default(),
            "SELECT 1",
            &StageGraph { stages: Vec::new() },
            Redaction::default(),
            1,
        );
        let stage = StageRecord {
            number: 0,
            name: String::new(),
            parents: Vec::new(),
            n_tasks: 1,
            epoch: Epoch(0),
            submitted: None,
            completed: None,
            tasks: BTreeMap::new(),
        };
        history
            .jobs
            .get_mut(&task.job)
            .unwrap()
            .stages
            .insert(task.stage, stage);
        let partition = PartitionFigures {
            bytes: 10,
            rows: 2,
            hash: (3, 4),
        };
        let figures = OutputFigures {
            partitions: vec![partition; 1_000],
            run_millis: 5,
            ..OutputFigures::default()
        };
        let turn = Lifecycle::Attempt {
            attempt: AttemptId { task, attempt: 0 },
            executor: None,
            status: AttemptStatus::Succeeded,
            error: None,
            why: None,
            figures: Some(figures),
        };
        history.happened(&turn, 1);
        let stage = history.stage(task.job, task.stage).unwrap();
        assert_eq!(stage.written(), (2_000, 10_000));
        let kept = stage.tasks[&(0, 0)].figures.as_ref().unwrap();
        assert_eq!((kept.run_millis, kept.partitions.capacity()), (5, 1));
    }
}
