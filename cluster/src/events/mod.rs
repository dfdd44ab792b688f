//! What happened to queries, stages, tasks and executors: kept in memory for the REST API ([`history`]) and written as
//! one JSON event a line ([`log`]) by a thread of its own ([`writer`]). Secrets in what users wrote are hidden before either
//! sees it. Masters tell it what their schedulers do, a session without one what its plans do (`local_log`).

mod folder;
mod history;
mod log;
mod writer;

use std::path::Path;

use rsql_common::{Error, ExecutorId, QueryId, Redaction, Result};
use rsql_exec::Unplanned;
use rsql_planner::stages::StageGraph;

pub use folder::event_log_folder;
pub(crate) use history::{ExecutorRecord, History, JobRecord, StageRecord, TaskRecord};

use crate::clock::wall_millis;
use crate::core::{AttemptId, JobSpec, Lifecycle, Progress};
use writer::LogWriter;

/// A statement that failed before there was a query to submit.
pub(crate) struct FailedStatement {
    description: String,
    sql: String,
    error: Error,
    /// What is not shown of it.
    hidden: Redaction,
}

impl FailedStatement {
    /// What a session said of it; nothing if the session cannot say what is secret, which may be why it failed.
    pub fn of(failed: Unplanned<'_>) -> Option<Self> {
        Some(Self {
            description: failed.description.to_string(),
            sql: failed.sql.to_string(),
            error: failed.error.clone(),
            hidden: Redaction::from_settings(failed.settings).ok()?,
        })
    }
}

/// Both.
pub(crate) struct EventLog {
    pub history: History,
    file: Option<LogWriter>,
}

impl EventLog {
    /// A master's: an empty history that keeps so many ended queries, and a new file in `folder` if there is one.
    pub fn open(folder: Option<&Path>, retained: usize) -> Result<Self> {
        Self::of(History::new("app", wall_millis(), retained), folder)
    }

    /// That of a session without a master: nobody asks it for what is over.
    pub fn open_local(folder: &Path) -> Result<Self> {
        Self::of(History::new("local", wall_millis(), 0), Some(folder))
    }

    fn of(mut history: History, folder: Option<&Path>) -> Result<Self> {
        let file = match folder {
            Some(folder) => Some(LogWriter::start(folder::create(folder, &mut history.application)?)?),
            None => None,
        };
        let mut log = Self { history, file };
        log.write(|h| vec![log::application_start(h)]);
        Ok(log)
    }

    /// A query was submitted.
    pub fn submitted(&mut self, query: QueryId, spec: &JobSpec, sql: &str, graph: &StageGraph, hidden: Redaction) {
        self.history.submitted(query, spec, sql, graph, hidden, wall_millis());
        self.write(|h| h.job(query).map(log::query_start).unwrap_or_default());
    }

    /// A statement failed before there was anything to submit. Its execution is told, a job it never was.
    pub fn unplanned(&mut self, failed: FailedStatement) {
        if self.file.is_some() {
            let record = self.history.unplanned(failed, wall_millis());
            self.write(|_| vec![log::execution_start(&record), log::execution_end(&record)]);
        }
    }

    /// What is left of a query was planned again.
    pub fn planned_again(&mut self, query: QueryId, graph: &StageGraph) {
        self.history.planned_again(query, graph);
    }

    /// The core did something.
    pub fn happened(&mut self, turn: &Lifecycle) {
        let now = wall_millis();
        self.history.happened(turn, now);
        self.write(|h| log::turn(h, turn, now).into_iter().collect());
    }

    /// An attempt is so far. The log has its figures when it has ended.
    pub fn got_on(&mut self, executor: ExecutorId, attempt: AttemptId, progress: Progress) {
        self.history.got_on(executor, attempt, progress);
    }

    /// A query is over.
    pub fn ended(&mut self, query: QueryId, outcome: &Result<()>) {
        self.history.ended(query, outcome, wall_millis());
        self.write(|h| h.job(query).map(log::query_end).unwrap_or_default());
        self.history.retire(query);
    }

    /// Waits until everything so far is in the file.
    #[cfg(test)]
    pub fn flush(&self) {
        if let Some(file) = &self.file {
            file.flush();
        }
    }

    fn write(&mut self, events: impl FnOnce(&History) -> Vec<serde_json::Value>) {
        if let Some(file) = &mut self.file {
            for event in events(&self.history) {
                file.write(event);
            }
        }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        self.write(|_| vec![log::application_end(wall_millis())]);
    }
}
