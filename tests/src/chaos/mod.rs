//! Queries on a cluster of real processes while something dies: right answers, or it is counted.
//!
//! ```text
//!   harness (master, session) ── control, through a proxy that can be cut ──> executor processes, each with a folder
//!        │ query                                                                  ▲ │ └─ data, through another one
//!        └─ at a random moment: one fault ────────────────────────────────────────┘ └─── or read from the files
//! ```
//!
//! Executors on one machine read each other's files, even those of one that is stopped or cut off. Half of the runs do without
//! (`rsql.cluster.localReads`), as on several machines: then everything is fetched.
//!
//! Reading order: [`cluster`] (what is run), [`proxy`], [`fault`] (what is done to it), [`trial`] (one query under one
//! fault), [`table`] (what is printed), [`fixed`] (one fault of each kind with retries off and on). A trial counts only if
//! its fault was seen to fire.

pub mod cluster;
pub mod fault;
pub mod fixed;
pub mod proxy;
pub mod table;
pub mod trial;

pub use cluster::{ClusterOptions, TestCluster};
pub use fault::Fault;
pub use trial::{Outcome, Trial, run_trial};
