//! Moves each conjunct of a filter as far down as its columns and its effects allow, and into join conditions.
//!
//! ```text
//! Filter (a.x = b.x AND a.y > 1)        Join Inner filter (a.x = b.x)
//!   Join Inner                    →       Filter (a.y > 1)
//!     a                                     a
//!     b                                   b
//! ```
//! Sound: a conjunct that reads one input of an operator which neither adds rows nor computes those columns keeps the
//! same rows below it. Not applied to conjuncts that may raise an error or are not deterministic where they would see
//! more rows than before: below joins, aggregates, generators. Such conjuncts also do not pass computed columns. An equality
//! of both inputs of a join is one of its keys though it may raise an error, as in Spark: without it the join gives too much.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Aggregate, DependentJoin, Filter, Join, JoinKind, Projection, Union, Window};

use crate::OptimizerContext;
use crate::predicate::{equality_across, is_movable, reads_only};
use crate::rule::PlanPass;
use crate::walk::{map_children, owned, with_stack};

/// See the module.
pub struct PushDownPredicates;

impl PlanPass for PushDownPredicates {
    fn name(&self) -> &'static str {
        "PushDownPredicates"
    }

    fn run(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<LogicalPlan> {
        push(plan, vec![])
    }
}

/// `plan` with only the rows for which all of `predicates` are TRUE.
fn push(plan: LogicalPlan, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    with_stack(|| match plan {
        LogicalPlan::Filter(n) => filter(n, predicates),
        LogicalPlan::Projection(n) => projection(n, predicates),
        LogicalPlan::Aggregate(n) => aggregate(n, predicates),
        LogicalPlan::Window(n) => window(n, predicates),
        LogicalPlan::Join(n) => join(n, predicates),
        LogicalPlan::DependentJoin(n) => dependent_join(n, predicates),
        LogicalPlan::Union(n) => union(n, predicates),
        LogicalPlan::With(mut n) => {
            for (_, def) in &mut n.defs {
                *def = Arc::new(push(owned(std::mem::take(def)), vec![])?);
            }
            n.body = Arc::new(push(owned(n.body), predicates)?);
            Ok(LogicalPlan::With(n))
        }
        LogicalPlan::Sort(mut n) if n.fetch.is_none() => {
            let (down, stay) = split(predicates, |p| p.is_deterministic());
            n.input = Arc::new(push(owned(n.input), down)?);
            Ok(above(LogicalPlan::Sort(n), stay))
        }
        LogicalPlan::Repartition(mut n) => {
            n.input = Arc::new(push(owned(n.input), predicates)?);
            Ok(LogicalPlan::Repartition(n))
        }
        LogicalPlan::Generate(mut n) => {
            let (down, stay) = split(predicates, |p| is_movable(p) && reads_only(p, n.input.schema()));
            n.input = Arc::new(push(owned(n.input), down)?);
            let mut plan = LogicalPlan::Generate(n);
            plan.refresh_schema();
            Ok(above(plan, stay))
        }
        LogicalPlan::Expand(mut n) => {
            let passes = |id: &ColumnId| {
                n.schema.index_of(*id).is_some_and(|i| {
                    n.projections
                        .iter()
                        .all(|p| matches!(p.get(i), Some(Expr::Column(c)) if c.id == *id))
                })
            };
            let (down, stay) = split(predicates, |p| is_movable(p) && p.columns().iter().all(passes));
            n.input = Arc::new(push(owned(n.input), down)?);
            Ok(above(LogicalPlan::Expand(n), stay))
        }
        other => {
            let plan = map_children(other, &mut |c| push(c, vec![]))?;
            Ok(above(plan, predicates))
        }
    })
}

fn above(plan: LogicalPlan, predicates: Vec<Expr>) -> LogicalPlan {
    plan.filter(Expr::conjunction(predicates))
}

fn split(predicates: Vec<Expr>, down: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    predicates.into_iter().partition(|p| down(p))
}

fn add(to: &mut Vec<Expr>, predicate: Expr) {
    if !to.contains(&predicate) {
        to.push(predicate);
    }
}

fn filter(n: Filter, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let mut own = n.predicate.split_conjuncts();
    // From the first volatile conjunct on, rows are counted: nothing may pass it in either direction.
    if let Some(at) = own.iter().position(|p| !p.is_deterministic()) {
        let stay = own.split_off(at);
        let plan = push(owned(n.input), own)?;
        return Ok(above(above(plan, stay), predicates));
    }
    let mut all = Vec::with_capacity(own.len() + predicates.len());
    own.into_iter().chain(predicates).for_each(|p| add(&mut all, p));
    push(owned(n.input), all)
}

fn projection(mut n: Projection, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let computed: HashMap<ColumnId, &Expr> = n.schema.iter().map(|f| f.id).zip(&n.exprs).collect();
    let (mut down, mut stay) = (Vec::new(), Vec::new());
    for p in predicates {
        let columns = p.columns();
        let sources = || columns.iter().filter_map(|c| computed.get(c));
        let bare = sources().all(|e| matches!(e, Expr::Column(_)));
        let volatile = !p.is_deterministic() || sources().any(|e| !e.is_deterministic());
        let fallible = sources().any(|e| e.is_fallible());
        if !volatile && (bare || !fallible && !p.is_fallible()) {
            down.push(p.replace_columns(&|c| computed.get(&c.id).map(|e| (*e).clone())));
        } else {
            stay.push(p);
        }
    }
    drop(computed);
    n.input = Arc::new(push(owned(n.input), down)?);
    let mut plan = LogicalPlan::Projection(n);
    plan.refresh_schema();
    Ok(above(plan, stay))
}

fn aggregate(mut n: Aggregate, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let groups: HashMap<ColumnId, &Expr> = n.schema.iter().map(|f| f.id).zip(&n.groups).collect();
    let (mut down, mut stay) = (Vec::new(), Vec::new());
    for p in predicates {
        let over_groups = !groups.is_empty() && p.columns().iter().all(|c| groups.contains_key(c));
        let moved = p.clone().replace_columns(&|c| groups.get(&c.id).map(|e| (*e).clone()));
        if over_groups && is_movable(&p) && is_movable(&moved) {
            down.push(moved);
        } else {
            let weaker = implied(&p, &|e| e.columns().iter().all(|c| groups.contains_key(c)));
            let weaker = weaker.map(|e| e.replace_columns(&|c| groups.get(&c.id).map(|e| (*e).clone())));
            down.extend(weaker.filter(is_movable));
            stay.push(p);
        }
    }
    drop(groups);
    n.input = Arc::new(push(owned(n.input), down)?);
    let mut plan = LogicalPlan::Aggregate(n);
    plan.refresh_schema();
    Ok(above(plan, stay))
}

fn window(mut n: Window, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let is_key = |id: &ColumnId| {
        n.partition_by
            .iter()
            .any(|e| matches!(e, Expr::Column(c) if c.id == *id))
    };
    let (down, stay) = split(predicates, |p| {
        is_movable(p) && !p.columns().is_empty() && p.columns().iter().all(is_key)
    });
    n.input = Arc::new(push(owned(n.input), down)?);
    let mut plan = LogicalPlan::Window(n);
    plan.refresh_schema();
    Ok(above(plan, stay))
}

fn union(mut n: Union, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let (down, stay) = split(predicates, Expr::is_deterministic);
    for input in &mut n.inputs {
        let map: HashMap<ColumnId, Expr> = n.schema.iter().map(|f| f.id).zip(input.columns()).collect();
        let mine = down
            .iter()
            .map(|p| p.clone().replace_columns(&|c| map.get(&c.id).cloned()))
            .collect();
        *input = Arc::new(push(owned(std::mem::take(input)), mine)?);
    }
    Ok(above(LogicalPlan::Union(n), stay))
}

fn dependent_join(mut n: DependentJoin, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let (left, stay) = split(predicates, |p| is_movable(p) && reads_only(p, n.left.schema()));
    n.left = Arc::new(push(owned(n.left), left)?);
    n.right = Arc::new(push(owned(n.right), vec![])?);
    let mut plan = LogicalPlan::DependentJoin(n);
    plan.refresh_schema();
    Ok(above(plan, stay))
}

/// Where a join's conjuncts go.
#[derive(Default)]
struct Placement {
    left: Vec<Expr>,
    right: Vec<Expr>,
    condition: Vec<Expr>,
    above: Vec<Expr>,
}

fn join(mut n: Join, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    use JoinKind as K;
    let (left, right) = (n.left.schema().clone(), n.right.schema().clone());
    let mut to = Placement::default();
    // Conjuncts of the condition: a side that does not keep its unmatched rows may be filtered before.
    let filters_left = matches!(n.kind, K::Inner | K::Right | K::LeftSemi);
    let filters_right = !(matches!(n.kind, K::Right | K::Full) || n.null_aware && n.kind == K::LeftMark);
    for p in n.filter.take().map(Expr::split_conjuncts).unwrap_or_default() {
        let movable = is_movable(&p);
        if movable && filters_left && reads_only(&p, &left) {
            add(&mut to.left, p);
        } else if movable && filters_right && reads_only(&p, &right) {
            add(&mut to.right, p);
        } else {
            if movable && filters_left {
                implied(&p, &|e| reads_only(e, &left))
                    .into_iter()
                    .for_each(|e| add(&mut to.left, e));
            }
            if movable && filters_right {
                implied(&p, &|e| reads_only(e, &right))
                    .into_iter()
                    .for_each(|e| add(&mut to.right, e));
            }
            add(&mut to.condition, p);
        }
    }
    // Conjuncts from above: a side whose rows are not made up of NULLs may be filtered before.
    let keeps_left = !matches!(n.kind, K::Right | K::Full);
    let keeps_right = matches!(n.kind, K::Inner | K::Right);
    for p in predicates {
        let movable = is_movable(&p);
        if movable && keeps_left && reads_only(&p, &left) {
            add(&mut to.left, p);
        } else if movable && keeps_right && reads_only(&p, &right) {
            add(&mut to.right, p);
        } else if n.kind == K::Inner
            && (movable || p.is_deterministic() && equality_across(&p, &left, &right).is_some())
        {
            implied(&p, &|e| reads_only(e, &left))
                .into_iter()
                .for_each(|e| add(&mut to.left, e));
            implied(&p, &|e| reads_only(e, &right))
                .into_iter()
                .for_each(|e| add(&mut to.right, e));
            add(&mut to.condition, p);
        } else {
            if movable && keeps_left {
                implied(&p, &|e| reads_only(e, &left))
                    .into_iter()
                    .for_each(|e| add(&mut to.left, e));
            }
            to.above.push(p);
        }
    }
    n.left = Arc::new(push(owned(n.left), to.left)?);
    n.right = Arc::new(push(owned(n.right), to.right)?);
    n.filter = (!to.condition.is_empty()).then(|| Expr::conjunction(to.condition));
    let mut plan = LogicalPlan::Join(n);
    plan.refresh_schema();
    Ok(above(plan, to.above))
}

/// What a disjunction over more says of some columns alone: `(a1 AND b1) OR (a2 AND b2)` implies `a1 OR a2`.
fn implied(p: &Expr, over: &dyn Fn(&Expr) -> bool) -> Option<Expr> {
    let Expr::Or(branches) = p else { return None };
    if !is_movable(p) {
        return None;
    }
    let mut out = Vec::with_capacity(branches.len());
    for branch in branches {
        let parts: Vec<Expr> = branch
            .clone()
            .split_conjuncts()
            .into_iter()
            .filter(|c| over(c) && !c.columns().is_empty())
            .collect();
        if parts.is_empty() {
            return None;
        }
        let part = Expr::conjunction(parts);
        if !out.contains(&part) {
            out.push(part);
        }
    }
    Some(if out.len() == 1 { out.remove(0) } else { Expr::Or(out) })
}
