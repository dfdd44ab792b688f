//! A session's plans in this process, with the event log that a master would write of them.
//!
//! In the log a plan that runs in one piece is a job of one stage with one task, and this process is the only executor: who
//! reads it finds plans, rows, bytes, times and errors under the names that they have in a cluster's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rsql_common::metrics::Counter;
use rsql_common::{Error, ErrorKind, ExecutorId, QueryId, Redaction, Result, Settings, StageId};
use rsql_exec::metrics::{StagedRun, Totals};
use rsql_exec::runner::{ChunkStream, Run, Runner, Unplanned};
use rsql_exec::write::{Committer, TableWrite, WrittenFile};
use rsql_exec::{LocalRunner, TaskContext};
use rsql_expr::{Chunk, Schema};
use rsql_planner::physical::{Asked, Partitioning, Rerun};
use rsql_planner::stages::{Stage, StageGraph};

use crate::core::{
    AttemptId, AttemptStatus, Epoch, ExecutorSpec, Incarnation, JobSpec, JobStatus, KillReason, Lifecycle,
    OutputFigures, PartitionFigures, TaskId,
};
use crate::events::{EventLog, FailedStatement, event_log_folder};

/// This process, in its log.
const EXECUTOR: ExecutorId = ExecutorId(0);
const STAGE: StageId = StageId(0);
const EPOCH: Epoch = Epoch(0);

/// What runs the plans of a session without a cluster, if its settings ask for an event log; without one nothing is better
/// than the session's own.
pub fn local_runner(settings: &Settings) -> Result<Option<Arc<dyn Runner>>> {
    let Some(folder) = event_log_folder(settings)? else {
        return Ok(None);
    };
    let mut log = EventLog::open_local(&folder)?;
    log.happened(&Lifecycle::ExecutorAdded {
        executor: EXECUTOR,
        incarnation: Incarnation(0),
        spec: ExecutorSpec {
            host: "localhost".into(),
            endpoint: String::new(),
            slots: u32::try_from(TaskContext::threads(settings)?).unwrap_or(u32::MAX),
            memory: 0,
        },
    });
    Ok(Some(Arc::new(LoggedRunner {
        log: Arc::new(Mutex::new(log)),
        next: AtomicU64::new(0),
    })))
}

/// Runs plans here and says so.
struct LoggedRunner {
    log: Arc<Mutex<EventLog>>,
    next: AtomicU64,
}

impl std::fmt::Debug for LoggedRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoggedRunner")
    }
}

impl Runner for LoggedRunner {
    fn start(&self, mut run: Run) -> Result<Box<dyn ChunkStream>> {
        let id = QueryId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut query = LoggedQuery::begin(&self.log, id, &run)?;
        let writes = run.write.as_mut().map(|write| query.count(write)).is_some();
        match LocalRunner.start(run) {
            Ok(stream) => {
                if writes {
                    query.end(None);
                }
                Ok(Box::new(LoggedStream { stream, query }))
            }
            Err(e) => {
                query.end(Some(&e));
                Err(e)
            }
        }
    }

    fn unplanned(&self, failed: Unplanned<'_>) {
        if let Some(failed) = FailedStatement::of(failed) {
            self.log.lock().unplanned(failed);
        }
    }
}

/// A query whose end the log is to learn.
struct LoggedQuery {
    log: Arc<Mutex<EventLog>>,
    id: QueryId,
    start: Instant,
    totals: Totals,
    /// What it gave, or wrote.
    rows: Counter,
    bytes: Counter,
    over: bool,
}

impl LoggedQuery {
    fn begin(log: &Arc<Mutex<EventLog>>, id: QueryId, run: &Run) -> Result<Self> {
        let hidden = Redaction::from_settings(&run.settings)?;
        let spec = JobSpec {
            description: run.description.to_string(),
            pool: run.settings.get("spark.scheduler.pool").unwrap_or_default().to_string(),
            writes: run.write.is_some(),
            ..JobSpec::default()
        };
        let stage = Stage {
            id: STAGE,
            plan: (*run.plan).clone(),
            tasks: 1,
            partitioning: Partitioning::AsProduced,
            rerun: Rerun::Equal,
            inputs: Vec::new(),
            sample: None,
            asked: Asked::No,
            sample_only: false,
        };
        let query = Self {
            log: Arc::clone(log),
            id,
            start: Instant::now(),
            totals: run.cx.totals.clone(),
            rows: Counter::default(),
            bytes: Counter::default(),
            over: false,
        };
        let mut log = log.lock();
        log.submitted(id, &spec, &run.sql, &StageGraph { stages: vec![stage] }, hidden);
        log.happened(&query.job(JobStatus::Running, None));
        log.happened(&Lifecycle::StageStarted {
            job: id,
            stage: STAGE,
            epoch: EPOCH,
            tasks: 1,
        });
        log.happened(&query.attempt(AttemptStatus::Assigned, None));
        Ok(query)
    }

    /// Has the rows and bytes counted that the query commits.
    fn count(&self, write: &mut TableWrite) {
        write.committer = Arc::new(CountingCommitter {
            inner: Arc::clone(&write.committer),
            rows: self.rows.clone(),
            bytes: self.bytes.clone(),
        });
    }

    fn end(&mut self, error: Option<&Error>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let (attempt, status) = match error {
            None => (AttemptStatus::Succeeded, JobStatus::Finished),
            Some(e) if e.is_committed() => (AttemptStatus::Succeeded, JobStatus::Finished),
            Some(e) if e.kind() == ErrorKind::Killed => (AttemptStatus::Killed, JobStatus::Cancelled),
            Some(_) => (AttemptStatus::Failed, JobStatus::Failed),
        };
        let job = self.id;
        let mut log = self.log.lock();
        log.happened(&self.attempt(attempt, error));
        if attempt == AttemptStatus::Succeeded {
            let (stage, epoch) = (STAGE, EPOCH);
            log.happened(&Lifecycle::StageDone { job, stage, epoch });
        }
        log.happened(&self.job(status, error));
        log.ended(job, &error.cloned().map_or(Ok(()), Err));
    }

    fn job(&self, status: JobStatus, error: Option<&Error>) -> Lifecycle {
        Lifecycle::Job {
            job: self.id,
            status,
            error: error.cloned(),
        }
    }

    fn attempt(&self, status: AttemptStatus, error: Option<&Error>) -> Lifecycle {
        let task = TaskId {
            job: self.id,
            stage: STAGE,
            task: 0,
        };
        Lifecycle::Attempt {
            attempt: AttemptId { task, attempt: 0 },
            executor: Some(EXECUTOR),
            status,
            error: error.filter(|_| status == AttemptStatus::Failed).cloned(),
            why: (status == AttemptStatus::Killed).then_some(KillReason::JobOver),
            figures: (status == AttemptStatus::Succeeded).then(|| self.figures()),
        }
    }

    fn figures(&self) -> OutputFigures {
        OutputFigures {
            partitions: vec![PartitionFigures {
                bytes: self.bytes.get(),
                rows: self.rows.get(),
                ..PartitionFigures::default()
            }],
            run_millis: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            read_bytes: self.totals.bytes_read.get(),
            read_rows: self.totals.rows_read.get(),
            spilled_bytes: self.totals.spilled.get(),
        }
    }
}

impl Drop for LoggedQuery {
    /// A reader that leaves early cancels its query, as it does on a cluster.
    fn drop(&mut self) {
        self.end(Some(&Error::cancelled()));
    }
}

/// A query's rows, counted.
struct LoggedStream {
    // The stream ends before the query is said to.
    stream: Box<dyn ChunkStream>,
    query: LoggedQuery,
}

impl ChunkStream for LoggedStream {
    fn schema(&self) -> &Schema {
        self.stream.schema()
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let next = self.stream.next_chunk();
        match &next {
            Ok(Some(chunk)) => self.query.rows.add(chunk.rows() as u64),
            Ok(None) => self.query.end(None),
            Err(e) => self.query.end(Some(e)),
        }
        next
    }

    fn cancel(&self) {
        self.stream.cancel();
    }

    fn staged_run(&mut self) -> Option<Box<StagedRun>> {
        self.stream.staged_run()
    }
}

/// Counts what it has committed.
#[derive(Debug)]
struct CountingCommitter {
    inner: Arc<dyn Committer>,
    rows: Counter,
    bytes: Counter,
}

impl Committer for CountingCommitter {
    fn commit(&self, files: &[WrittenFile]) -> Result<()> {
        self.rows.add(files.iter().map(|f| f.rows).sum());
        self.bytes.add(files.iter().map(|f| f.bytes).sum());
        self.inner.commit(files)
    }

    fn abort(&self) {
        self.inner.abort();
    }
}

#[cfg(test)]
mod tests {
    use rsql_engine::{Session, StatementOptions};
    use serde_json::Value;

    use super::*;

    fn logged(dir: &std::path::Path, run: impl FnOnce(&Session)) -> Vec<Value> {
        let folder = dir.to_string_lossy();
        let settings = Settings::default().with("spark.eventLog.dir", &folder).unwrap();
        let runner = local_runner(&settings).unwrap().unwrap();
        let session = Session::builder().runner(runner).build().unwrap();
        run(&session);
        // With the session goes its log, which is written to the end then.
        drop(session);
        let file = std::fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    fn all<'e>(events: &'e [Value], name: &str, path: &str) -> Vec<&'e Value> {
        let named = events.iter().filter(|e| e["Event"].as_str().unwrap().ends_with(name));
        named.map(|e| e.pointer(path).unwrap()).collect()
    }

    #[test]
    fn nobody_logs_unless_asked() {
        assert!(local_runner(&Settings::default()).unwrap().is_none());
    }

    #[test]
    fn a_query_that_is_not_read_to_its_end_is_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let events = logged(dir.path(), |session| {
            let mut running = session
                .start("SELECT id FROM range(10000000)", StatementOptions::default())
                .unwrap();
            running.next_chunk().unwrap();
            drop(running);
            session.sql("SELECT 1").unwrap();
        });
        assert_eq!(
            all(&events, "TaskEnd", "/Task End Reason/Reason"),
            ["TaskKilled", "Success"]
        );
        assert_eq!(
            all(&events, "JobEnd", "/Job Result/Result"),
            ["JobFailed", "JobSucceeded"]
        );
        let conditions = all(&events, "SQLExecutionEnd", "/errorCondition");
        assert_eq!(conditions, [&Value::from("OPERATION_CANCELED"), &Value::Null]);
        assert_eq!(all(&events, "StageCompleted", "/Stage Info/Records Written"), [1]);
    }

    #[test]
    fn what_ran_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let events = logged(dir.path(), |session| {
            for failed in [
                // Its plan runs, under another default collation, and fails.
                "CREATE TABLE t USING parquet DEFAULT COLLATION UNICODE AS SELECT 1 / id AS a FROM range(3)",
                "EXECUTE IMMEDIATE 'SELECT 1 / id FROM range(3)'",
                "EXECUTE IMMEDIATE 'SELECT nope'",
                "INSERT INTO nowhere SELECT 1",
                // No query, so nothing to log.
                "EXPLAIN SELECT 1 / id FROM range(nope)",
                "DROP TABLE nowhere",
            ] {
                session.sql(failed).unwrap_err();
            }
        });
        let conditions = all(&events, "SQLExecutionEnd", "/errorCondition");
        assert_eq!(
            conditions,
            [
                "DIVIDE_BY_ZERO",
                "DIVIDE_BY_ZERO",
                "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                "TABLE_OR_VIEW_NOT_FOUND",
            ]
        );
        let ids = all(&events, "SQLExecutionStart", "/executionId");
        assert_eq!(ids, [0, 1, 2, 3]);
    }
}
