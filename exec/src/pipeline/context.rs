//! What running operators share within one task.

use std::path::PathBuf;
use std::sync::Arc;

use rsql_common::{CancelToken, MemoryPool, Progress, Result, Settings};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Expr, FunctionRegistry};

use crate::metrics::{PlanMetrics, Totals};
use crate::runtime_filter::FilterHub;
use crate::stage_input::TaskSite;

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
    /// Rows and time by plan node, for EXPLAIN ANALYZE.
    pub metrics: Option<Arc<PlanMetrics>>,
    /// What the task has read and spilled.
    pub totals: Totals,
    /// The task's place in its stage; none for a query that runs in one piece.
    pub site: Option<TaskSite>,
    /// Where a runner says how far the statement is.
    pub progress: Progress,
}

impl TaskContext {
    /// A context under a statement's settings.
    pub fn from_settings(
        settings: &Settings,
        registry: Arc<FunctionRegistry>,
        memory: Arc<MemoryPool>,
    ) -> Result<Arc<Self>> {
        Ok(Arc::new(Self::new(settings, registry, memory)?))
    }

    /// The same, to be changed before it is shared.
    pub fn new(settings: &Settings, registry: Arc<FunctionRegistry>, memory: Arc<MemoryPool>) -> Result<Self> {
        let spill_dir = match settings.get("rsql.local.dir") {
            None | Some("") => std::env::temp_dir(),
            Some(dir) => PathBuf::from(dir),
        };
        Ok(Self {
            registry,
            memory,
            cancel: CancelToken::default(),
            chunk_rows: settings.usize("rsql.exec.chunk_rows")?.max(1),
            threads: Self::threads(settings)?,
            force_spill: settings.bool("rsql.exec.force_spill"),
            hash_zero: settings.bool("rsql.exec.hash_zero"),
            preserve_order: settings.bool("rsql.preserve_order"),
            spill_dir,
            filters: FilterHub::default(),
            metrics: None,
            totals: Totals::default(),
            site: None,
            progress: Progress::default(),
        })
    }

    /// Workers of the process under these settings.
    pub fn threads(settings: &Settings) -> Result<usize> {
        Ok(match settings.usize("rsql.exec.threads")? {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        })
    }

    /// Which of `total` things in a row a leaf of the plan gives: all, or the task's share.
    pub fn share(&self, total: u64) -> std::ops::Range<u64> {
        self.site.as_ref().map_or(0..total, |site| site.share(total))
    }

    /// What evaluations get.
    pub fn eval(&self) -> EvalCx {
        EvalCx {
            memory: Arc::clone(&self.memory),
            cancel: self.cancel.clone(),
        }
    }

    /// An expression, ready to run.
    pub fn compile(&self, expr: &Expr) -> Result<Program> {
        Program::compile(expr, &self.registry)
    }

    /// Expressions, ready to run.
    pub fn compile_all<'a>(&self, exprs: impl IntoIterator<Item = &'a Expr>) -> Result<Vec<Program>> {
        exprs.into_iter().map(|e| self.compile(e)).collect()
    }
}
