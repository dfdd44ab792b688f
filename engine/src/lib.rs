//! The session: parse, analyze, optimize, plan, run. The only crate that knows all the layers.
//!
//! Reading order: [`session`] (what a user holds), [`result`] (what a statement gives), `statement` (which command a
//! statement is), [`running`] (statements whose rows are read as they come), `query` (the life of a query), `resolver` (what the analyzer sees of the catalog), `command` (one
//! file a family of commands).

mod command;
mod eval_options;
pub mod listing;
mod memory_table;
mod query;
mod references;
mod resolver;
pub mod result;
pub mod running;
pub mod session;
mod source;
mod state;
mod statement;
mod substitution;
mod verify;

pub use query::PlannedQuery;
pub use result::{StatementOutput, TextTable};
pub use running::{Description, Running, StatementOptions};
pub use session::{Session, SessionBuilder};

/// True when a text's last statement is ended by `;` and no quote or comment is open.
pub use rsql_sql::is_complete;
/// The statements of a text, each with its place.
pub use rsql_sql::split_statements;

/// The functions that every session knows, for tasks that run away from their session.
pub use rsql_functions::registry as function_registry;
