//! Neighbouring joins of a physical plan as a logical one, and back.
//!
//! Physical outputs keep their columns' ids, so a slot is a column again. What a join reads that is no join itself stays
//! physical: the logical plan names it ([`Leaf`]), and the lowered one gets it back in that place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rsql_common::{ColumnId, CteId, Error, Result, StageId};
use rsql_expr::{CompareOp, Expr, Field};

use super::{JoinPlanner, Leaf};
use crate::LogicalPlan;
use crate::distribute::rows;
use crate::logical::build::column;
use crate::logical::{CteRef, Join, JoinKind, Projection};
use crate::lower::lower;
use crate::physical::{HashJoin, PhysicalPlan};

/// Two relations have one order.
const FEWEST: usize = 3;

/// Orders the joins of a plan; false if there is nothing to choose for any of them.
pub(super) fn order(
    plan: &mut PhysicalPlan,
    planner: &dyn JoinPlanner,
    measured: &dyn Fn(StageId) -> bool,
    anew: bool,
) -> Result<bool> {
    let mut any = false;
    if is_joined(plan) {
        let mut cluster = Cluster {
            planner,
            leaves: Vec::new(),
            physical: BTreeMap::new(),
        };
        let whole = std::mem::replace(plan, PhysicalPlan::nothing());
        let joins = cluster.logical(whole)?;
        for leaf in cluster.physical.values_mut() {
            any |= order(leaf, planner, measured, anew)?;
        }
        let known = |p: &PhysicalPlan| p.stages_read().into_iter().any(measured);
        any |= cluster.leaves.len() >= FEWEST && cluster.physical.values().any(known);
        *plan = cluster.lowered(joins, anew)?;
        return Ok(any);
    }
    for child in plan.children_mut() {
        any |= order(child, planner, measured, anew)?;
    }
    Ok(any)
}

/// Whether a plan is a join, perhaps with fewer columns.
fn is_joined(plan: &PhysicalPlan) -> bool {
    match plan {
        PhysicalPlan::HashJoin(n) => !waits_for_keys(n) && !has_lambda(plan),
        PhysicalPlan::NestedLoopJoin(_) => !has_lambda(plan),
        PhysicalPlan::Projection(n) => {
            let fields = &n.input.schema().fields;
            let kept = |(e, f): (&Expr, &Field)| matches!(e, Expr::Slot(s) if fields.get(s.index).is_some_and(|i| i.id == f.id));
            n.exprs.iter().zip(n.schema.iter()).all(kept) && is_joined(&n.input)
        }
        _ => false,
    }
}

/// A scan that an earlier stage tells its keys: a part of the scan rather than a join.
fn waits_for_keys(n: &HashJoin) -> bool {
    n.kind == JoinKind::LeftSemi
        && matches!(*n.left, PhysicalPlan::Scan(_))
        && matches!(*n.right, PhysicalPlan::StageInput(_))
}

struct Cluster<'a> {
    planner: &'a dyn JoinPlanner,
    leaves: Vec<Leaf>,
    physical: BTreeMap<CteId, PhysicalPlan>,
}

impl Cluster<'_> {
    fn logical(&mut self, plan: PhysicalPlan) -> Result<LogicalPlan> {
        if !is_joined(&plan) {
            return Ok(self.leaf(plan));
        }
        Ok(match plan {
            PhysicalPlan::Projection(n) => {
                let exprs = n.schema.iter().map(column).collect();
                LogicalPlan::Projection(Projection {
                    input: Arc::new(self.logical(*n.input)?),
                    exprs,
                    schema: n.schema,
                })
            }
            PhysicalPlan::HashJoin(n) => {
                let (left, right) = (&n.left.schema().fields, &n.right.schema().fields);
                let both: Vec<Field> = left.iter().chain(right.iter()).cloned().collect();
                let (mut on, mut rest) = (Vec::new(), Vec::new());
                for (l, r, null_safe) in n.keys {
                    let (l, r) = (over(l, left)?, over(r, right)?);
                    match null_safe {
                        true => rest.push(Expr::compare(CompareOp::NullSafeEq, l, r)),
                        false => on.push((l, r)),
                    }
                }
                rest.extend(n.filter.map(|f| over(f, &both)).transpose()?);
                LogicalPlan::Join(Join {
                    left: Arc::new(self.logical(*n.left)?),
                    right: Arc::new(self.logical(*n.right)?),
                    kind: n.kind,
                    on,
                    filter: (!rest.is_empty()).then(|| Expr::conjunction(rest)),
                    null_aware: n.null_aware,
                    schema: n.schema,
                    hint: n.hint,
                })
            }
            PhysicalPlan::NestedLoopJoin(n) => {
                let (left, right) = (&n.left.schema().fields, &n.right.schema().fields);
                let both: Vec<Field> = left.iter().chain(right.iter()).cloned().collect();
                LogicalPlan::Join(Join {
                    filter: n.filter.map(|f| over(f, &both)).transpose()?,
                    left: Arc::new(self.logical(*n.left)?),
                    right: Arc::new(self.logical(*n.right)?),
                    kind: n.kind,
                    on: Vec::new(),
                    null_aware: n.null_aware,
                    schema: n.schema,
                    hint: n.hint,
                })
            }
            other => self.leaf(other),
        })
    }

    fn leaf(&mut self, plan: PhysicalPlan) -> LogicalPlan {
        let id = self.planner.ids().cte();
        let schema = plan.schema().clone();
        self.leaves.push(Leaf {
            id,
            rows: rows(&plan),
            schema: schema.clone(),
        });
        self.physical.insert(id, plan);
        LogicalPlan::CteRef(CteRef { id, schema })
    }

    /// The joins in the order that the planner gives them, over the leaves as they were.
    fn lowered(mut self, joins: LogicalPlan, anew: bool) -> Result<PhysicalPlan> {
        let mut ids: BTreeSet<ColumnId> = BTreeSet::new();
        if !self
            .leaves
            .iter()
            .flat_map(|l| l.schema.iter())
            .all(|f| ids.insert(f.id))
        {
            return Err(Error::internal("two inputs of joins have a column of one id"));
        }
        let schema = joins.schema().clone();
        let anew = anew && self.leaves.len() >= FEWEST;
        let (joins, estimates) = self.planner.plan(joins, &self.leaves, anew)?;
        if !joins.schema().iter().map(|f| f.id).eq(schema.iter().map(|f| f.id)) {
            return Err(Error::internal("joins in another order give other columns"));
        }
        let mut plan = lower(&joins, &estimates, self.planner.ids())?;
        self.put_back(&mut plan)?;
        match self.physical.is_empty() {
            true => Ok(plan),
            false => Err(Error::internal("joins in another order leave out an input")),
        }
    }

    fn put_back(&mut self, plan: &mut PhysicalPlan) -> Result<()> {
        if let PhysicalPlan::CteScan(n) = plan {
            let leaf = self.physical.remove(&n.id);
            *plan = leaf.ok_or_else(|| Error::internal(format!("{} is read twice", n.id)))?;
            return Ok(());
        }
        plan.children_mut().into_iter().try_for_each(|c| self.put_back(c))
    }
}

/// Whether a join's condition holds a lambda, whose parameters are slots too.
fn has_lambda(plan: &PhysicalPlan) -> bool {
    let holds = |e: &Expr| e.any(&|e| matches!(e, Expr::Lambda(_)));
    match plan {
        PhysicalPlan::HashJoin(n) => n.keys.iter().flat_map(|(l, r, _)| [l, r]).chain(&n.filter).any(holds),
        PhysicalPlan::NestedLoopJoin(n) => n.filter.iter().any(holds),
        _ => false,
    }
}

/// An expression over slots as one over these columns.
fn over(e: Expr, fields: &[Field]) -> Result<Expr> {
    match e {
        Expr::Slot(s) => fields
            .get(s.index)
            .map(column)
            .ok_or_else(|| Error::internal(format!("slot {} is not in a join's input", s.index))),
        other => other.try_map_children(&mut |c| over(c, fields)),
    }
}
