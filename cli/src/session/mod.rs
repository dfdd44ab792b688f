//! Where the shell's statements run: in this process or on a server, behind one face.

mod local;
mod progress;
pub(crate) mod remote;

use rsql_common::Result;
use rsql_expr::{Chunk, Schema};

use progress::Watcher;

/// Runs statements one after another. Cancelling comes from another thread.
trait Statements: Send + Sync {
    /// Starts one statement. Commands have run when this returns.
    fn start(&self, sql: &str) -> Result<Statement>;

    /// Cancels the statement that runs.
    fn cancel(&self);
}

/// A statement's rows, wherever they come from.
trait Rows {
    fn schema(&self) -> &Schema;
    fn is_query(&self) -> bool;
    fn next_chunk(&mut self) -> Result<Option<Chunk>>;
}

/// A statement that runs; its rows are read as they come. Dropping it early ends it.
pub(crate) struct Statement {
    rows: Box<dyn Rows>,
    time_zone: String,
    /// After the rows: they end before it is waited for.
    watcher: Option<Watcher>,
}

impl Statement {
    /// Columns; empty for commands without a result.
    pub(crate) fn schema(&self) -> &Schema {
        self.rows.schema()
    }

    /// The statement is a query.
    pub(crate) fn is_query(&self) -> bool {
        self.rows.is_query()
    }

    /// The time zone that timestamps are shown in.
    pub(crate) fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// The next rows; waits for them. None after the last ones.
    pub(crate) fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        self.rows.next_chunk()
    }

    /// Takes the progress bar away: what is printed from now on stands where it stood.
    pub(crate) fn hide_progress(&mut self) {
        self.watcher = None;
    }
}

/// A session of either kind.
pub(crate) struct Session(Box<dyn Statements>);

impl Session {
    /// Starts each statement of a script and hands it to `on_statement`; stops at the first error.
    pub(crate) fn script(&self, text: &str, on_statement: &mut dyn FnMut(&mut Statement) -> Result<()>) -> Result<()> {
        for (_, one) in rsql_engine::split_statements(text) {
            if !one.trim().is_empty() {
                on_statement(&mut self.0.start(one)?)?;
            }
        }
        Ok(())
    }

    /// Cancels the statement that runs; it ends with `OPERATION_CANCELED`.
    pub(crate) fn cancel(&self) {
        self.0.cancel();
    }
}
