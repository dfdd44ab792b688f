//! Commands, one family a file. Each works on a statement's snapshot and publishes its change to the session at the end.

pub(crate) mod alter;
pub(crate) mod cache;
mod column;
pub(crate) mod database;
pub(crate) mod describe;
pub(crate) mod drop;
pub(crate) mod execute_immediate;
pub(crate) mod explain;
pub(crate) mod function;
pub(crate) mod insert;
mod insert_default;
pub(crate) mod maintain;
mod name;
mod relation;
pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod table;
pub(crate) mod variable;
pub(crate) mod view;
