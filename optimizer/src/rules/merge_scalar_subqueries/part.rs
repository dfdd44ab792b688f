//! Inputs of a product that may be computed in one pass: aggregates without groups over scans, or over inner joins of some.

use std::collections::HashMap;

use rsql_common::ColumnId;
use rsql_expr::{AggregateCall, CompareOp, Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;
use rsql_planner::logical::{Aggregate, JoinKind, Projection, Scan};

use crate::predicate::is_movable;
use crate::statistics::{Definitions, derive};

/// An input that is an aggregate without groups over a filtered scan, or over inner joins of some, over the columns of `scans`.
pub(super) struct Part {
    pub(super) scans: Vec<Scan>,
    /// Conjuncts on the scans' product.
    pub(super) predicates: Vec<Expr>,
    pub(super) calls: Vec<(AggregateCall, Field)>,
    /// What stands above the aggregate, outermost first.
    pub(super) above: Vec<Projection>,
    pub(super) whole: LogicalPlan,
    /// Rows that reach the aggregate.
    pub(super) rows: f64,
}

impl Part {
    pub(super) fn of(plan: &LogicalPlan) -> Option<Self> {
        let mut above = Vec::new();
        let mut at = plan;
        while let LogicalPlan::Projection(p) = at {
            above.push(p.clone());
            at = &p.input;
        }
        let LogicalPlan::Aggregate(Aggregate {
            input,
            groups,
            aggregates,
            schema,
        }) = at
        else {
            return None;
        };
        if !groups.is_empty() {
            return None;
        }
        let mut flat = Flat::default();
        flat.add(input)?;
        let Flat {
            scans,
            predicates,
            computed,
        } = flat;
        let put = |e: Expr| in_place(e, &computed);
        let calls = aggregates.iter().cloned().zip(schema.iter().cloned());
        let calls: Vec<_> = calls.map(|(c, f)| (map_call(c, &put), f)).collect();
        // Where predicates of several scans are taken apart and put together again, none may be a barrier.
        let fits = predicates.iter().all(|e| {
            if scans.len() == 1 {
                e.is_deterministic()
            } else {
                is_movable(e)
            }
        }) && calls
            .iter()
            .all(|(c, _)| operands(c).all(Expr::is_deterministic) && c.order_by.is_empty());
        fits.then(|| Self {
            scans,
            predicates,
            calls,
            above,
            whole: plan.clone(),
            rows: derive(input, &mut Definitions::new(), None).rows,
        })
    }

    /// Reads the same scans, filtered alike.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        if !self.same_scans(other) {
            return false;
        }
        let theirs: Vec<Expr> = other.predicates.iter().cloned().map(|e| self.adopt(other, e)).collect();
        // In the same order: it decides which of two errors comes.
        theirs == self.predicates
    }

    pub(super) fn same_scans(&self, other: &Self) -> bool {
        let same = |(a, b): (&Scan, &Scan)| a.source == b.source && a.columns == b.columns;
        self.scans.len() == other.scans.len() && self.scans.iter().zip(&other.scans).all(same)
    }

    /// An expression of a part with the same scans, over this one's columns.
    pub(super) fn adopt(&self, other: &Self, e: Expr) -> Expr {
        e.replace_columns(&|c| {
            let mut scans = self.scans.iter().zip(&other.scans);
            let found = scans.find_map(|(own, other)| own.schema.iter().nth(other.schema.index_of(c.id)?));
            found.map(column)
        })
    }

    /// Its predicates and calls may see rows that others keep.
    pub(super) fn meets_all_rows(&self) -> bool {
        self.predicates.iter().all(is_movable) && self.calls.iter().all(|(c, _)| operands(c).all(is_movable))
    }

    /// The scan with the most rows, if the rows of all are known, and their number.
    pub(super) fn largest(&self) -> Option<(&Scan, u64)> {
        let rows = |s: &Scan| s.facts.as_ref().and_then(|f| f.rows);
        let known: Option<Vec<(&Scan, u64)>> = self.scans.iter().map(|s| Some((s, rows(s)?))).collect();
        known?.into_iter().max_by_key(|(_, rows)| *rows)
    }
}

/// Joins taken apart.
#[derive(Default)]
struct Flat {
    scans: Vec<Scan>,
    predicates: Vec<Expr>,
    /// What columns on the way up stand for.
    computed: HashMap<ColumnId, Expr>,
}

impl Flat {
    /// Adds a plan; none if it is more than filters, computed columns and inner joins over scans.
    fn add(&mut self, plan: &LogicalPlan) -> Option<()> {
        match plan {
            LogicalPlan::Scan(s) if s.filters.is_empty() && s.filter_columns.is_empty() && s.limit.is_none() => {
                self.scans.push(s.clone());
            }
            LogicalPlan::Filter(f) => {
                self.add(&f.input)?;
                self.keep(f.predicate.clone().split_conjuncts());
            }
            LogicalPlan::Projection(p) if p.exprs.iter().all(is_movable) => {
                self.add(&p.input)?;
                for (e, f) in p.exprs.iter().zip(p.schema.iter()) {
                    if !matches!(e, Expr::Column(c) if c.id == f.id) {
                        let e = in_place(e.clone(), &self.computed);
                        self.computed.insert(f.id, e);
                    }
                }
            }
            LogicalPlan::Join(n) if n.kind == JoinKind::Inner && n.hint.is_none() => {
                self.add(&n.left)?;
                self.add(&n.right)?;
                let equal = |(l, r): &(Expr, Expr)| Expr::compare(CompareOp::Eq, l.clone(), r.clone());
                self.keep(n.on.iter().map(equal).collect());
                self.keep(n.filter.clone().map(Expr::split_conjuncts).unwrap_or_default());
            }
            _ => return None,
        }
        Some(())
    }

    fn keep(&mut self, conjuncts: Vec<Expr>) {
        let computed = &self.computed;
        self.predicates
            .extend(conjuncts.into_iter().map(|e| in_place(e, computed)));
    }
}

fn in_place(e: Expr, computed: &HashMap<ColumnId, Expr>) -> Expr {
    if computed.is_empty() {
        return e;
    }
    e.replace_columns(&|c| computed.get(&c.id).cloned())
}

fn operands(call: &AggregateCall) -> impl Iterator<Item = &Expr> {
    call.args.iter().chain(&call.filter)
}

pub(super) fn map_call(mut call: AggregateCall, f: &dyn Fn(Expr) -> Expr) -> AggregateCall {
    call.args = call.args.into_iter().map(f).collect();
    call.filter = call.filter.map(f);
    call
}
