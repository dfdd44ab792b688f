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
//! their product and the merged aggregate; a call sees through its FILTER the rows it saw before. Instead of a scan there may
//! be inner joins of the same scans: what each input keeps of their product is what its predicates, those of the joins among
//! them, are true for. Inputs with the same predicates are always merged. With different ones calls and predicates meet more
//! rows than before: not if any may raise an error or is volatile, nor if the predicates keep so few rows of the largest scan
//! that reading only those is cheaper.

mod part;

use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::{Expr, Field, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Join, JoinKind, PlanRef, Projection, Scan};

use crate::OptimizerContext;
use crate::predicate::{reads_any, reads_only};
use crate::rule::PlanPass;
use crate::walk::{map_children, owned, with_stack};
use part::{Part, map_call};

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

/// Puts groups over the same scan together where one pass is cheaper than several.
fn with_different_predicates(groups: Vec<Vec<Part>>) -> Vec<Vec<Part>> {
    let mut out: Vec<Vec<Part>> = Vec::new();
    let mut by_scans: Vec<Vec<Vec<Part>>> = Vec::new();
    for group in groups {
        if !group.iter().all(Part::meets_all_rows) {
            out.push(group);
            continue;
        }
        match by_scans.iter_mut().find(|s| s[0][0].same_scans(&group[0])) {
            Some(same) => same.push(group),
            None => by_scans.push(vec![group]),
        }
    }
    for same in by_scans {
        match pays(&same) {
            true => out.push(same.into_iter().flatten().collect()),
            false => out.extend(same),
        }
    }
    out
}

/// Whether groups over the same scans read much of the largest one each.
fn pays(groups: &[Vec<Part>]) -> bool {
    let parts: Vec<&Part> = groups.iter().map(|g| &g[0]).collect();
    let Some((largest, all)) = parts[0].largest() else {
        return false;
    };
    let (_, own) = shared_and_own(&parts);
    let (mut whole, of_largest) = (own.iter().flatten(), |e: &&Expr| reads_any(e, &largest.schema));
    if !whole.any(|e| of_largest(&e)) {
        return true;
    }
    let read: f64 = parts.iter().map(|p| p.rows).sum();
    parts[0].scans.len() == 1 && read >= LEAST_READ * all as f64
}

/// The predicates that all parts have, and for each part the others, over the columns of the first.
fn shared_and_own(parts: &[&Part]) -> (Vec<Expr>, Vec<Vec<Expr>>) {
    let adopted: Vec<Vec<Expr>> = parts
        .iter()
        .map(|p| p.predicates.iter().cloned().map(|e| parts[0].adopt(p, e)).collect())
        .collect();
    let shared = |e: &Expr| adopted.iter().all(|own| own.contains(e));
    let kept = adopted[0].iter().filter(|e| shared(e)).cloned().collect();
    let own = |predicates: &Vec<Expr>| predicates.iter().filter(|e| !shared(e)).cloned().collect();
    (kept, adopted.iter().map(own).collect())
}

/// One aggregate for all parts, and above it what stood above each.
fn one_pass(parts: Vec<Part>) -> LogicalPlan {
    let Some((first, rest)) = parts.split_first() else {
        return LogicalPlan::one_row();
    };
    if rest.is_empty() {
        return first.whole.clone();
    }
    let (mut kept, own) = shared_and_own(&parts.iter().collect::<Vec<_>>());
    // What any of them keeps, and what that means for each scan.
    let over = |s: &Scan| {
        let of_scan = |own: &Vec<Expr>| own.iter().filter(|e| reads_only(e, &s.schema)).cloned().collect();
        own.iter().map(of_scan).collect::<Vec<Vec<Expr>>>()
    };
    let mut restricted: Vec<Vec<Vec<Expr>>> = first.scans.iter().map(over).collect();
    if !restricted.contains(&own) {
        restricted.push(own.clone());
    }
    kept.extend(restricted.into_iter().filter_map(any_of));
    let own: Vec<Option<Expr>> = own
        .into_iter()
        .map(|own| (!own.is_empty()).then(|| Expr::conjunction(own)))
        .collect();
    let mut calls = Vec::new();
    for (part, own) in parts.iter().zip(own) {
        for (call, field) in &part.calls {
            let mut call = map_call(call.clone(), &|e| first.adopt(part, e));
            let conjuncts: Vec<Expr> = own.clone().into_iter().chain(call.filter.take()).collect();
            call.filter = (!conjuncts.is_empty()).then(|| Expr::conjunction(conjuncts));
            calls.push((call, field.id, Arc::clone(&field.name)));
        }
    }
    let mut plan = joined(&first.scans, kept).aggregate(vec![], calls);
    for part in parts {
        plan = beside(plan, part.above);
    }
    plan
}

/// The disjunction of conjunctions; none if one of them is always true.
fn any_of(conjunctions: Vec<Vec<Expr>>) -> Option<Expr> {
    let mut different: Vec<Expr> = Vec::with_capacity(conjunctions.len());
    for conjuncts in conjunctions {
        if conjuncts.is_empty() {
            return None;
        }
        let branch = Expr::conjunction(conjuncts);
        if !different.contains(&branch) {
            different.push(branch);
        }
    }
    Some(Expr::Or(different))
}

/// Inner joins of scans, each predicate where its columns first come together.
fn joined(scans: &[Scan], mut predicates: Vec<Expr>) -> LogicalPlan {
    let mut over = |schema: &Schema| -> Vec<Expr> {
        let (here, later) = std::mem::take(&mut predicates)
            .into_iter()
            .partition(|e| reads_only(e, schema));
        predicates = later;
        here
    };
    let scans: Vec<LogicalPlan> = scans
        .iter()
        .map(|s| LogicalPlan::Scan(s.clone()).filter(Expr::conjunction(over(&s.schema))))
        .collect();
    let join = |left: LogicalPlan, right: LogicalPlan| {
        let filter = over(&left.schema().join(right.schema()));
        let filter = (!filter.is_empty()).then(|| Expr::conjunction(filter));
        LogicalPlan::join(Arc::new(left), Arc::new(right), JoinKind::Inner, vec![], filter)
    };
    scans.into_iter().reduce(join).unwrap_or_else(LogicalPlan::one_row)
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
