//! Scheduler core, master, worker and executors.

pub mod core;
