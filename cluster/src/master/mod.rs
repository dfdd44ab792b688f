//! The master: knows the executors, schedules queries over them, tells people about it.
//!
//! The scheduler core is pure; the shell around it is one thread (`scheduler`) with one inbox. RPC services, supervisors
//! and query runners put messages there and never touch its state. Reading order: `inbox`, `scheduler`, `actions`,
//! `executors`, `jobs`, `replan`, `metering`, `services`.

mod actions;
mod config;
mod executors;
mod handle;
mod inbox;
mod inputs;
mod jobs;
mod metering;
mod pools;
mod replan;
mod scheduler;
mod services;
#[cfg(test)]
mod tests;

pub use config::MasterConfig;
#[cfg(test)]
pub(crate) use config::core_config;
pub use handle::Master;
pub(crate) use inbox::{Inbox, Mail};
pub(crate) use jobs::{AdaptiveJob, JobUpdate, ResultPart, Submission};
pub(crate) use scheduler::Scheduler;
