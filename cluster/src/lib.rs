//! Scheduler core, master, worker and executors.
