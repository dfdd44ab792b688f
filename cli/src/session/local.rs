//! Statements of this process's own engine, which may run them on a cluster.

use parking_lot::Mutex;
use rsql_common::{CancelToken, Progress, Result};
use rsql_engine::{StatementOptions, StatementOutput};

use super::progress::Watcher;
use super::{Session, Statements};

/// A session of this process.
struct Local {
    session: rsql_engine::Session,
    /// Of the statement that runs, or ran last.
    cancel: Mutex<CancelToken>,
}

impl Statements for Local {
    fn run(&self, sql: &str) -> Result<StatementOutput> {
        let options = StatementOptions {
            progress: Progress::default(),
            ..StatementOptions::default()
        };
        *self.cancel.lock() = options.cancel.clone();
        let progress = options.progress.clone();
        std::thread::scope(|scope| {
            let watcher = Watcher::start(scope, move || progress.stages());
            let output = self.read(sql, options);
            drop(watcher);
            output
        })
    }

    fn cancel(&self) {
        self.cancel.lock().cancel();
    }

    fn time_zone(&self) -> String {
        self.session.settings().time_zone().to_string()
    }
}

impl Local {
    fn read(&self, sql: &str, options: StatementOptions) -> Result<StatementOutput> {
        let mut rows = self.session.start(sql, options)?;
        let mut chunks = Vec::new();
        while let Some(chunk) = rows.next_chunk()? {
            chunks.push(chunk);
        }
        Ok(StatementOutput {
            schema: rows.schema().clone(),
            chunks,
            is_query: rows.is_query(),
        })
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
