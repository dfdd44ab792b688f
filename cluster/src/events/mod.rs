//! What happened to queries, stages, tasks and executors: kept in memory for the REST API ([`history`]) and written as
//! one JSON event a line ([`log`]) by a thread of its own ([`writer`]). Secrets in what users wrote are hidden before either
//! sees it.

mod history;
mod log;
mod writer;

use std::path::Path;

use rsql_common::{ExecutorId, QueryId, Redaction, Result};
use rsql_planner::stages::StageGraph;

pub(crate) use history::{ExecutorRecord, History, JobRecord, StageRecord, TaskRecord};

use crate::clock::wall_millis;
use crate::core::{AttemptId, JobSpec, Lifecycle, Progress};
use writer::LogWriter;

/// Both.
pub(crate) struct EventLog {
    pub history: History,
    file: Option<LogWriter>,
}

impl EventLog {
    /// An empty history that keeps so many ended queries, and a new file in `folder` if there is one.
    pub fn open(folder: Option<&Path>, retained: usize) -> Result<Self> {
        let history = History::new(wall_millis(), retained);
        let file = match folder {
            Some(folder) => Some(LogWriter::start(log::create(folder, &history.application)?)?),
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
