//! Joins: one side copied to every task if it is small and not preserved, else both sides spread by their keys, else
//! everything in one task. A hint that may be followed goes before sizes.

use rsql_common::Result;
use rsql_expr::Expr;

use super::buckets::worth_following;
use super::legality::{may_copy, may_partition};
use super::promise::deterministic;
use super::spread::Layout;
use super::{Pinned, Placed, Placer, size};
use crate::PhysicalPlan;
use crate::logical::{JoinHint, JoinKind, JoinStrategy};
use crate::physical::{HashFunction, HashJoin, NestedLoopJoin, Partitioning, Side};

/// A copied row costs its reader a place in a hash table larger than that of a share: so many times what it costs to
/// move a row.
const COPY_COST: f64 = 3.0;

impl Placer<'_> {
    pub(super) fn hash_join(&self, mut n: HashJoin, pinned: &Pinned) -> Result<Placed> {
        let (left, right) = (self.place(*n.left, pinned)?, self.place(*n.right, pinned)?);
        let keys = n.keys.clone();
        let (left_keys, right_keys): (Vec<&Expr>, Vec<&Expr>) = keys.iter().map(|(l, r, _)| (l, r)).unzip();
        let same_types = n.keys.iter().all(|(l, r, _)| l.ty() == r.ty());
        let pure = deterministic(left_keys.iter().chain(&right_keys).copied());
        let may_partition = may_partition(n.kind, n.null_aware) && same_types && pure;
        let followed =
            |l: &Layout| l.function == HashFunction::Partition || worth_following(l.partitions, self.cx.shape);
        let at_left = left.spread.layout_in(&left_keys).filter(followed);
        let at_right = right.spread.layout_in(&right_keys).filter(followed);
        let asked = asked_to_copy(n.kind, n.null_aware, n.hint, &left, &right);
        let spread = n.hint.asks(JoinStrategy::ShuffleMerge) || n.hint.asks(JoinStrategy::ShuffleHash);
        let pairs: Vec<(&Expr, &Expr)> = keys.iter().map(|(l, r, _)| (l, r)).collect();
        let aligned = asked.is_none() && may_partition && left.spread.meets(&right.spread, &pairs);
        let meet = left.is_one() && right.is_one() || aligned;
        let moved = |p: &Placed, at: &Option<_>| if at.is_some() { 0.0 } else { size::bytes(&p.plan) };
        let spreading = match may_partition {
            true => moved(&left, &at_left) + moved(&right, &at_right),
            false => f64::INFINITY,
        };
        let copied = match asked {
            None if spread && may_partition => None,
            None => self.side_to_copy(n.kind, n.null_aware, &left, &right, spreading),
            asked => asked,
        };

        let (left, right) = if meet {
            (left, right)
        } else if let Some(side) = copied {
            if n.build != side {
                // Scans of the side that is built now would wait for a filter that comes of themselves.
                n.build = side;
                n.publishes.clear();
            }
            copy(side, left, right)
        } else if may_partition {
            let pick = |keys: &[&Expr], at: &[usize]| at.iter().map(|i| keys[*i].clone()).collect::<Vec<_>>();
            let all: Vec<usize> = (0..n.keys.len()).collect();
            let wanted = match (&at_left, &at_right) {
                (Some(at), None) => at.clone(),
                (None, Some(at)) => at.clone(),
                (Some(l), Some(_)) if size::bytes(&left.plan) >= size::bytes(&right.plan) => l.clone(),
                (Some(_), Some(r)) => r.clone(),
                (None, None) => Layout {
                    at: all,
                    partitions: self.cx.shape.partitions,
                    function: HashFunction::Partition,
                },
            };
            let by = |keys: &[&Expr]| Partitioning::Hash {
                keys: pick(keys, &wanted.at),
                partitions: wanted.partitions,
                function: wanted.function,
            };
            let (by_left, by_right) = (by(&left_keys), by(&right_keys));
            let wanted = Some(wanted);
            (
                if at_left == wanted {
                    left
                } else {
                    left.exchanged(by_left)
                },
                if at_right == wanted {
                    right
                } else {
                    right.exchanged(by_right)
                },
            )
        } else {
            self.must_meet(n.kind, n.null_aware, n.hint, left, right)
        };
        if right.spread == super::Spread::Copied && n.build == Side::Left {
            n.build = Side::Right;
            n.publishes.clear();
        }
        (n.left, n.right) = (Box::new(left.plan), Box::new(right.plan));
        self.put(PhysicalPlan::HashJoin(n), vec![left.spread, right.spread], pinned)
    }

    pub(super) fn nested_loop_join(&self, mut n: NestedLoopJoin, pinned: &Pinned) -> Result<Placed> {
        let (left, right) = (self.place(*n.left, pinned)?, self.place(*n.right, pinned)?);
        let (left, right) = match left.is_one() && right.is_one() {
            true => (left, right),
            false => self.must_meet(n.kind, n.null_aware, n.hint, left, right),
        };
        (n.left, n.right) = (Box::new(left.plan), Box::new(right.plan));
        self.put(PhysicalPlan::NestedLoopJoin(n), vec![left.spread, right.spread], pinned)
    }

    /// The side that may be copied and is small: below the threshold, or so much smaller than what else would move
    /// (`spreading`, bytes) that its copies cost less.
    fn side_to_copy(
        &self,
        kind: JoinKind,
        null_aware: bool,
        left: &Placed,
        right: &Placed,
        spreading: f64,
    ) -> Option<Side> {
        let shape = self.cx.shape;
        let fits = |p: &Placed| {
            let bytes = size::bytes(&p.plan);
            let cheaper = bytes * shape.slots as f64 * COPY_COST <= spreading;
            size::rows(&p.plan) <= shape.broadcast_rows
                && (bytes <= shape.broadcast_bytes || cheaper && bytes <= shape.copied_bytes)
        };
        let l = may_copy(kind, null_aware, Side::Left) && fits(left);
        let r = may_copy(kind, null_aware, Side::Right) && fits(right);
        match (l, r) {
            (true, true) if size::bytes(&left.plan) < size::bytes(&right.plan) => Some(Side::Left),
            (_, true) => Some(Side::Right),
            (true, false) => Some(Side::Left),
            (false, false) => None,
        }
    }

    /// Copies the side that a hint names, else the smaller one that may be copied, whatever its size; if none may, both
    /// sides go to one task.
    fn must_meet(
        &self,
        kind: JoinKind,
        null_aware: bool,
        hint: JoinHint,
        left: Placed,
        right: Placed,
    ) -> (Placed, Placed) {
        if let Some(side) = asked_to_copy(kind, null_aware, hint, &left, &right) {
            return copy(side, left, right);
        }
        let l = may_copy(kind, null_aware, Side::Left);
        let r = may_copy(kind, null_aware, Side::Right);
        match (l, r) {
            (true, true) if size::bytes(&left.plan) < size::bytes(&right.plan) => copy(Side::Left, left, right),
            (_, true) => copy(Side::Right, left, right),
            (true, false) => copy(Side::Left, left, right),
            (false, false) => (left.gathered(), right.gathered()),
        }
    }
}

/// The side that a `BROADCAST` hint is on, if it may be copied; of two the smaller one.
fn asked_to_copy(kind: JoinKind, null_aware: bool, hint: JoinHint, left: &Placed, right: &Placed) -> Option<Side> {
    let asked = |of_side: Option<JoinStrategy>, side: Side| {
        of_side == Some(JoinStrategy::Broadcast) && may_copy(kind, null_aware, side)
    };
    match (asked(hint.left, Side::Left), asked(hint.right, Side::Right)) {
        (true, true) if size::bytes(&left.plan) < size::bytes(&right.plan) => Some(Side::Left),
        (_, true) => Some(Side::Right),
        (true, false) => Some(Side::Left),
        (false, false) => None,
    }
}

fn copy(side: Side, left: Placed, right: Placed) -> (Placed, Placed) {
    match side {
        Side::Left => (left.exchanged(Partitioning::Broadcast), right),
        Side::Right => (left, right.exchanged(Partitioning::Broadcast)),
    }
}
