//! NOT IN and IN under NULLs, beyond a single key.
//!
//! With several keys or a further condition, a NULL on either side makes the comparison UNKNOWN only where everything
//! else holds, which no equality table can answer. Such joins run as nested loops over the whole condition.

use rsql_expr::tree::CompareOp;
use rsql_expr::{Expr, Slot};
use rsql_planner::physical::{HashJoin, NestedLoopJoin};

/// The same join as a nested loop, if the hash join cannot do it.
pub(super) fn as_nested_loop(node: &HashJoin) -> Option<NestedLoopJoin> {
    if !node.null_aware || (node.keys.len() == 1 && node.filter.is_none()) {
        return None;
    }
    let left_columns = node.left.schema().len();
    let keys = node.keys.iter().map(|(left, right, null_safe)| {
        let op = if *null_safe {
            CompareOp::NullSafeEq
        } else {
            CompareOp::Eq
        };
        Expr::compare(op, left.clone(), shift(right.clone(), left_columns))
    });
    Some(NestedLoopJoin {
        left: node.left.clone(),
        right: node.right.clone(),
        kind: node.kind,
        filter: Some(Expr::conjunction(keys.chain(node.filter.clone()))),
        null_aware: true,
        estimate: node.estimate,
        schema: node.schema.clone(),
        hint: node.hint,
    })
}

/// The expression over columns that stand `by` places further right.
fn shift(expr: Expr, by: usize) -> Expr {
    shift_from(expr, 0, by)
}

/// The expression where columns from `from` on stand `by` places further right.
pub(super) fn shift_from(expr: Expr, from: usize, by: usize) -> Expr {
    match expr {
        Expr::Slot(s) if s.index >= from => Expr::Slot(Slot {
            index: s.index + by,
            ty: s.ty,
        }),
        other => match other.try_map_children::<std::convert::Infallible>(&mut |e| Ok(shift_from(e, from, by))) {
            Ok(e) => e,
        },
    }
}
