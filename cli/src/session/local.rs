//! Statements of this process's own engine, which may run them on a cluster.

use parking_lot::Mutex;
use rsql_common::{CancelToken, Progress, Result};
use rsql_engine::{Running, StatementOptions};
use rsql_expr::{Chunk, Schema};

use super::progress::Watcher;
use super::{Rows, Session, Statement, Statements};

/// A session of this process.
struct Local {
    session: rsql_engine::Session,
    /// Of the statement that runs, or ran last.
    cancel: Mutex<CancelToken>,
}

impl Statements for Local {
    fn start(&self, sql: &str) -> Result<Statement> {
        let options = StatementOptions {
            progress: Progress::default(),
            ..StatementOptions::default()
        };
        *self.cancel.lock() = options.cancel.clone();
        let progress = options.progress.clone();
        // Before it starts: a command is done afterwards.
        let watcher = Watcher::start(move || progress.stages());
        let rows = self.session.start(sql, options)?;
        Ok(Statement {
            rows: Box::new(rows),
            time_zone: self.session.settings().time_zone().to_string(),
            watcher,
        })
    }

    fn cancel(&self) {
        self.cancel.lock().cancel();
    }
}

impl Rows for Running {
    fn schema(&self) -> &Schema {
        self.schema()
    }

    fn is_query(&self) -> bool {
        self.is_query()
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        self.next_chunk()
    }
}

impl From<rsql_engine::Session> for Session {
    fn from(session: rsql_engine::Session) -> Self {
        Self(Box::new(Local {
            session,
            cancel: Mutex::default(),
        }))
    }
}
