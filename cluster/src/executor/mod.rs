//! An executor: a process that registers with the master, runs tasks, keeps their outputs and serves them to others.
//!
//! Reading order: [`config`], `process` (its life), `control` (the stream to the master), `outbox` (what it has said),
//! `heartbeat` (its sign of life), `tasks` (what it runs).

mod config;
mod control;
mod heartbeat;
mod outbox;
mod process;
mod tasks;

pub use config::ExecutorConfig;
pub(crate) use heartbeat::INTERVAL as HEARTBEAT;
pub use process::{Ending, run};
