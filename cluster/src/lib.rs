//! A cluster: a master that schedules queries, workers that start executors, executors that run tasks.
//!
//! ```text
//!   Session ── ClusterRunner ──> scheduler thread ── core::step ──> actions ──> control streams ──> executors
//!                    ^                                                                                 │
//!                    └────────────── result outputs, read in task order <── fetch service ─────────────┘
//! ```
//!
//! Reading order: [`core`] (the scheduler, a pure state machine), [`rpc`] and [`security`] (how parts talk and who may),
//! [`master`], [`executor`], [`worker`], `runner` (a session's plans on the cluster), [`local_cluster`]; [`in_process`] does
//! to plans what a cluster does, within one process. `events` is the event log, which [`local_runner`] gives to sessions
//! without a cluster, too.

mod clock;
pub mod core;
mod events;
pub mod executor;
mod fetch_server;
pub mod in_process;
pub mod local_cluster;
mod local_log;
pub mod master;
mod memory_size;
mod panics;
mod rest;
pub mod rpc;
mod runner;
pub mod security;
mod shuffle_reads;
mod stage_plan;
mod stage_task;
#[cfg(test)]
mod tests;
pub mod worker;

pub use events::event_log_folder;
pub use fetch_server::fetch_port;
pub use local_cluster::{LocalCluster, LocalClusterSpec, MasterUrl};
pub use local_log::local_runner;
pub use master::{Master, MasterConfig};
pub use memory_size::parse_memory;

/// Makes ring the process's TLS provider. Call it once, first thing in `main`; later calls change nothing.
pub fn install_tls_provider() {
    // An error says that there is a provider already.
    _ = rustls::crypto::ring::default_provider().install_default();
}
