//! Top-k filters: a sort that wants only its first rows tells the scan that feeds it which values may still be among
//! them.
//!
//! The first key is followed down to the scans that produce it unchanged, through what streams rows from there to the
//! sort: filters, projections, unions and the probe sides of joins. Dropping a row there drops only rows that sort behind
//! those wanted. Nothing on the way may raise an error, which would be lost with the row. A scan right below the sort
//! also reads what promises the best values first.

use rsql_common::FilterId;
use rsql_common::ids::IdGen;
use rsql_expr::Expr;

use super::runtime_filters::can_filter;
use crate::PhysicalPlan;
use crate::logical::JoinKind;
use crate::physical::{HashJoin, Scan, Side, Sort};

/// Lays filters in the whole plan.
pub(super) fn lay(plan: &mut PhysicalPlan, ids: &IdGen) {
    if let PhysicalPlan::Sort(sort) = plan {
        publish(sort, ids);
    }
    for child in plan.children_mut() {
        lay(child, ids);
    }
}

fn publish(sort: &mut Sort, ids: &IdGen) {
    let (Some(_), Some(key)) = (sort.fetch, sort.keys.first()) else {
        return;
    };
    let Expr::Slot(slot) = &key.expr else { return };
    if !can_filter(&slot.ty) {
        return;
    }
    let (index, descending, id) = (slot.index, key.descending, ids.filter());
    if consume(&mut sort.input, index, id) {
        sort.publishes = Some(id);
        if let Some((scan, position)) = scan_below(&mut sort.input, index) {
            scan.best_first = Some((position, descending));
        }
    }
}

fn infallible<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
    exprs.into_iter().all(|e| e.is_deterministic() && !e.is_fallible())
}

/// Makes every scan that gives column `slot` of `plan` unchanged consume the filter; true if there is one.
fn consume(plan: &mut PhysicalPlan, slot: usize, id: FilterId) -> bool {
    match plan {
        PhysicalPlan::Scan(s) if infallible(&s.filters) => match s.projection.get(slot) {
            Some(position) => {
                s.consumes.push((id, *position));
                true
            }
            None => false,
        },
        PhysicalPlan::Filter(n) => infallible([&n.predicate]) && consume(&mut n.input, slot, id),
        PhysicalPlan::Projection(n) => match n.exprs.get(slot) {
            Some(Expr::Slot(s)) if infallible(&n.exprs) => consume(&mut n.input, s.index, id),
            _ => false,
        },
        PhysicalPlan::Union(n) => n.inputs.iter_mut().fold(false, |any, p| consume(p, slot, id) | any),
        PhysicalPlan::HashJoin(n) => consume_in_join(n, slot, id),
        _ => false,
    }
}

/// The probe side's rows stream; those of the build side are all there before the sort sees a row.
fn consume_in_join(n: &mut HashJoin, slot: usize, id: FilterId) -> bool {
    use JoinKind as K;
    let left = n.left.schema().len();
    if !infallible(n.keys.iter().flat_map(|(l, r, _)| [l, r]).chain(&n.filter)) {
        return false;
    }
    match n.build {
        Side::Right => {
            let independent = matches!(n.kind, K::Inner | K::Left | K::LeftSemi | K::LeftAnti | K::LeftMark);
            independent && slot < left && consume(&mut n.left, slot, id)
        }
        Side::Left => {
            let independent = matches!(n.kind, K::Inner | K::Right);
            independent && slot >= left && consume(&mut n.right, slot - left, id)
        }
    }
}

/// The scan of which nothing but projections takes the rows to the sort, and the column's position in it.
fn scan_below(plan: &mut PhysicalPlan, slot: usize) -> Option<(&mut Scan, usize)> {
    match plan {
        PhysicalPlan::Scan(s) => {
            let position = *s.projection.get(slot)?;
            Some((s, position))
        }
        PhysicalPlan::Projection(n) => match n.exprs.get(slot) {
            Some(Expr::Slot(s)) => scan_below(&mut n.input, s.index),
            _ => None,
        },
        _ => None,
    }
}
