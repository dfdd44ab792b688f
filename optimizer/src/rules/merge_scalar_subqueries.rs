//! Aggregates without groups over the same scan are computed in one pass.
//!
//! ```text
//! Join Inner                                    Aggregate [] [count(*), avg(y) FILTER (x < 5), avg(y) FILTER (x > 7)]
//!   Join Inner                                    Filter ((x < 5) OR (x > 7))
//!     Aggregate [] [avg(y)]               →         Scan t
//!       Filter (x < 5)
//!         Scan t
//!     Aggregate [] [avg(y)]
//!       Filter (x > 7)
//!         Scan t
//! ```
//! Uncorrelated scalar subqueries are such joins after unnesting. Sound: each of the inputs has exactly one row, so have
//! their product and the merged aggregate; a call sees through its FILTER the rows it saw before. Inputs with the same
//! predicates are always merged. With different ones calls and predicates meet more rows than before: not if any may raise an
//! error or is volatile, nor if the predicates keep so few rows that reading only those is cheaper.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::{AggregateCall, Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;
use rsql_planner::logical::{Aggregate, Join, JoinKind, PlanRef, Projection, Scan};

use crate::OptimizerContext;
use crate::predicate::is_movable;
use crate::rule::PlanPass;
use crate::statistics::{Definitions, derive};
use crate::walk::{map_children, owned, with_stack};

/// See the module.
pub struct MergeScalarSubqueries;

/// Part of the scan's rows that inputs with different predicates have to read together for one pass to pay.
const LEAST_READ: f64 = 0.25;

impl PlanPass for MergeScalarSubqueries {
    fn name(&self) -> &'static str {
        "MergeScalarSubqueries"
    }

    fn run(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<LogicalPlan> {
        merge(plan)
    }
}

fn merge(plan: LogicalPlan) -> Result<LogicalPlan> {
    with_stack(|| {
        if !is_product(&plan) {
            return map_children(plan, &mut merge);
        }
        let mut factors = Vec::new();
        collect(&plan, &mut factors);
        let (mut others, mut groups): (Vec<PlanRef>, Vec<Vec<Part>>) = Default::default();
        for factor in factors {
            match Part::of(factor) {
                Some(part) => match groups.iter_mut().find(|g| g[0].is_like(&part)) {
                    Some(group) => group.push(part),
                    None => groups.push(vec![part]),
                },
                None if is_unit(factor) => {}
                None => others.push(Arc::clone(factor)),
            }
        }
        let passes = with_different_predicates(groups);
        if passes.iter().all(|parts| parts.len() == 1) {
            return within(plan);
        }
        let outputs: Vec<ColumnId> = plan.schema().iter().map(|f| f.id).collect();
        let others = others.into_iter().map(|p| merge(owned(p)));
        let product = others
            .chain(passes.into_iter().map(|parts| Ok(one_pass(parts))))
            .reduce(|left, right| {
                let (left, right) = (Arc::new(left?), Arc::new(right?));
                Ok(LogicalPlan::join(left, right, JoinKind::Inner, vec![], None))
            })
            .unwrap_or_else(|| Ok(LogicalPlan::one_row()))?;
        Ok(product.project_columns(&outputs))
    })
}

/// A product that stays, with its inputs merged within.
fn within(plan: LogicalPlan) -> Result<LogicalPlan> {
    with_stack(|| {
        if is_product(&plan) {
            map_children(plan, &mut within)
        } else {
            merge(plan)
        }
    })
}

fn is_product(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join(Join { kind: JoinKind::Inner, on, filter: None, .. }) if on.is_empty())
}

/// One row without columns changes no product.
fn is_unit(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Values(v) if v.rows.len() == 1 && v.schema.is_empty())
}

/// The inputs of nested products.
fn collect<'a>(plan: &'a LogicalPlan, out: &mut Vec<&'a PlanRef>) {
    with_stack(|| {
        if let LogicalPlan::Join(n) = plan {
            for side in [&n.left, &n.right] {
                if is_product(side) {
                    collect(side, out);
                } else {
                    out.push(side);
                }
            }
        }
    });
}

/// An input that is an aggregate without groups over a filtered scan, over the columns of `scan`.
struct Part {
    scan: Scan,
    /// Conjuncts on the scan.
    predicates: Vec<Expr>,
    calls: Vec<(AggregateCall, Field)>,
    /// What stands above the aggregate, outermost first.
    above: Vec<Projection>,
    whole: LogicalPlan,
    /// Rows that reach the aggregate.
    rows: f64,
}

impl Part {
    fn of(plan: &LogicalPlan) -> Option<Self> {
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
        let mut predicates = Vec::new();
        let mut calls: Vec<_> = aggregates.iter().cloned().zip(schema.iter().cloned()).collect();
        let mut below: &PlanRef = input;
        // Expressions are put in place of columns on the way down, so that all read the scan.
        loop {
            match below.as_ref() {
                LogicalPlan::Filter(f) => predicates.extend(f.predicate.clone().split_conjuncts()),
                LogicalPlan::Projection(p) if p.exprs.iter().all(is_movable) => {
                    let computed: HashMap<ColumnId, Expr> =
                        p.schema.iter().map(|f| f.id).zip(p.exprs.iter().cloned()).collect();
                    let put = |e: Expr| e.replace_columns(&|c| computed.get(&c.id).cloned());
                    predicates = predicates.into_iter().map(put).collect();
                    calls = calls.into_iter().map(|(c, f)| (map_call(c, &put), f)).collect();
                }
                LogicalPlan::Scan(s) if s.filters.is_empty() && s.filter_columns.is_empty() && s.limit.is_none() => {
                    let fits = predicates.iter().all(Expr::is_deterministic)
                        && calls
                            .iter()
                            .all(|(c, _)| operands(c).all(Expr::is_deterministic) && c.order_by.is_empty());
                    return fits.then(|| Self {
                        scan: s.clone(),
                        predicates,
                        calls,
                        above,
                        whole: plan.clone(),
                        rows: derive(input, &mut Definitions::new(), None).rows,
                    });
                }
                _ => return None,
            }
            below = match below.as_ref() {
                LogicalPlan::Filter(f) => &f.input,
                LogicalPlan::Projection(p) => &p.input,
                _ => return None,
            };
        }
    }

    /// Reads the same scan, filtered alike.
    fn is_like(&self, other: &Self) -> bool {
        if !self.same_scan(other) {
            return false;
        }
        let theirs: Vec<Expr> = other.predicates.iter().cloned().map(|e| self.adopt(other, e)).collect();
        // In the same order: it decides which of two errors comes.
        theirs == self.predicates
    }

    fn same_scan(&self, other: &Self) -> bool {
        self.scan.source == other.scan.source && self.scan.columns == other.scan.columns
    }

    /// An expression of a part with the same scan, over this one's columns.
    fn adopt(&self, other: &Self, e: Expr) -> Expr {
        e.replace_columns(&|c| {
            let at = other.scan.schema.index_of(c.id)?;
            self.scan.schema.iter().nth(at).map(column)
        })
    }

    /// Its predicates and calls may see rows that others keep.
    fn meets_all_rows(&self) -> bool {
        self.predicates.iter().all(is_movable) && self.calls.iter().all(|(c, _)| operands(c).all(is_movable))
    }
}

fn operands(call: &AggregateCall) -> impl Iterator<Item = &Expr> {
    call.args.iter().chain(&call.filter)
}

fn map_call(mut call: AggregateCall, f: &dyn Fn(Expr) -> Expr) -> AggregateCall {
    call.args = call.args.into_iter().map(f).collect();
    call.filter = call.filter.map(f);
    call
}

/// Puts groups over the same scan together where one pass is cheaper than several.
fn with_different_predicates(groups: Vec<Vec<Part>>) -> Vec<Vec<Part>> {
    let mut out: Vec<Vec<Part>> = Vec::new();
    let mut by_scan: Vec<Vec<Vec<Part>>> = Vec::new();
    for group in groups {
        if !group.iter().all(Part::meets_all_rows) {
            out.push(group);
            continue;
        }
        match by_scan.iter_mut().find(|s| s[0][0].same_scan(&group[0])) {
            Some(same) => same.push(group),
            None => by_scan.push(vec![group]),
        }
    }
    for same in by_scan {
        let read: f64 = same.iter().map(|g| g[0].rows).sum();
        let all = same[0][0].scan.facts.as_ref().and_then(|f| f.rows);
        if all.is_some_and(|all| read >= LEAST_READ * all as f64) {
            out.push(same.into_iter().flatten().collect());
        } else {
            out.extend(same);
        }
    }
    out
}

/// One aggregate for all parts, and above it what stood above each.
fn one_pass(parts: Vec<Part>) -> LogicalPlan {
    let Some((first, rest)) = parts.split_first() else {
        return LogicalPlan::one_row();
    };
    if rest.is_empty() {
        return first.whole.clone();
    }
    let adopted: Vec<Vec<Expr>> = parts
        .iter()
        .map(|p| p.predicates.iter().cloned().map(|e| first.adopt(p, e)).collect())
        .collect();
    let shared = |e: &Expr| adopted.iter().all(|own| own.contains(e));
    let mut kept: Vec<Expr> = first.predicates.iter().filter(|e| shared(e)).cloned().collect();
    let own: Vec<Option<Expr>> = adopted
        .iter()
        .map(|predicates| {
            let own: Vec<Expr> = predicates.iter().filter(|e| !shared(e)).cloned().collect();
            (!own.is_empty()).then(|| Expr::conjunction(own))
        })
        .collect();
    if let Some(branches) = own.iter().cloned().collect::<Option<Vec<Expr>>>() {
        let mut different: Vec<Expr> = Vec::with_capacity(branches.len());
        for branch in branches {
            if !different.contains(&branch) {
                different.push(branch);
            }
        }
        kept.push(Expr::Or(different));
    }
    let mut calls = Vec::new();
    for (part, own) in parts.iter().zip(own) {
        for (call, field) in &part.calls {
            let mut call = map_call(call.clone(), &|e| first.adopt(part, e));
            let conjuncts: Vec<Expr> = own.clone().into_iter().chain(call.filter.take()).collect();
            call.filter = (!conjuncts.is_empty()).then(|| Expr::conjunction(conjuncts));
            calls.push((call, field.id, Arc::clone(&field.name)));
        }
    }
    let mut plan = LogicalPlan::Scan(first.scan.clone())
        .filter(Expr::conjunction(kept))
        .aggregate(vec![], calls);
    for part in parts {
        plan = beside(plan, part.above);
    }
    plan
}

/// Computes projections beside what `plan` already gives.
fn beside(mut plan: LogicalPlan, above: Vec<Projection>) -> LogicalPlan {
    for p in above.into_iter().rev() {
        let mut exprs = plan.columns();
        let mut fields: Vec<Field> = plan.schema().iter().cloned().collect();
        for (e, f) in p.exprs.into_iter().zip(p.schema.iter()) {
            if plan.schema().index_of(f.id).is_none() {
                exprs.push(e);
                fields.push(f.clone());
            }
        }
        if fields.len() > plan.schema().len() {
            plan = plan.project_to(exprs, fields);
        }
    }
    plan
}
