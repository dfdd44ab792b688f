//! The leaf that reads an earlier stage's output: the task says where its rows are.

use std::ops::Range;
use std::sync::Arc;

use rsql_common::{Error, Result, StageId};
use rsql_expr::Schema;
use rsql_planner::physical::StageInput;

use crate::build::Builder;
use crate::pipeline::{Chain, Source, TaskContext};

/// What a distributed task knows beyond its plan.
#[derive(Debug)]
pub struct TaskSite {
    /// Which task of the stage this is, from 0.
    pub index: usize,
    /// Tasks of the stage. Scans, ranges and literal rows give the task the `index`-th of so many shares.
    pub tasks: usize,
    /// Where earlier stages' rows are.
    pub inputs: Arc<dyn StageInputs>,
}

impl TaskSite {
    /// The task's part of `total` things in a row.
    pub fn share(&self, total: u64) -> Range<u64> {
        let (index, tasks) = (self.index as u128, self.tasks.max(1) as u128);
        let at = |i: u128| (u128::from(total) * i / tasks) as u64;
        at(index)..at(index + 1)
    }
}

/// Gives the rows of earlier stages that one task is to read.
pub trait StageInputs: std::fmt::Debug + Send + Sync {
    /// A source of the task's part of `stage`'s output, whose columns are `schema`.
    fn source(&self, stage: StageId, schema: &Schema, cx: &Arc<TaskContext>) -> Result<Arc<dyn Source>>;
}

pub(crate) fn build(node: &StageInput, b: &mut Builder) -> Result<Chain> {
    let cx = Arc::clone(b.cx());
    let site = cx
        .site
        .as_ref()
        .ok_or_else(|| Error::internal(format!("{} is read outside a task", node.stage)))?;
    Ok(Chain::new(site.inputs.source(node.stage, &node.schema, &cx)?))
}
