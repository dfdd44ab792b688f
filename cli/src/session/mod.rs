//! Where the shell's statements run: in this process or on a server, behind one face.

mod local;
mod progress;
pub(crate) mod remote;

use rsql_common::Result;
use rsql_engine::StatementOutput;

/// Runs statements one after another. Cancelling comes from another thread.
trait Statements: Send + Sync {
    /// Runs one statement.
    fn run(&self, sql: &str) -> Result<StatementOutput>;

    /// Cancels the statement that runs.
    fn cancel(&self);

    /// The time zone that timestamps are shown in.
    fn time_zone(&self) -> String;
}

/// A session of either kind.
pub(crate) struct Session(Box<dyn Statements>);

impl Session {
    /// Runs each statement of a script, handing every output to `on_output`; stops at the first error.
    pub(crate) fn script(
        &self,
        text: &str,
        on_output: &mut dyn FnMut(&str, StatementOutput) -> Result<()>,
    ) -> Result<()> {
        for (_, one) in rsql_engine::split_statements(text) {
            if !one.trim().is_empty() {
                on_output(one, self.0.run(one)?)?;
            }
        }
        Ok(())
    }

    /// Cancels the statement that runs; it ends with `OPERATION_CANCELED`.
    pub(crate) fn cancel(&self) {
        self.0.cancel();
    }

    /// The time zone that timestamps are shown in.
    pub(crate) fn time_zone(&self) -> String {
        self.0.time_zone()
    }
}
