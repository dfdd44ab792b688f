//! Where plans run: the session hands every plan to its [`Runner`] and reads chunks back.
//!
//! [`LocalRunner`] runs it on the workers of this process as it is. A cluster's runner distributes it: it adds
//! exchanges in [`Runner::prepare`], so that EXPLAIN shows what will run, and cuts it into stages in [`Runner::start`].

use std::fmt::Debug;
use std::sync::Arc;

use rsql_common::ids::IdGen;
use rsql_common::{Error, Result, Settings};
use rsql_expr::{Chunk, FunctionRegistry, Schema};
use rsql_planner::adaptive::JoinPlanner;
use rsql_planner::distribute::without_exchanges;
use rsql_planner::physical::PhysicalPlan;
use rsql_planner::share_scans;
use rsql_planner::stages::StageGraph;

use crate::execute::{self, QueryHandle};
use crate::metrics::StagedRun;
use crate::pipeline::{Flow, TaskContext};
use crate::write::{TableWrite, write_task};

/// What a runner may look at when it changes a plan.
#[derive(Debug)]
pub struct PrepareContext<'a> {
    /// The statement's settings.
    pub settings: &'a Settings,
    /// Functions by name.
    pub registry: &'a Arc<FunctionRegistry>,
    /// Ids for columns that are added.
    pub ids: &'a IdGen,
}

/// A plan to run, with what is told about it to people who watch.
#[derive(Debug, Clone)]
pub struct Run {
    /// What [`Runner::prepare`] gave.
    pub plan: Arc<PhysicalPlan>,
    /// The statement's settings.
    pub settings: Arc<Settings>,
    /// The statement's text.
    pub sql: Arc<str>,
    /// One line for lists of running queries.
    pub description: Arc<str>,
    /// The statement's surroundings; its token cancels the run. If it has counters, tasks elsewhere count as well.
    pub cx: Arc<TaskContext>,
    /// Rows do not come back: they become files of a table, which are visible when the stream ends well.
    pub write: Option<TableWrite>,
    /// Who orders joins again when a cluster's stages turn out to be of other sizes; none if that is not wanted.
    pub joins: Option<Arc<dyn JoinPlanner>>,
}

/// A statement that failed before it had a plan to run, for people who watch.
#[derive(Debug, Clone, Copy)]
pub struct Unplanned<'a> {
    /// The statement's settings.
    pub settings: &'a Settings,
    /// The statement's text.
    pub sql: &'a str,
    /// One line for lists of queries.
    pub description: &'a str,
    /// Why it failed.
    pub error: &'a Error,
}

/// The plan as one process runs it: no exchange, and scans of the same files read together.
pub fn in_one_process(plan: PhysicalPlan, cx: &PrepareContext<'_>) -> Result<PhysicalPlan> {
    let mut plan = without_exchanges(plan);
    if let Ok(least) = u64::try_from(cx.settings.int("rsql.exec.share_scans_from")?) {
        share_scans(&mut plan, least, cx.ids);
    }
    Ok(plan)
}

/// Runs plans.
pub trait Runner: Send + Sync + Debug {
    /// The plan as it will run. Called once after lowering, before EXPLAIN prints it. In one process rows need no exchange,
    /// whatever was asked of partitions.
    fn prepare(&self, plan: PhysicalPlan, cx: &PrepareContext<'_>) -> Result<PhysicalPlan> {
        in_one_process(plan, cx)
    }

    /// The stages that a prepared plan will run in, for EXPLAIN; none where it runs in one piece.
    fn stages(&self, _plan: &PhysicalPlan, _settings: &Settings) -> Result<Option<StageGraph>> {
        Ok(None)
    }

    /// Starts a plan. Dropping the stream ends the run.
    fn start(&self, run: Run) -> Result<Box<dyn ChunkStream>>;

    /// Is told of a statement that there will be no run of.
    fn unplanned(&self, _failed: Unplanned<'_>) {}
}

/// The rows of a running plan.
pub trait ChunkStream: Send {
    /// Output columns.
    fn schema(&self) -> &Schema;

    /// The next chunk; waits for it. None after the last one.
    fn next_chunk(&mut self) -> Result<Option<Chunk>>;

    /// Asks the run to stop; the next chunk will be an error.
    fn cancel(&self);

    /// What the stages of the run did, once the last chunk was read. None of a run in one piece, whose counters are those
    /// of its [`TaskContext`], and where that has none.
    fn staged_run(&mut self) -> Option<Box<StagedRun>> {
        None
    }
}

/// Runs plans on the workers of this process, in one piece.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalRunner;

impl Runner for LocalRunner {
    fn start(&self, run: Run) -> Result<Box<dyn ChunkStream>> {
        let Some(write) = &run.write else {
            return Ok(Box::new(execute::start(&run.plan, run.cx)?));
        };
        let files = write_task(&run.plan, &write.spec, 0, 0, &run.cx)?;
        write.committer.commit(&files)?;
        Ok(Box::new(NoRows(run.plan.schema().clone())))
    }
}

/// The stream of a write that is done.
#[derive(Debug)]
pub struct NoRows(pub Schema);

impl ChunkStream for NoRows {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        Ok(None)
    }

    fn cancel(&self) {}
}

impl ChunkStream for QueryHandle {
    fn schema(&self) -> &Schema {
        QueryHandle::schema(self)
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        QueryHandle::next_chunk(self)
    }

    fn cancel(&self) {
        QueryHandle::cancel(self);
    }
}

/// Hands each chunk of a stream to `each`, in order, until it says stop.
pub fn for_each_chunk(stream: &mut dyn ChunkStream, each: &mut dyn FnMut(Chunk) -> Result<Flow>) -> Result<()> {
    while let Some(chunk) = stream.next_chunk()? {
        if each(chunk)? == Flow::Stop {
            break;
        }
    }
    Ok(())
}
