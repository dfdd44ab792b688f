//! The life of a query: analyze, optimize, lower, run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rsql_analyzer::AnalyzerContext;
use rsql_ast as ast;
use rsql_common::ids::IdGen;
use rsql_common::{CancelToken, Error, Progress, Result};
use rsql_exec::pipeline::{Flow, TaskContext};
use rsql_exec::runner::{self, ChunkStream, PrepareContext, Run, Unplanned};
use rsql_exec::write::TableWrite;
use rsql_expr::{Chunk, Collation, EvalOptions, Schema};
use rsql_optimizer::{MeasuredJoins, OptimizerContext};
use rsql_planner::adaptive::JoinPlanner;
use rsql_planner::{LogicalPlan, PhysicalPlan};

use crate::eval_options;
use crate::resolver::SnapshotResolver;
use crate::session::{Parameters, Session, SessionState};

/// Planning recurses with the query's depth: it runs on a stack that grows by this much at a time.
const STACK_RED_ZONE: usize = 256 * 1024;
const STACK_GROWTH: usize = 8 * 1024 * 1024;
/// So much of a statement describes it in lists.
const DESCRIPTION_CHARS: usize = 120;

/// A statement's snapshot with what was frozen for it.
pub(crate) struct StatementCx<'a> {
    pub session: &'a Session,
    pub state: SessionState,
    pub options: Arc<EvalOptions>,
    pub ids: Arc<IdGen>,
    pub cancel: CancelToken,
    pub progress: Progress,
    pub parameters: Parameters,
    pub text: &'a str,
    /// A plan of it was handed to the runner, who knows how it ends.
    started: Arc<AtomicBool>,
}

/// A query on its way, with every stage kept for EXPLAIN.
#[derive(Debug, Clone)]
pub struct PlannedQuery {
    /// After analysis.
    pub analyzed: LogicalPlan,
    /// After optimization.
    pub optimized: LogicalPlan,
    /// What runs.
    pub physical: Arc<PhysicalPlan>,
    /// Output columns, with the names the user sees.
    pub schema: Schema,
    /// Time spent analyzing.
    pub analysis: Duration,
    /// Time spent optimizing.
    pub optimization: Duration,
    /// Time spent lowering.
    pub lowering: Duration,
}

impl<'a> StatementCx<'a> {
    /// Freezes the session's state for one statement.
    pub(crate) fn new(session: &'a Session, text: &'a str, cancel: &CancelToken) -> Self {
        let state = session.snapshot();
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let now_micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        let options = eval_options::freeze(&state.settings, &state.catalog, &session.user, now_micros);
        Self {
            session,
            state,
            options,
            ids: Arc::default(),
            cancel: cancel.clone(),
            progress: Progress::default(),
            parameters: session.parameters.read().clone(),
            text,
            started: Arc::default(),
        }
    }

    /// The same statement, with texts that do not say their collation under this one.
    pub(crate) fn with_default_collation(&self, collation: Option<Collation>) -> Self {
        let options = EvalOptions {
            default_collation: collation,
            ..(*self.options).clone()
        };
        Self {
            session: self.session,
            state: self.state.clone(),
            options: Arc::new(options),
            ids: Arc::clone(&self.ids),
            cancel: self.cancel.clone(),
            progress: self.progress.clone(),
            parameters: self.parameters.clone(),
            text: self.text,
            started: Arc::clone(&self.started),
        }
    }

    /// Calls `f` with what the analyzer may look at.
    pub(crate) fn analyze<T>(&self, f: impl FnOnce(&AnalyzerContext<'_>) -> Result<T>) -> Result<T> {
        self.analyze_through(&SnapshotResolver { cx: self }, f)
    }

    /// Calls `f` with what the analyzer may look at, names going through `resolver`.
    pub(crate) fn analyze_through<T>(
        &self,
        resolver: &dyn rsql_analyzer::Resolver,
        f: impl FnOnce(&AnalyzerContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let cx = AnalyzerContext {
            options: Arc::clone(&self.options),
            settings: Arc::clone(&self.state.settings),
            registry: Arc::clone(&self.session.shared.registry),
            ids: Arc::clone(&self.ids),
            resolver,
            positional: Arc::clone(&self.parameters.positional),
            named: Arc::clone(&self.parameters.named),
            char_columns: Arc::default(),
        };
        stacker::maybe_grow(STACK_RED_ZONE, STACK_GROWTH, || f(&cx))
    }

    /// Analyzes, optimizes and lowers a query.
    pub(crate) fn plan(&self, query: &ast::Query) -> Result<PlannedQuery> {
        let start = Instant::now();
        let analyzed = self.analyze(|cx| rsql_analyzer::analyze_query(query, cx))?;
        self.plan_analyzed(analyzed, start.elapsed())
    }

    /// Optimizes and lowers an analyzed plan.
    pub(crate) fn plan_analyzed(&self, analyzed: LogicalPlan, analysis: Duration) -> Result<PlannedQuery> {
        let settings = Arc::clone(&self.state.settings);
        self.plan_under(analyzed, analysis, settings)
    }

    fn plan_under(
        &self,
        analyzed: LogicalPlan,
        analysis: Duration,
        settings: Arc<rsql_common::Settings>,
    ) -> Result<PlannedQuery> {
        let cx = OptimizerContext {
            registry: Arc::clone(&self.session.shared.registry),
            settings,
            ids: Arc::clone(&self.ids),
            options: Arc::clone(&self.options),
        };
        stacker::maybe_grow(STACK_RED_ZONE, STACK_GROWTH, || {
            let start = Instant::now();
            let optimized = rsql_optimizer::optimize(analyzed.clone(), &cx)?;
            let optimization = start.elapsed();
            let start = Instant::now();
            let physical = rsql_planner::lower(&optimized.plan, &optimized.estimates, &self.ids)?;
            let physical = Arc::new(self.session.shared.runner.prepare(
                physical,
                &PrepareContext {
                    settings: &cx.settings,
                    registry: &cx.registry,
                    ids: &self.ids,
                },
            )?);
            Ok(PlannedQuery {
                schema: analyzed.schema().clone(),
                analyzed,
                optimized: optimized.plan,
                physical,
                analysis,
                optimization,
                lowering: start.elapsed(),
            })
        })
    }

    /// What running operators share.
    pub(crate) fn task(&self) -> Result<Arc<TaskContext>> {
        self.new_task().map(Arc::new)
    }

    /// The same, not yet shared.
    pub(crate) fn new_task(&self) -> Result<TaskContext> {
        let mut cx = TaskContext::new(
            &self.state.settings,
            Arc::clone(&self.session.shared.registry),
            Arc::clone(&self.session.shared.memory),
        )?;
        cx.cancel = self.cancel.clone();
        cx.progress = self.progress.clone();
        Ok(cx)
    }

    /// Runs a planned query to its end.
    pub(crate) fn collect(&self, planned: &PlannedQuery) -> Result<Vec<Chunk>> {
        let mut chunks = Vec::new();
        self.for_each_chunk(planned, &mut |chunk| {
            chunks.push(chunk);
            Ok(Flow::Continue)
        })?;
        Ok(chunks)
    }

    /// Runs a planned query, handing its chunks to `each` until it says stop.
    pub(crate) fn for_each_chunk(
        &self,
        planned: &PlannedQuery,
        each: &mut dyn FnMut(Chunk) -> Result<Flow>,
    ) -> Result<()> {
        runner::for_each_chunk(self.start(planned, self.task()?)?.as_mut(), each)
    }

    /// Starts a planned query where the session's plans run.
    pub(crate) fn start(&self, planned: &PlannedQuery, cx: Arc<TaskContext>) -> Result<Box<dyn ChunkStream>> {
        self.started.store(true, Ordering::Relaxed);
        self.session.shared.runner.start(self.run(planned, cx))
    }

    /// Tells the runner of a failure that it does not know of: the statement came to no run.
    pub(crate) fn failed(&self, error: &Error) {
        if !self.started.load(Ordering::Relaxed) {
            self.session.shared.runner.unplanned(Unplanned {
                settings: &self.state.settings,
                sql: self.text,
                description: &self.description(),
                error,
            });
        }
    }

    /// Runs a planned query whose rows become files, to its end.
    pub(crate) fn write(&self, planned: &PlannedQuery, cx: Arc<TaskContext>, write: TableWrite) -> Result<()> {
        let run = Run {
            write: Some(write),
            ..self.run(planned, cx)
        };
        self.started.store(true, Ordering::Relaxed);
        let mut stream = self.session.shared.runner.start(run)?;
        while stream.next_chunk()?.is_some() {}
        Ok(())
    }

    /// The statement in one line.
    fn description(&self) -> String {
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(DESCRIPTION_CHARS) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None => line,
        }
    }

    fn run(&self, planned: &PlannedQuery, cx: Arc<TaskContext>) -> Run {
        Run {
            plan: Arc::clone(&planned.physical),
            settings: Arc::clone(&self.state.settings),
            sql: self.text.into(),
            description: self.description().into(),
            cx,
            write: None,
            joins: self.join_planner(planned),
        }
    }

    /// For planning joins again while the query runs on a cluster.
    fn join_planner(&self, planned: &PlannedQuery) -> Option<Arc<dyn JoinPlanner>> {
        let settings = Arc::clone(&self.state.settings);
        let cx = OptimizerContext {
            registry: Arc::clone(&self.session.shared.registry),
            settings,
            ids: Arc::clone(&self.ids),
            options: Arc::clone(&self.options),
        };
        MeasuredJoins::new(planned.optimized.clone(), cx).map(|joins| Arc::new(joins) as _)
    }

    /// Plans and runs a query; verifies it against the mandatory batches alone when the session asks for that.
    pub(crate) fn run_query(&self, query: &ast::Query) -> Result<(Schema, Vec<Chunk>)> {
        let planned = self.plan(query)?;
        let outcome = self.collect(&planned);
        if self.state.settings.bool("rsql.optimizer.verify") {
            let reduced = Arc::new(self.state.settings.with("rsql.optimizer.enabled", "false")?);
            crate::verify::check(self, &planned, &outcome, reduced)?;
        }
        Ok((planned.schema, outcome?))
    }

    /// The same plan with only the optimizer's mandatory batches.
    pub(crate) fn replan(&self, planned: &PlannedQuery, settings: Arc<rsql_common::Settings>) -> Result<PlannedQuery> {
        self.plan_under(planned.analyzed.clone(), planned.analysis, settings)
    }
}
