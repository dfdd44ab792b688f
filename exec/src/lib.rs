//! Execution: physical plans become pipelines of sources, operators and sinks, run by the workers of the process.
//!
//! Reading order: [`pipeline`] (the protocol), [`build`] (plan to pipelines), [`scheduler`], [`execute`] (the face), then
//! one module an operator; [`mod@write`] turns rows into a table's files.

pub mod build;
mod concat;
mod cte;
pub mod encoding;
pub mod execute;
mod expand;
mod filter;
mod fuse;
mod generate;
mod hash_aggregate;
mod hash_join;
mod hashing;
mod limit;
mod materialize;
pub mod metrics;
mod nested_loop_join;
pub mod pipeline;
mod projection;
mod range;
mod recursive_cte;
pub mod runner;
pub mod runtime_filter;
mod sample;
mod scan;
pub mod scheduler;
mod sort;
mod spill;
pub mod stage_input;
mod union;
mod values;
mod window;
pub mod write;

pub use build::Builder;
pub use execute::{QueryHandle, collect, execute_stream, run_into, start};
pub use pipeline::TaskContext;
pub use rsql_storage::{local_path, mapping};
pub use runner::{ChunkStream, LocalRunner, PrepareContext, Run, Runner, Unplanned};
