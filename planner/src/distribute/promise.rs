//! What each node asks of where its input rows lie, and what it promises of its output: the one place that knows.
//!
//! Planning asks it for every node it makes, and the verifier asks it again for whole plans.

use std::collections::BTreeSet;

use rsql_common::{CteId, Error, Result, StageId};
use rsql_expr::Expr;

use super::legality::{may_copy, may_partition};
use super::spread::{Spread, shifted, slot};
use super::{ClusterShape, buckets};
use crate::PhysicalPlan;
use crate::logical::JoinKind;
use crate::physical::{AggregateMode, HashAggregate, Partitioning, Side, Union};

/// Where a plan's leaves lie.
pub(super) struct Leaves<'a> {
    /// Definitions that are read in the task that makes them.
    pub pinned: BTreeSet<CteId>,
    /// The cluster.
    pub shape: &'a ClusterShape,
    /// The spread of an earlier stage's rows as the stage reads them.
    pub input: &'a dyn Fn(StageId) -> Spread,
}

/// The spread of a node's rows, given its children's; fails if the node would give wrong rows over them.
pub(super) fn promise(plan: &PhysicalPlan, children: &[Spread], leaves: &Leaves<'_>) -> Result<Spread> {
    use PhysicalPlan as P;
    let wrong = |why: &str| Err(Error::internal(format!("{} {why}", plan.name())));
    let is_join = matches!(plan, P::HashJoin(_) | P::NestedLoopJoin(_));
    if !is_join && children.contains(&Spread::Copied) {
        return wrong("over rows that every task has");
    }
    if !matches!(plan, P::Exchange(_)) && children.contains(&Spread::Partial) {
        return wrong("over a part of an answer");
    }
    let input = children.first().cloned().unwrap_or(Spread::Any);
    let all_one = children.iter().all(|c| *c == Spread::One);
    Ok(match plan {
        P::Values(n) if leaves.shape.divides(n) => Spread::Any,
        P::Values(_) => Spread::One,
        P::Range(_) => Spread::Any,
        P::Scan(n) => buckets::spread(n),
        P::CteScan(n) if leaves.pinned.contains(&n.id) => Spread::One,
        P::CteScan(_) => Spread::Any,
        P::StageInput(n) => (leaves.input)(n.stage),
        P::Projection(n) => input.through(&|e| {
            let same = n.exprs.iter().enumerate().filter(|(_, x)| *x == e);
            same.map(|(i, x)| slot(i, x)).collect()
        }),
        P::Filter(_) | P::WindowGroupLimit(_) => input,
        P::Generate(n) => input.through(&|e| match e {
            Expr::Slot(s) => {
                let kept = n.projection.iter().position(|p| *p == s.index);
                kept.map(|i| slot(i, e)).into_iter().collect()
            }
            _ => vec![],
        }),
        P::Expand(n) => input.through(&|e| {
            let everywhere = |i: &usize| n.projections.iter().all(|p| p.get(*i) == Some(e));
            (0..n.schema.len()).filter(everywhere).map(|i| slot(i, e)).collect()
        }),
        P::HashAggregate(n) => return aggregate(n, input),
        P::Window(n) => {
            let together = input.brings_together(&n.partition_by) && deterministic(&n.partition_by);
            if input != Spread::One && (n.partition_by.is_empty() || !together) {
                return wrong("over partitions that lie in several tasks");
            }
            input
        }
        P::Sort(n) if !n.global => input,
        P::Sort(n) if n.fetch.is_none() && input != Spread::One => match n.input.as_ref() {
            P::Exchange(e) if matches!(&e.partitioning, Partitioning::Range { keys, .. } if *keys == n.keys) => {
                Spread::Any
            }
            P::StageInput(_) if input == Spread::Any => Spread::Any,
            _ => return wrong("over rows in several tasks that are not spread by order"),
        },
        P::Sort(_) | P::Limit(_) if input != Spread::One => Spread::Partial,
        P::Sort(_) | P::Limit(_) => Spread::One,
        P::HashJoin(n) => {
            let pairs: Vec<(&Expr, &Expr)> = n.keys.iter().map(|(l, r, _)| (l, r)).collect();
            let spreads = [children[0].clone(), children[1].clone()];
            let same_types = n.keys.iter().all(|(l, r, _)| l.ty() == r.ty());
            let partitioned =
                || children[0].meets(&children[1], &pairs) && same_types && may_partition(n.kind, n.null_aware);
            match join(n.kind, n.null_aware, spreads, n.left.schema().len(), &partitioned) {
                Some(spread) => spread,
                None => return wrong("over sides that do not meet"),
            }
        }
        P::NestedLoopJoin(n) => {
            let spreads = [children[0].clone(), children[1].clone()];
            match join(n.kind, n.null_aware, spreads, n.left.schema().len(), &|| false) {
                Some(spread) => spread,
                None => return wrong("over sides that do not meet"),
            }
        }
        P::Union(n) => return union(n, children),
        P::With(n) => {
            let shared = n.defs.iter().all(|(_, d)| matches!(d, P::Exchange(_)));
            if !shared && !all_one {
                return wrong("reads a definition that lies in several tasks");
            }
            children.last().cloned().unwrap_or(Spread::Any)
        }
        P::RecursiveCte(_) | P::Sample(_) if !all_one => return wrong("over rows in several tasks"),
        P::RecursiveCte(_) | P::Sample(_) => Spread::One,
        P::Exchange(n) => {
            let moves_parts = |p: &Partitioning| matches!(p, Partitioning::Single | Partitioning::Hash { .. });
            if input == Spread::Partial && !moves_parts(&n.partitioning) {
                return wrong("leaves parts of an answer apart");
            }
            Spread::behind(&n.partitioning)
        }
    })
}

pub(super) fn deterministic<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
    exprs.into_iter().all(Expr::is_deterministic)
}

fn aggregate(n: &HashAggregate, input: Spread) -> Result<Spread> {
    if n.mode == AggregateMode::Partial {
        return Ok(Spread::Partial);
    }
    let together = !n.groups.is_empty() && deterministic(&n.groups) && input.brings_together(&n.groups);
    if input != Spread::One && !together {
        return Err(Error::internal("HashAggregate over groups that lie in several tasks"));
    }
    Ok(input.through(&|e| {
        let same = n.groups.iter().enumerate().filter(|(_, g)| *g == e);
        same.map(|(i, g)| slot(i, g)).collect()
    }))
}

/// Where a join's rows lie; none if pairs could be missed or rows come more than once.
fn join(
    kind: JoinKind,
    null_aware: bool,
    [left, right]: [Spread; 2],
    left_columns: usize,
    partitioned: &dyn Fn() -> bool,
) -> Option<Spread> {
    use JoinKind as K;
    let right_shifted = |spread: Spread| spread.through(&|e| shifted(e, left_columns));
    match (&left, &right) {
        (Spread::One, Spread::One) => Some(Spread::One),
        (Spread::Copied, Spread::Copied) => None,
        (_, Spread::Copied) => may_copy(kind, null_aware, Side::Right).then_some(left),
        (Spread::Copied, _) => may_copy(kind, null_aware, Side::Left).then(|| right_shifted(right)),
        _ if partitioned() => Some(match kind {
            K::Inner => {
                let aligned = aligned(left, right_shifted(right));
                aligned.0.and(aligned.1)
            }
            K::Right => right_shifted(right),
            K::Full => Spread::Any,
            K::Left | K::LeftSemi | K::LeftAnti | K::LeftMark | K::LeftSingle => left,
        }),
        _ => None,
    }
}

/// A side whose key cannot be named in the output leaves the other one's.
fn aligned(left: Spread, right: Spread) -> (Spread, Spread) {
    match (&left, &right) {
        (Spread::Any, Spread::Hash(_)) => (right.clone(), right),
        _ => (left, right),
    }
}

fn union(n: &Union, children: &[Spread]) -> Result<Spread> {
    if children.iter().all(|c| *c == Spread::One) {
        return Ok(Spread::One);
    }
    if children.contains(&Spread::One) {
        return Err(Error::internal("Union of rows in one task and rows in several"));
    }
    let first = children.first().cloned().unwrap_or(Spread::Any);
    let same = n.inputs.iter().all(|p| p.schema().len() == n.schema.len()) && children.iter().all(|c| *c == first);
    Ok(if same { first } else { Spread::Any })
}

/// The spread of a whole plan's rows; fails if some node would give wrong rows.
pub(super) fn spread_of(plan: &PhysicalPlan, leaves: &mut Leaves<'_>) -> Result<Spread> {
    let pins: Vec<CteId> = match plan {
        PhysicalPlan::RecursiveCte(n) => vec![n.id],
        PhysicalPlan::With(n) => {
            let local = n.defs.iter().filter(|(_, d)| !matches!(d, PhysicalPlan::Exchange(_)));
            local.map(|(id, _)| *id).collect()
        }
        _ => vec![],
    };
    leaves.pinned.extend(pins);
    let children = plan
        .children()
        .into_iter()
        .map(|c| spread_of(c, leaves))
        .collect::<Result<Vec<_>>>()?;
    promise(plan, &children, leaves)
}
