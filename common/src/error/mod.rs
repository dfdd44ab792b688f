//! The one error type of the engine: serializable, typed from end to end.
//!
//! An [`Error`] carries its [`ErrorKind`] (what the scheduler does about it), Spark's error *condition*
//! (`DIVIDE_BY_ZERO`), its SQLSTATE, named parameters, and the place in the SQL text. It travels inside
//! `DataFusionError::External` where `TreeNode` wants that type, and inside `ArrowError`/`ParquetError`/`io::Error`
//! where a foreign API wants those; [`Error::from_any`] finds it again behind any number of such wrappers.

mod conditions;
mod convert;
mod io;
mod messages;
mod span;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{ExecutorId, OutputId};

pub use conditions::sqlstate_of;
pub use io::{read_bytes, read_text};
pub use span::{LineColumn, Span};

/// Result of the whole engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a failure means to whoever decides about a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The statement or its data is at fault: never retried.
    User,
    /// Memory, disk or a configured limit is exhausted.
    ResourceExhausted,
    /// Storage or network failed; a retry may succeed.
    Io,
    /// A shuffle block could not be fetched from its producer.
    FetchFailed,
    /// The work was cancelled or superseded.
    Killed,
    /// The process that ran the work is gone.
    ExecutorLost,
    /// A bug in the engine.
    Internal,
}

/// A failure with Spark's condition name, parameters and the place it happened.
///
/// One pointer wide, so that `Result<T>` stays small.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Error(Box<ErrorData>);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct ErrorData {
    kind: ErrorKind,
    condition: Cow<'static, str>,
    params: Vec<(Cow<'static, str>, String)>,
    /// Overrides the message composed from the condition's template.
    message: Option<String>,
    span: Option<Span>,
    /// SQL text that `span` points into; filled in by the session.
    query: Option<String>,
    /// File that was being read or written.
    file: Option<String>,
    /// Whose output could not be read, for [`ErrorKind::FetchFailed`].
    producer: Option<FetchFailure>,
}

/// Which shuffle output could not be read, and how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FetchFailure {
    /// The output.
    pub output: OutputId,
    /// The executor that holds it.
    pub executor: ExecutorId,
    /// How it failed.
    pub reason: FetchReason,
}

/// Why a shuffle output could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FetchReason {
    /// Its executor does not answer.
    Unreachable,
    /// Its executor does not have it (any more).
    NotFound,
    /// Its bytes do not match their checksums.
    Corrupt,
}

impl Error {
    /// An error of `kind` with Spark's `condition` name.
    pub fn new(kind: ErrorKind, condition: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(ErrorData {
            kind,
            condition: condition.into(),
            params: Vec::new(),
            message: None,
            span: None,
            query: None,
            file: None,
            producer: None,
        }))
    }

    /// An error in the statement or its data, e.g. `Error::user("DIVIDE_BY_ZERO")`.
    pub fn user(condition: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::User, condition)
    }

    /// A broken invariant of the engine itself; says what was found.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "INTERNAL_ERROR").param("message", message)
    }

    /// Storage failed.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Io, "FAILED_READ_FILE.NO_HINT").param("message", message)
    }

    /// A form that the engine does not have (yet); `what` names it as the user wrote it.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::user("UNSUPPORTED_FEATURE.RSQL").param("feature", what)
    }

    /// A configured or physical limit was reached.
    pub fn exhausted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ResourceExhausted, "RESOURCE_EXHAUSTED").param("message", message)
    }

    /// A disk is full: more memory does not help, another machine may.
    pub fn disk_full(message: impl Into<String>) -> Self {
        Self::exhausted(message).param("resource", "disk")
    }

    /// The output of a map task could not be read.
    pub fn fetch_failed(failure: FetchFailure, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::FetchFailed, "FETCH_FAILED").param("message", message);
        error.0.producer = Some(failure);
        error
    }

    /// Whose output could not be read.
    pub fn fetch_failure(&self) -> Option<FetchFailure> {
        self.0.producer
    }

    /// The query was cancelled.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Killed, "OPERATION_CANCELED")
    }

    /// Adds a named parameter of the condition's message.
    #[must_use]
    pub fn param(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.0.params.push((name.into(), value.into()));
        self
    }

    /// Replaces the composed message by `message`.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Sets the place in the SQL text unless one is known already.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        if self.0.span.is_none() && !span.is_none() {
            self.0.span = Some(span);
        }
        self
    }

    /// Attaches the SQL text that the span points into unless one is attached already.
    #[must_use]
    pub fn in_query(mut self, sql: &str) -> Self {
        if self.0.query.is_none() {
            self.0.query = Some(sql.to_string());
        }
        self
    }

    /// Names the file that was being read or written.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<String>) -> Self {
        if self.0.file.is_none() {
            self.0.file = Some(path.into());
        }
        self
    }

    /// What the failure means to a retry decision.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Spark's condition name, sub-condition included: `UNRESOLVED_COLUMN.WITH_SUGGESTION`.
    pub fn condition(&self) -> &str {
        &self.0.condition
    }

    /// SQLSTATE of the condition, `XX000` if it has none.
    pub fn sqlstate(&self) -> &'static str {
        sqlstate_of(&self.0.condition).unwrap_or("XX000")
    }

    /// Parameters in the order they were added.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.params.iter().map(|(k, v)| (k.as_ref(), v.as_str()))
    }

    /// Place in the SQL text (byte offsets).
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// SQL text that the span points into, when the session attached it.
    pub fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    /// File that was being read or written.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// Line and column (both from 1) of the place, when query and span are known.
    pub fn line_column(&self) -> Option<LineColumn> {
        Some(self.0.span?.line_column(self.0.query.as_deref()?))
    }

    /// The message without condition and SQLSTATE.
    pub fn message(&self) -> String {
        let mut text = match &self.0.message {
            Some(m) => m.clone(),
            None => messages::compose(&self.0.condition, &self.0.params),
        };
        if let Some(file) = &self.0.file {
            text.push_str(&format!(" File: {file}."));
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{}] {} SQLSTATE: {}",
            self.0.condition,
            self.message(),
            self.sqlstate()
        )?;
        if let Some(at) = self.line_column() {
            write!(f, "; line {} pos {}", at.line, at.column - 1)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
