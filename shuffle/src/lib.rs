//! Shuffle: how rows pass from the tasks of one stage to those of the next.
//!
//! ```text
//!   ShuffleSink ── partition hash or range bounds ──> blocks ──> data file + index      (one output a map attempt)
//!        │ MapOutput: bytes, rows, row hash of each partition, under a checksum
//!        v
//!   scheduler ── StageRead: which partitions of which outputs, and their figures
//!        │
//!        v
//!   ShuffleInputs ── file of the same host, or fetch service ──> checked blocks ──> chunks
//! ```
//!
//! Reading order: [`output`] (what is known about an output), [`hash`] and [`partition`] (where a row goes), [`mod@format`]
//! (how outputs lie on disk), [`store`], [`mod@write`] and [`read`], [`service`] (partitions over
//! the network).

mod buffer;
mod copy;
pub mod format;
pub mod hash;
pub mod output;
pub mod partition;
pub mod read;
pub mod service;
pub mod store;
#[cfg(test)]
mod testing;
pub mod write;

pub use copy::copy_output;
pub use format::QueryKey;
pub use output::{Figures, MapOutput, OutputLocation, PartialOutput, PartitionFigures, RowSetHash};
pub use partition::{KeySample, RangeBounds};
pub use read::{OpenOutputs, ReadUnit, ShuffleInputs, StageRead};
pub use rsql_exec::encoding::Compression;
pub use rsql_planner::stages::Slice;
pub use service::{FetchClient, FetchOptions, FetchService};
pub use store::ShuffleStore;
pub use write::{ShuffleSink, WriteOptions, WriteSpec};
