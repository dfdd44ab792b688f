//! Runtime filters: a join whose build side leaves out rows tells the scans that feed its probe side which keys remain.
//!
//! For each key of each hash join the probe side is followed down to the scans that produce the key column unchanged:
//! through filters, projections, group keys, partition keys, unions and joins (also across their equalities). Dropping
//! rows there drops only rows the join above would drop.

use rsql_common::FilterId;
use rsql_common::ids::IdGen;
use rsql_expr::{Expr, SqlType};

use crate::PhysicalPlan;
use crate::logical::JoinKind;
use crate::physical::{HashJoin, Side};

/// Lays filters in the whole plan, joins above before joins below.
pub(super) fn lay(plan: &mut PhysicalPlan, ids: &IdGen) {
    if let PhysicalPlan::HashJoin(join) = plan {
        publish(join, ids);
    }
    for child in plan.children_mut() {
        lay(child, ids);
    }
}

/// Lets a join publish filters of its keys to the scans below its probe side.
pub(crate) fn publish(join: &mut HashJoin, ids: &IdGen) {
    let drops_unmatched_probe_rows = match (join.kind, join.build) {
        (JoinKind::Inner | JoinKind::LeftSemi, _) | (JoinKind::Left, Side::Left) | (JoinKind::Right, Side::Right) => {
            true
        }
        (JoinKind::LeftAnti, Side::Left) => !join.null_aware,
        _ => false,
    };
    let (build, probe) = match join.build {
        Side::Left => (&join.left, &mut join.right),
        Side::Right => (&join.right, &mut join.left),
    };
    if !drops_unmatched_probe_rows || !is_selective(build) {
        return;
    }
    for (i, (left, right, null_safe)) in join.keys.iter().enumerate() {
        let (build_key, probe_key) = match join.build {
            Side::Left => (left, right),
            Side::Right => (right, left),
        };
        let Expr::Slot(slot) = probe_key else { continue };
        if *null_safe || !can_filter(&slot.ty) || build_key.ty() != slot.ty {
            continue;
        }
        let id = ids.filter();
        if consume(probe, slot.index, id) {
            join.publishes.push((id, i));
        }
    }
}

/// Keys that fit 64 bits as integers, and strings of bytes.
pub(super) fn can_filter(ty: &SqlType) -> bool {
    ty.is_integral()
        || ty.is_datetime()
        || matches!(ty, SqlType::Decimal(p, _) if *p <= 18)
        || matches!(ty, SqlType::String | SqlType::Varchar(_) | SqlType::Binary)
}

/// Whether the rows of `plan` may lack keys that its base tables have.
fn is_selective(plan: &PhysicalPlan) -> bool {
    match plan {
        PhysicalPlan::Scan(s) => !s.filters.is_empty() || !s.consumes.is_empty() || s.limit.is_some() || is_memory(s),
        PhysicalPlan::Filter(_)
        | PhysicalPlan::Limit(_)
        | PhysicalPlan::Values(_)
        | PhysicalPlan::CteScan(_)
        | PhysicalPlan::StageInput(_)
        | PhysicalPlan::Range(_)
        | PhysicalPlan::Sample(_) => true,
        PhysicalPlan::HashJoin(j) if matches!(j.kind, JoinKind::LeftSemi | JoinKind::LeftAnti) => true,
        other => other.children().into_iter().any(is_selective),
    }
}

fn is_memory(scan: &crate::physical::Scan) -> bool {
    matches!(scan.source.kind, rsql_catalog::SourceKind::Memory(_))
}

/// Makes every scan that gives column `slot` of `plan` unchanged consume the filter; true if there is one.
fn consume(plan: &mut PhysicalPlan, slot: usize, id: FilterId) -> bool {
    match plan {
        PhysicalPlan::Scan(s) => match s.projection.get(slot) {
            Some(position) => {
                s.consumes.push((id, *position));
                true
            }
            None => false,
        },
        PhysicalPlan::Filter(n) => consume(&mut n.input, slot, id),
        PhysicalPlan::Exchange(n) => consume(&mut n.input, slot, id),
        PhysicalPlan::Sort(n) if n.fetch.is_none() => consume(&mut n.input, slot, id),
        PhysicalPlan::Projection(n) => match n.exprs.get(slot) {
            Some(Expr::Slot(s)) => consume(&mut n.input, s.index, id),
            _ => false,
        },
        PhysicalPlan::HashAggregate(n) => match n.groups.get(slot) {
            Some(Expr::Slot(s)) => consume(&mut n.input, s.index, id),
            _ => false,
        },
        PhysicalPlan::Window(n) => is_one_of(&n.partition_by, slot) && consume(&mut n.input, slot, id),
        PhysicalPlan::WindowGroupLimit(n) => is_one_of(&n.partition_by, slot) && consume(&mut n.input, slot, id),
        PhysicalPlan::Union(n) => n.inputs.iter_mut().fold(false, |any, p| consume(p, slot, id) | any),
        PhysicalPlan::With(n) => consume(&mut n.body, slot, id),
        PhysicalPlan::Generate(n) => match n.projection.get(slot) {
            Some(position) => consume(&mut n.input, *position, id),
            None => false,
        },
        PhysicalPlan::HashJoin(n) => consume_in_join(n, slot, id),
        PhysicalPlan::NestedLoopJoin(n) => {
            let left = n.left.schema().len();
            match n.kind {
                JoinKind::Inner if slot >= left => consume(&mut n.right, slot - left, id),
                JoinKind::Right | JoinKind::Full => false,
                _ => slot < left && consume(&mut n.left, slot, id),
            }
        }
        _ => false,
    }
}

fn is_one_of(exprs: &[Expr], slot: usize) -> bool {
    exprs.iter().any(|e| matches!(e, Expr::Slot(s) if s.index == slot))
}

fn consume_in_join(n: &mut HashJoin, slot: usize, id: FilterId) -> bool {
    use JoinKind as K;
    let left = n.left.schema().len();
    let is_slot = |e: &Expr, index: usize| matches!(e, Expr::Slot(s) if s.index == index);
    let (mut on_left, mut on_right) = (None, None);
    if slot < left && !matches!(n.kind, K::Right | K::Full) {
        on_left = Some(slot);
        // Right rows whose key equals no remaining left key have no partner left.
        if matches!(n.kind, K::Inner | K::Left | K::LeftSemi) {
            on_right = n.keys.iter().find_map(|(l, r, null_safe)| match r {
                Expr::Slot(r) if is_slot(l, slot) && !null_safe => Some(r.index),
                _ => None,
            });
        }
    } else if slot >= left && matches!(n.kind, K::Inner | K::Right) {
        on_right = Some(slot - left);
        on_left = n.keys.iter().find_map(|(l, r, null_safe)| match l {
            Expr::Slot(l) if is_slot(r, slot - left) && !null_safe => Some(l.index),
            _ => None,
        });
    }
    let l = on_left.is_some_and(|s| consume(&mut n.left, s, id));
    let r = on_right.is_some_and(|s| consume(&mut n.right, s, id));
    l || r
}
