//! `ReorderJoin` at run time: the order of the joins that are left, by the rows that finished stages gave.
//!
//! ```text
//!   stage4  Join                                 stage7  Join
//!     stage3  Join                                 stage6  Join
//!       StageInput stage0   1 row expected           StageInput stage0   900,000 rows came
//!       StageInput stage1                 =>         StageInput stage2
//!     StageInput stage2                            StageInput stage1
//! ```
//!
//! The stages that have not started are put together to one plan again ([`whole`]): exchanges go, two-phase aggregates and
//! sorts become one, and stages that are there (finished, running, or read by several) are its leaves. In it neighbouring
//! joins become a logical plan ([`joins`]) whose leaves carry what was measured, the optimizer orders them as it does before a
//! query starts ([`JoinPlanner`]), and the whole is lowered, distributed and cut as usual. Outputs that lie as the new plan
//! needs them are read where they are; others are spread again, which is part of the price. The same is done with the order
//! as it was, and the new plan is taken if it passes the verifier and is clearly cheaper by the same figures ([`cost`]).
//! What was done is done: only stages that have not started count.

mod cost;
mod joins;
mod whole;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Debug;

use rsql_common::ids::IdGen;
use rsql_common::{CteId, Error, Result, StageId};
use rsql_expr::{FunctionRegistry, Schema};

use super::{AdaptiveContext, Progress, check_stage};
use crate::LogicalPlan;
use crate::distribute::{DistributeContext, Spread, depends_on_order, distribute_rest, has_volatile};
use crate::estimates::Estimates;
use crate::lower::lay_filters;
use crate::physical::{Partitioning, PhysicalPlan};
use crate::stages::{StageGraph, cut_above};

/// Plans of more stages than this (those that were planned away included) stay as they are, so that no query is planned for
/// ever while its figures change.
const MOST_STAGES: usize = 128;

/// Orders joins: the optimizer's part of adaptive planning.
pub trait JoinPlanner: Debug + Send + Sync {
    /// Joins over leaves (each a reference to a [`Leaf`]) with what is expected of each node; in the order that is best now
    /// if `anew`, else as they are.
    fn plan(&self, joins: LogicalPlan, leaves: &[Leaf], anew: bool) -> Result<(LogicalPlan, Estimates)>;

    /// Functions by name.
    fn registry(&self) -> &FunctionRegistry;

    /// Ids that the query has not used.
    fn ids(&self) -> &IdGen;
}

/// A part of a plan that joins read and that stays as it is: the output of a stage, or what is to be computed of such.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its name in the joins' plan.
    pub id: CteId,
    /// Its columns, with the ids that they have in the query's logical plan.
    pub schema: Schema,
    /// Rows: measured, or expected.
    pub rows: f64,
}

/// Other stages for what is left.
pub(super) struct Reordered {
    /// All stages, those that nobody reads any more included.
    pub graph: StageGraph,
    /// New ones, and the result.
    pub changed: BTreeSet<StageId>,
}

/// What is left with its joins in another order, if that is clearly cheaper.
pub(super) fn reorder(graph: &StageGraph, progress: &Progress, cx: &AdaptiveContext<'_>) -> Option<Reordered> {
    let planner = cx
        .joins
        .filter(|_| cx.settings.join_reorder && graph.stages.len() <= MOST_STAGES)?;
    let left = whole::whole(graph, progress)?;
    if has_volatile(&left) || depends_on_order(&left, planner.registry()) {
        return None;
    }
    // Nothing is thought about twice: what cannot be planned again runs as it was planned.
    let before = planned(graph, progress, left.clone(), cx, planner, false).ok()??;
    let after = planned(graph, progress, left, cx, planner, true).ok()??;
    let (old, new) = (cost::of(&before, cx.shape), cost::of(&after, cx.shape));
    (new <= old * cx.settings.reorder_cost && old - new >= cx.settings.reorder_saves).then_some(after)
}

/// The stages of what is left with its joins ordered anew, or as they are; none where there is nothing to choose.
fn planned(
    graph: &StageGraph,
    progress: &Progress,
    mut left: PhysicalPlan,
    cx: &AdaptiveContext<'_>,
    planner: &dyn JoinPlanner,
    anew: bool,
) -> Result<Option<Reordered>> {
    let measured = |id: StageId| graph.stage(id).is_some_and(|s| progress.stats(s).is_some());
    if !joins::order(&mut left, planner, &measured, anew)? {
        return Ok(None);
    }
    whole::without_filters(&mut left);
    lay_filters(&mut left, planner.ids());
    let placing = DistributeContext {
        shape: cx.shape,
        registry: planner.registry(),
        ids: planner.ids(),
    };
    let left = distribute_rest(left, &placing, &|id| spread_of(graph, id))?;
    let new = numbered(graph, cut_above(left, graph.stages.clone(), cx.shape)?)?;
    let changed = new.graph.stages.iter().filter(|s| new.changed.contains(&s.id));
    // Keys may come twice.
    for stage in changed.filter(|s| !whole::gives_keys(s)) {
        check_stage(&new.graph, stage, cx.shape)?;
    }
    Ok(Some(new))
}

/// How the rows of a stage lie that is there already, if they are read as they were spread.
fn spread_of(graph: &StageGraph, id: StageId) -> Spread {
    match graph.stage(id).map(|s| &s.partitioning) {
        Some(Partitioning::Hash {
            keys,
            partitions,
            function,
        }) => Spread::hash(keys, *partitions, *function),
        Some(Partitioning::Single) => Spread::One,
        _ => Spread::Any,
    }
}

/// The new result under the name of the old one, which is what is asked for in the end.
fn numbered(graph: &StageGraph, mut new: StageGraph) -> Result<Reordered> {
    let old = graph.result().map(|r| r.id);
    new.stages.retain(|s| Some(s.id) != old);
    let (Some(old), Some(result)) = (old, new.stages.last_mut()) else {
        return Err(Error::internal("a plan without a result"));
    };
    result.id = old;
    let others = graph.stages.iter().map(|s| s.id).filter(|id| *id != old);
    let others: BTreeSet<StageId> = others.collect();
    let changed = new.stages.iter().map(|s| s.id).filter(|id| !others.contains(id));
    Ok(Reordered {
        changed: changed.collect(),
        graph: new,
    })
}
