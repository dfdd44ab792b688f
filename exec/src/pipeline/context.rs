//! What running operators share within one task.

use std::path::PathBuf;
use std::sync::Arc;

use rsql_common::{CancelToken, MemoryPool};
use rsql_expr::FunctionRegistry;

use crate::runtime_filter::FilterHub;

/// One query's (later: one task's) surroundings.
#[derive(Debug)]
pub struct TaskContext {
    /// Functions by name.
    pub registry: Arc<FunctionRegistry>,
    /// The process's memory pool.
    pub memory: Arc<MemoryPool>,
    /// Read at least once a chunk by long loops.
    pub cancel: CancelToken,
    /// Rows in a chunk (`rsql.exec.chunk_rows`).
    pub chunk_rows: usize,
    /// Workers of the process (`rsql.exec.threads`).
    pub threads: usize,
    /// Stateful operators spill whenever they can (`rsql.exec.force_spill`).
    pub force_spill: bool,
    /// Every hash is zero (`rsql.exec.hash_zero`).
    pub hash_zero: bool,
    /// Rows keep their source's order (`rsql.preserve_order`).
    pub preserve_order: bool,
    /// Where spill files go (`rsql.local.dir`).
    pub spill_dir: PathBuf,
    /// Runtime filters by id.
    pub filters: FilterHub,
}
