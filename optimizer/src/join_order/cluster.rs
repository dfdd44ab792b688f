//! Neighbouring joins taken apart: relations, predicates between them, classes of equal columns.

use std::collections::HashMap;

use rsql_common::ColumnId;
use rsql_expr::{Column, CompareOp, Expr};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Join, JoinKind, JoinStrategy, Projection};

use super::Set;
use crate::predicate::{gives_one_row, is_movable};
use crate::statistics::Statistics;

/// How a relation is joined.
pub(super) enum Role {
    /// By inner joins, in any order.
    Inner,
    /// As the right side of one join, to a set that holds `needs`.
    Dependent {
        kind: JoinKind,
        on: Vec<(Expr, Expr)>,
        filter: Vec<Expr>,
        needs: Set,
    },
}

pub(super) struct Relation {
    pub(super) plan: LogicalPlan,
    pub(super) role: Role,
    pub(super) statistics: Statistics,
    /// Has exactly one row, whatever the data.
    pub(super) one_row: bool,
    /// What the user asks of the join that it is a side of.
    pub(super) hint: Option<JoinStrategy>,
}

/// A predicate and the relations it reads.
pub(super) struct Predicate {
    pub(super) expr: Expr,
    pub(super) relations: Set,
}

/// A column of a class of columns that are equal in the result.
pub(super) struct Equal {
    pub(super) class: usize,
    pub(super) relation: Set,
    pub(super) column: Column,
}

#[derive(Default)]
pub(super) struct Cluster {
    pub(super) relations: Vec<Relation>,
    pub(super) predicates: Vec<Predicate>,
    pub(super) equal: Vec<Equal>,
    /// Predicates that are evaluated on the result.
    pub(super) above: Vec<Expr>,
}

/// Whether a join is a root of, or a part of, a cluster.
pub(super) fn takes_part(n: &Join) -> bool {
    match n.kind {
        JoinKind::Inner => true,
        JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::Left => {
            !n.null_aware
                && (!n.on.is_empty() || n.filter.is_some())
                && n.filter.as_ref().is_none_or(is_movable)
                && is_inner(&n.left)
        }
        _ => false,
    }
}

/// Whether there is an inner join to change places with.
fn is_inner(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Join(n) => n.kind == JoinKind::Inner || takes_part(n),
        LogicalPlan::Projection(n) => is_selection(n) && is_inner(&n.input),
        _ => false,
    }
}

/// A projection that only leaves out or reorders columns.
fn is_selection(n: &Projection) -> bool {
    n.exprs
        .iter()
        .zip(n.schema.iter())
        .all(|(e, f)| matches!(e, Expr::Column(c) if c.id == f.id))
}

impl Cluster {
    pub(super) fn of(plan: &LogicalPlan) -> Option<Cluster> {
        let mut c = Cluster::default();
        let mut conjuncts = Vec::new();
        c.flatten(plan, &mut conjuncts);
        if c.relations.len() < 2 {
            return None;
        }
        c.place(conjuncts).then_some(c)
    }

    fn flatten(&mut self, plan: &LogicalPlan, conjuncts: &mut Vec<Expr>) {
        match plan {
            LogicalPlan::Projection(n) if is_selection(n) && is_inner(&n.input) => self.flatten(&n.input, conjuncts),
            LogicalPlan::Join(n) if takes_part(n) => {
                self.side(&n.left, n.hint.left, conjuncts);
                if n.kind == JoinKind::Inner {
                    self.side(&n.right, n.hint.right, conjuncts);
                    conjuncts.extend(
                        n.on.iter()
                            .map(|(l, r)| Expr::compare(CompareOp::Eq, l.clone(), r.clone())),
                    );
                    conjuncts.extend(n.filter.clone().map(Expr::split_conjuncts).unwrap_or_default());
                } else {
                    self.relations.push(Relation {
                        plan: n.right.as_ref().clone(),
                        role: Role::Dependent {
                            kind: n.kind,
                            on: n.on.clone(),
                            filter: n.filter.clone().map(Expr::split_conjuncts).unwrap_or_default(),
                            needs: 0,
                        },
                        statistics: Statistics::default(),
                        one_row: false,
                        hint: n.hint.right,
                    });
                }
            }
            other => self.leaf(other, None),
        }
    }

    /// A side with a hint stays in one piece: the hint is on all of it.
    fn side(&mut self, plan: &LogicalPlan, hint: Option<JoinStrategy>, conjuncts: &mut Vec<Expr>) {
        match hint {
            None => self.flatten(plan, conjuncts),
            hint => self.leaf(plan, hint),
        }
    }

    fn leaf(&mut self, plan: &LogicalPlan, hint: Option<JoinStrategy>) {
        self.relations.push(Relation {
            plan: plan.clone(),
            role: Role::Inner,
            statistics: Statistics::default(),
            one_row: gives_one_row(plan),
            hint,
        });
    }

    /// Finds which relations each predicate reads; false if the cluster cannot be reordered.
    fn place(&mut self, conjuncts: Vec<Expr>) -> bool {
        let mut owner: HashMap<ColumnId, usize> = HashMap::new();
        let mut made_up: Set = 0;
        for (i, r) in self.relations.iter().enumerate() {
            if let Role::Dependent { kind, .. } = &r.role {
                if *kind != JoinKind::Left {
                    continue;
                }
                made_up |= 1 << (i % 64);
            }
            owner.extend(r.plan.schema().iter().map(|f| (f.id, i)));
        }
        let relations = |e: &Expr| {
            e.columns()
                .iter()
                .filter_map(|c| owner.get(c))
                .fold(0, |s: Set, i| s | 1 << (i % 64))
        };
        for i in 0..self.relations.len() {
            let (own, schema) = (1 << (i % 64), self.relations[i].plan.schema().clone());
            if let Role::Dependent { on, filter, needs, .. } = &mut self.relations[i].role {
                let read = on.iter().map(|(l, _)| l).chain(filter.iter());
                // A semi join's own columns have no owner; a left join's are its own.
                *needs = read.fold(0, |s, e| s | relations(e)) & !own;
                let mine = |e: &Expr| e.columns().iter().all(|c| schema.index_of(*c).is_some());
                if *needs == 0 || filter.iter().any(mine) {
                    return false;
                }
            }
        }
        let mut classes = Classes::default();
        for e in conjuncts {
            let read = relations(&e);
            if read & made_up != 0 {
                return false;
            }
            let equality = matches!(&e, Expr::Compare { op: CompareOp::Eq, .. });
            if read.count_ones() < 2 || !(is_movable(&e) || equality && e.is_deterministic()) {
                self.above.push(e);
                continue;
            }
            if let Expr::Compare {
                op: CompareOp::Eq,
                left,
                right,
            } = &e
                && let (Expr::Column(l), Expr::Column(r)) = (left.as_ref(), right.as_ref())
            {
                classes.join(l, r);
                continue;
            }
            self.predicates.push(Predicate {
                expr: e,
                relations: read,
            });
        }
        for (class, members) in classes.0.into_iter().enumerate() {
            for column in members {
                let Some(i) = owner.get(&column.id) else { return false };
                self.equal.push(Equal {
                    class,
                    relation: 1 << (i % 64),
                    column,
                });
            }
        }
        true
    }
}

/// Columns by equality.
#[derive(Default)]
struct Classes(Vec<Vec<Column>>);

impl Classes {
    fn join(&mut self, l: &Column, r: &Column) {
        let find = |v: &Vec<Vec<Column>>, c: &Column| v.iter().position(|class| class.contains(c));
        match (find(&self.0, l), find(&self.0, r)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let moved = self.0.remove(a.max(b));
                self.0[a.min(b)].extend(moved);
            }
            (Some(a), None) => self.0[a].push(r.clone()),
            (None, Some(b)) => self.0[b].push(l.clone()),
            (None, None) => self.0.push(vec![l.clone(), r.clone()]),
        }
    }
}
