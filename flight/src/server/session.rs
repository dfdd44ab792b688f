//! One client's session: an engine session and what the client refers to by handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rsql_common::{CancelToken, Error, Progress, Result};
use rsql_engine::{Description, Session};
use rsql_expr::Literal;

use super::Limits;
use super::handles::{Handle, Handles};
use crate::error;

/// A client's session.
#[derive(Debug)]
pub(crate) struct ClientSession {
    pub engine: Session,
    prepared: Mutex<Handles<Prepared>>,
    statements: Mutex<Handles<Statement>>,
    last_used: Mutex<Instant>,
    running: AtomicUsize,
}

/// A prepared statement.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub sql: Arc<str>,
    pub description: Arc<Description>,
    /// Values by DoPut: one list per row.
    pub rows: Arc<Vec<Vec<Literal>>>,
}

/// A statement that a ticket stands for.
#[derive(Debug)]
pub(crate) struct Statement {
    pub sql: Arc<str>,
    pub is_query: bool,
    /// Names beside the values; empty for `?`.
    pub parameters: Vec<(String, Literal)>,
    pub progress: Progress,
    /// Of the present run; a query's ticket may be read again.
    cancel: Mutex<CancelToken>,
    started: AtomicBool,
}

impl Statement {
    /// A statement that has not started.
    pub fn new(sql: Arc<str>, is_query: bool, parameters: Vec<(String, Literal)>) -> Self {
        Self {
            sql,
            is_query,
            parameters,
            progress: Progress::default(),
            cancel: Mutex::default(),
            started: AtomicBool::new(false),
        }
    }

    /// Notes that the statement starts; gives what cancels it. A command runs once, however often its ticket is read.
    pub fn begin(&self) -> Result<CancelToken> {
        let again = self.started.swap(true, Ordering::AcqRel);
        if again && !self.is_query {
            return Err(error::unknown_handle(
                "OPERATION_ABANDONED",
                "The command of this ticket has run already.",
            ));
        }
        let mut cancel = self.cancel.lock();
        if again {
            *cancel = CancelToken::default();
        }
        Ok(cancel.clone())
    }

    /// Cancels the present run, or the one to come.
    pub fn cancel(&self) {
        self.cancel.lock().cancel();
    }
}

impl ClientSession {
    /// A session over an engine session.
    pub fn new(engine: Session, limits: &Limits) -> Self {
        Self {
            engine,
            prepared: Mutex::new(Handles::new(limits.prepared, limits.idle)),
            statements: Mutex::new(Handles::new(limits.statements, limits.idle)),
            last_used: Mutex::new(Instant::now()),
            running: AtomicUsize::new(0),
        }
    }

    /// Notes a use.
    pub fn touch(&self) {
        *self.last_used.lock() = Instant::now();
    }

    /// True if nothing ran and nobody asked anything for `limit`. Forgets handles nobody used either.
    pub fn is_idle(&self, now: Instant, limit: Duration) -> bool {
        self.prepared.lock().expire(now);
        self.statements.lock().expire(now);
        self.running.load(Ordering::Acquire) == 0 && now.saturating_duration_since(*self.last_used.lock()) >= limit
    }

    /// Keeps a prepared statement.
    pub fn add_prepared(&self, prepared: Prepared) -> Handle {
        self.prepared.lock().insert(prepared).0
    }

    /// A prepared statement.
    pub fn prepared(&self, handle: &[u8]) -> Result<Arc<Prepared>> {
        self.prepared.lock().get(handle).ok_or_else(|| {
            error::unknown_handle(
                "OPERATION_NOT_FOUND",
                "The prepared statement is closed or belongs to another session.",
            )
        })
    }

    /// Gives a prepared statement its values.
    pub fn bind(&self, handle: &[u8], rows: Vec<Vec<Literal>>) -> Result<()> {
        let prepared = self.prepared(handle)?;
        let bound = Prepared {
            rows: Arc::new(rows),
            ..prepared.as_ref().clone()
        };
        self.prepared.lock().replace(handle, bound);
        Ok(())
    }

    /// Closes a prepared statement; closing it twice is no mistake.
    pub fn close_prepared(&self, handle: &[u8]) {
        self.prepared.lock().remove(handle);
    }

    /// Keeps a statement for its ticket.
    pub fn add_statement(&self, statement: Statement) -> Handle {
        self.statements.lock().insert(statement).0
    }

    /// The statement of a ticket.
    pub fn statement(&self, handle: &[u8]) -> Result<Arc<Statement>> {
        self.statements.lock().get(handle).ok_or_else(|| {
            error::unknown_handle(
                "OPERATION_NOT_FOUND",
                "The ticket is unknown or belongs to another session.",
            )
        })
    }

    /// Cancels all that runs.
    pub fn cancel_all(&self) {
        for statement in self.statements.lock().iter() {
            statement.cancel();
        }
    }

    /// Counts a statement as running until the guard is dropped; dropping it cancels the statement.
    pub fn running(self: &Arc<Self>, cancel: &CancelToken) -> RunningGuard {
        self.running.fetch_add(1, Ordering::AcqRel);
        RunningGuard {
            session: Arc::clone(self),
            cancel: cancel.clone(),
        }
    }

    /// The session's time zone, checked setting by setting by the engine.
    pub fn time_zone(&self) -> String {
        self.engine.settings().time_zone().to_string()
    }

    /// Gives `:name` a value: a literal if the text reads as one, else the text.
    pub fn bind_named(&self, name: &str, value: &str) {
        let literal = self
            .engine
            .literal(value)
            .unwrap_or_else(|_: Error| Literal::string(value));
        self.engine.bind(name, literal);
    }
}

/// A running statement's hold on its session.
pub(crate) struct RunningGuard {
    session: Arc<ClientSession>,
    cancel: CancelToken,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.session.touch();
        self.session.running.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_run_again_but_a_command_runs_once() {
        let query = Statement::new("SELECT 1".into(), true, Vec::new());
        let first = query.begin().unwrap();
        query.cancel();
        assert!(first.is_cancelled());
        assert!(!query.begin().unwrap().is_cancelled());
        let command = Statement::new("DROP TABLE t".into(), false, Vec::new());
        command.begin().unwrap();
        let e = command.begin().unwrap_err();
        assert_eq!(e.condition(), "INVALID_HANDLE.OPERATION_ABANDONED");
        let early = Statement::new("SELECT 1".into(), true, Vec::new());
        early.cancel();
        assert!(early.begin().unwrap().is_cancelled());
    }

    #[test]
    fn handles_belong_to_their_session() {
        let root = Session::new().unwrap();
        let [a, b] = [(); 2].map(|()| ClientSession::new(root.sibling("x"), &Limits::default()));
        let handle = a.add_prepared(Prepared {
            sql: "SELECT 1".into(),
            description: Arc::new(root.describe("SELECT 1").unwrap()),
            rows: Arc::default(),
        });
        assert!(a.prepared(&handle).is_ok());
        assert_eq!(
            b.prepared(&handle).unwrap_err().condition(),
            "INVALID_HANDLE.OPERATION_NOT_FOUND"
        );
        a.close_prepared(&handle);
        a.close_prepared(&handle);
        assert!(a.prepared(&handle).is_err());
        let ticket = a.add_statement(Statement::new("SELECT 1".into(), true, Vec::new()));
        assert!(a.statement(&ticket).is_ok() && b.statement(&ticket).is_err());
    }
}
