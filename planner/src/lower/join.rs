//! Lowering of joins: by hash where an equality exists, else by nested loops; the smaller side is built, or the one that
//! a hint names.

use rsql_common::Result;
use rsql_expr::{CompareOp, Expr, Schema};

use super::binding::Binding;
use super::{node, nodes};
use crate::distribute::may_copy;
use crate::estimates::Estimates;
use crate::logical::{JoinHint, JoinKind, JoinStrategy};
use crate::physical::Side;
use crate::{PhysicalPlan, logical as l, physical as p};

/// Up to this many rows the right side is built whatever the left's size, so that rows come in the left side's order.
const SMALL_BUILD: f64 = 1000.0;
/// An outer, semi or anti join is built on its preserved side only if the other one is this much larger.
const PRESERVED_BUILD_FACTOR: f64 = 2.0;

pub(super) fn join(n: &l::Join, e: &Estimates) -> Result<PhysicalPlan> {
    let (left, right) = (node(&n.left, e.child(0))?, node(&n.right, e.child(1))?);
    let (left_rows, right_rows) = (e.child(0).rows, e.child(1).rows);
    let (left_schema, right_schema) = (n.left.schema(), n.right.schema());
    let over_left = Binding::new(&[left_schema]);
    let over_right = Binding::new(&[right_schema]);
    let over_both = Binding::new(&[left_schema, right_schema]);

    let all_pairs = asks_all_pairs(n);
    let mut keys = Vec::new();
    let mut rest = Vec::new();
    for (l, r) in &n.on {
        match all_pairs {
            true => rest.push(Expr::compare(CompareOp::Eq, l.clone(), r.clone())),
            false => keys.push((over_left.expr(l)?, over_right.expr(r)?, false)),
        }
    }
    for conjunct in n.filter.clone().map(Expr::split_conjuncts).unwrap_or_default() {
        match null_safe_key(&conjunct, left_schema, right_schema) {
            Some((l, r)) if !n.null_aware && !all_pairs => keys.push((over_left.expr(l)?, over_right.expr(r)?, true)),
            _ => rest.push(conjunct),
        }
    }

    let asked = asked_build(n, left_rows, right_rows);
    if keys.is_empty() {
        let filter = (!rest.is_empty()).then(|| Expr::conjunction(rest));
        let collect_left = match asked {
            Some(side) => side == Side::Left,
            None => left_rows < right_rows && right_rows > SMALL_BUILD,
        };
        if n.kind == JoinKind::Inner && collect_left {
            let schema = right_schema.join(left_schema);
            let bound = Binding::new(&[right_schema, left_schema]);
            let filter = filter.map(|f| bound.expr(&f)).transpose()?;
            let swapped = nested_loop((right, left), n, n.hint.swapped(), filter, e.rows, schema);
            return nodes::columns_of(swapped, &n.schema);
        }
        let filter = filter.map(|f| over_both.expr(&f)).transpose()?;
        let schema = n.schema.clone();
        return Ok(nested_loop((left, right), n, n.hint, filter, e.rows, schema));
    }

    let build = asked.unwrap_or_else(|| build_side(n.kind, n.null_aware, left_rows, right_rows));
    let filter = (!rest.is_empty())
        .then(|| over_both.expr(&Expr::conjunction(rest)))
        .transpose()?;
    Ok(PhysicalPlan::HashJoin(p::HashJoin {
        left: Box::new(left),
        right: Box::new(right),
        kind: n.kind,
        build,
        keys,
        filter,
        null_aware: n.null_aware,
        publishes: vec![],
        build_estimate: if build == Side::Left { left_rows } else { right_rows },
        estimate: e.rows,
        schema: n.schema.clone(),
        hint: n.hint,
    }))
}

/// Whether `SHUFFLE_REPLICATE_NL` decides; every other hint goes before it.
fn asks_all_pairs(n: &l::Join) -> bool {
    let only = |side: Option<JoinStrategy>| side.is_none_or(|s| s == JoinStrategy::ShuffleReplicateNl);
    n.kind == JoinKind::Inner && !n.hint.is_none() && only(n.hint.left) && only(n.hint.right)
}

/// The side that a hint says to build, if it may be built: a broadcast one, else that of `SHUFFLE_HASH`. If both sides are
/// hinted, the smaller one.
fn asked_build(n: &l::Join, left_rows: f64, right_rows: f64) -> Option<Side> {
    let smaller = if left_rows < right_rows {
        Side::Left
    } else {
        Side::Right
    };
    let asked = |strategy: JoinStrategy, may: &dyn Fn(Side) -> bool| {
        let l = n.hint.left == Some(strategy) && may(Side::Left);
        let r = n.hint.right == Some(strategy) && may(Side::Right);
        match (l, r) {
            (true, true) => Some(smaller),
            (true, false) => Some(Side::Left),
            (false, true) => Some(Side::Right),
            (false, false) => None,
        }
    };
    let copied = asked(JoinStrategy::Broadcast, &|side| may_copy(n.kind, n.null_aware, side));
    if copied.is_some() || n.hint.asks(JoinStrategy::ShuffleMerge) {
        return copied;
    }
    let right_only = n.null_aware || matches!(n.kind, JoinKind::LeftMark | JoinKind::LeftSingle);
    asked(JoinStrategy::ShuffleHash, &|side| side == Side::Right || !right_only)
}

fn nested_loop(
    (left, right): (PhysicalPlan, PhysicalPlan),
    n: &l::Join,
    hint: JoinHint,
    filter: Option<Expr>,
    estimate: f64,
    schema: Schema,
) -> PhysicalPlan {
    PhysicalPlan::NestedLoopJoin(p::NestedLoopJoin {
        left: Box::new(left),
        right: Box::new(right),
        kind: n.kind,
        filter,
        null_aware: n.null_aware,
        estimate,
        schema,
        hint,
    })
}

/// The sides of `l <=> r` (left's, right's) if each reads one child only.
fn null_safe_key<'a>(e: &'a Expr, left: &Schema, right: &Schema) -> Option<(&'a Expr, &'a Expr)> {
    let Expr::Compare {
        op: CompareOp::NullSafeEq,
        left: a,
        right: b,
    } = e
    else {
        return None;
    };
    let reads = |e: &Expr, schema: &Schema| {
        let columns = e.columns();
        !columns.is_empty() && columns.iter().all(|c| schema.index_of(*c).is_some())
    };
    if reads(a, left) && reads(b, right) {
        Some((a, b))
    } else if reads(b, left) && reads(a, right) {
        Some((b, a))
    } else {
        None
    }
}

/// The side whose hash table is the better one, by the rows of both.
pub(crate) fn build_side(kind: JoinKind, null_aware: bool, left: f64, right: f64) -> Side {
    use JoinKind as K;
    let large = right > SMALL_BUILD;
    let build_left = match kind {
        K::Inner | K::Full => large && left < right,
        K::Left | K::LeftSemi | K::LeftAnti => large && !null_aware && left * PRESERVED_BUILD_FACTOR < right,
        K::Right => left <= (right * PRESERVED_BUILD_FACTOR).max(SMALL_BUILD),
        K::LeftMark | K::LeftSingle => false,
    };
    if build_left { Side::Left } else { Side::Right }
}
