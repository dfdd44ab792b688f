//! Cost-based join order.
//!
//! ```text
//! Join Inner on (l.k = o.k)             Join Inner on (l.k = o.k)
//!   Join Inner            (cross)   →     Scan l
//!     Scan l                              Join Inner on (o.c = c.k)
//!     Scan c                                Scan o
//!   Scan o                                  Filter … Scan c
//! ```
//! Neighbouring inner joins are taken apart into relations and predicates (`cluster`) and put together in the cheapest
//! order (`search`): by dynamic programming over sets up to [`MOST_EXACT`] relations, greedily above. Semi, anti and left
//! joins take part: their right side may be joined to any set that has the columns of their condition. Sound: inner joins
//! commute and associate, and these joins commute with inner joins whose predicates do not read their right side. Predicates
//! that may raise an error stay above all joins of the cluster.

mod cluster;
mod search;

use std::collections::BTreeMap;
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::{Column, CompareOp, Expr};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Join, JoinHint, JoinKind, JoinStrategy};

use crate::OptimizerContext;
use crate::predicate::equality_across;
use crate::rule::PlanPass;
use crate::statistics::{Definitions, derive};
use crate::walk::{map_children, with_stack};
use cluster::{Cluster, Role};
use search::Tree;

/// Relations up to which every order is looked at.
const MOST_EXACT: usize = 10;
/// Relations of one cluster; more stay in the order they were written.
const MOST: usize = 64;

/// See the module.
pub struct ReorderJoin;

impl PlanPass for ReorderJoin {
    fn name(&self) -> &'static str {
        "ReorderJoin"
    }

    fn run(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<LogicalPlan> {
        let mut definitions = Definitions::new();
        reorder(plan, &mut definitions)
    }
}

/// A set of relations.
type Set = u64;

/// The plan with its joins in the cheapest order; `definitions` are those that it refers to.
pub(crate) fn reorder(plan: LogicalPlan, definitions: &mut Definitions) -> Result<LogicalPlan> {
    with_stack(|| match plan {
        LogicalPlan::With(mut n) => {
            for (id, def) in &mut n.defs {
                let plan = reorder(crate::walk::owned(std::mem::take(def)), definitions)?;
                let s = derive(&plan, definitions, None);
                let columns = plan
                    .schema()
                    .iter()
                    .map(|f| s.columns.get(&f.id).cloned().unwrap_or_default());
                let known = (s.rows, columns.collect());
                definitions.insert(*id, known);
                *def = Arc::new(plan);
            }
            n.body = Arc::new(reorder(crate::walk::owned(n.body), definitions)?);
            Ok(LogicalPlan::With(n))
        }
        LogicalPlan::Join(n) if cluster::takes_part(&n) => reorder_cluster(n, definitions),
        other => map_children(other, &mut |c| reorder(c, definitions)),
    })
}

fn reorder_cluster(n: Join, definitions: &mut Definitions) -> Result<LogicalPlan> {
    let ids: Vec<ColumnId> = n.schema.iter().map(|f| f.id).collect();
    let original = LogicalPlan::Join(n);
    let Some(mut cluster) = Cluster::of(&original) else {
        return map_children(original, &mut |c| reorder(c, definitions));
    };
    if cluster.relations.len() > MOST {
        return map_children(original, &mut |c| reorder(c, definitions));
    }
    for r in &mut cluster.relations {
        r.plan = reorder(std::mem::take(&mut r.plan), definitions)?;
        r.statistics = derive(&r.plan, definitions, None);
    }
    let Some(tree) = search::best(&cluster) else {
        return map_children(original, &mut |c| reorder(c, definitions));
    };
    let (plan, _) = build(&cluster, &tree);
    let plan = plan.filter(Expr::conjunction(cluster.above.iter().cloned()));
    Ok(if plan.schema().iter().map(|f| f.id).eq(ids.iter().copied()) {
        plan
    } else {
        plan.project_columns(&ids)
    })
}

/// The plan of a tree, and its relations.
fn build(cluster: &Cluster, tree: &Tree) -> (LogicalPlan, Set) {
    match tree {
        Tree::Leaf(i) => (cluster.relations[*i].plan.clone(), 1 << i),
        Tree::Join(left, right) => {
            let (l, ls) = build(cluster, left);
            let (r, rs) = build(cluster, right);
            let hint = JoinHint {
                left: hint(cluster, left),
                right: hint(cluster, right),
            };
            if rs.count_ones() == 1
                && let Role::Dependent { kind, on, filter, .. } = &cluster.relations[rs.trailing_zeros() as usize].role
            {
                let filter = (!filter.is_empty()).then(|| Expr::conjunction(filter.iter().cloned()));
                let joined = LogicalPlan::join(l, r, *kind, on.clone(), filter);
                return (joined.with_join_hint(hint), ls | rs);
            }
            let (mut on, mut filter) = (Vec::new(), Vec::new());
            for e in conditions(cluster, ls, rs) {
                match equality_across(&e, l.schema(), r.schema()) {
                    Some((a, b)) => on.push((a.clone(), b.clone())),
                    None => filter.push(e),
                }
            }
            let filter = (!filter.is_empty()).then(|| Expr::conjunction(filter));
            let joined = LogicalPlan::join(l, r, JoinKind::Inner, on, filter);
            (joined.with_join_hint(hint), ls | rs)
        }
    }
}

fn hint(cluster: &Cluster, tree: &Tree) -> Option<JoinStrategy> {
    match tree {
        Tree::Leaf(i) => cluster.relations[*i].hint,
        Tree::Join(..) => None,
    }
}

/// What joins two sets: predicates that read both, and one equality for each class of equal columns in both.
fn conditions(cluster: &Cluster, left: Set, right: Set) -> Vec<Expr> {
    let both = left | right;
    let mut out: Vec<Expr> = Vec::new();
    let mut sides: BTreeMap<usize, (Option<&Column>, Option<&Column>)> = BTreeMap::new();
    for member in &cluster.equal {
        let entry = sides.entry(member.class).or_default();
        if member.relation & left != 0 && entry.0.is_none() {
            entry.0 = Some(&member.column);
        } else if member.relation & right != 0 && entry.1.is_none() {
            entry.1 = Some(&member.column);
        }
    }
    for (l, r) in sides.into_values() {
        if let (Some(l), Some(r)) = (l, r) {
            out.push(Expr::compare(
                CompareOp::Eq,
                Expr::Column(l.clone()),
                Expr::Column(r.clone()),
            ));
        }
    }
    for p in &cluster.predicates {
        if p.relations & !both == 0 && p.relations & left != 0 && p.relations & right != 0 {
            out.push(p.expr.clone());
        }
    }
    out
}
