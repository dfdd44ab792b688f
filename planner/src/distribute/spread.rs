//! How the rows of a plan lie over the tasks of its stage.

use rsql_expr::{Expr, Slot};

use crate::physical::{HashFunction, Partitioning};

/// Where rows lie.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spread {
    /// All in the only task.
    One,
    /// Rows with equal keys in one task.
    Hash(HashSpread),
    /// Each row in some task.
    Any,
    /// All rows in every task.
    Copied,
    /// Parts of an answer (partial aggregates, the first rows of each task) that an exchange must bring together.
    Partial,
}

/// Rows spread by a hash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HashSpread {
    /// By key: expressions over the plan's output that all have the key's value.
    pub keys: Vec<Vec<Expr>>,
    /// Partitions.
    pub partitions: usize,
    /// By which hash.
    pub function: HashFunction,
}

/// Which of some expressions rows are spread by, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Positions of the keys among the expressions.
    pub at: Vec<usize>,
    /// Partitions.
    pub partitions: usize,
    /// By which hash.
    pub function: HashFunction,
}

impl Spread {
    /// Spread by these keys.
    pub(crate) fn hash(keys: &[Expr], partitions: usize, function: HashFunction) -> Self {
        Self::Hash(HashSpread {
            keys: keys.iter().map(|k| vec![k.clone()]).collect(),
            partitions,
            function,
        })
    }

    /// Behind an exchange of so partitioned rows.
    pub(super) fn behind(partitioning: &Partitioning) -> Self {
        match partitioning {
            Partitioning::Hash {
                keys,
                partitions,
                function,
            } => Self::hash(keys, *partitions, *function),
            Partitioning::Single => Self::One,
            Partitioning::Broadcast => Self::Copied,
            Partitioning::Range { .. } | Partitioning::RoundRobin { .. } | Partitioning::AsProduced => Self::Any,
        }
    }

    /// Whether rows that agree in all of `exprs` are in one task.
    pub(super) fn brings_together(&self, exprs: &[Expr]) -> bool {
        match self {
            Self::One => true,
            Self::Hash(h) => h
                .keys
                .iter()
                .all(|alternatives| alternatives.iter().any(|k| exprs.contains(k))),
            Self::Any | Self::Copied | Self::Partial => false,
        }
    }

    /// Which of `exprs` stand for the spread's keys, in their order; none if some key is not among them.
    pub(super) fn layout_in(&self, exprs: &[&Expr]) -> Option<Layout> {
        let Self::Hash(h) = self else { return None };
        let position = |alternatives: &Vec<Expr>| exprs.iter().position(|e| alternatives.contains(e));
        Some(Layout {
            at: h.keys.iter().map(position).collect::<Option<_>>()?,
            partitions: h.partitions,
            function: h.function,
        })
    }

    /// Whether rows of both sides that agree in all `pairs` (of the left's and the right's expressions) are in one task. One
    /// expression may stand in several pairs.
    pub(super) fn meets(&self, right: &Self, pairs: &[(&Expr, &Expr)]) -> bool {
        let (Self::Hash(l), Self::Hash(r)) = (self, right) else {
            return false;
        };
        let paired = |(l, r): (&Vec<Expr>, &Vec<Expr>)| pairs.iter().any(|(a, b)| l.contains(a) && r.contains(b));
        l.is_like(r) && l.keys.iter().zip(&r.keys).all(paired)
    }

    /// The spread seen through an operator that puts the value of an input expression where `to_output` says.
    pub(super) fn through(self, to_output: &dyn Fn(&Expr) -> Vec<Expr>) -> Self {
        let Self::Hash(h) = self else { return self };
        let keys: Vec<Vec<Expr>> = h
            .keys
            .iter()
            .map(|alternatives| alternatives.iter().flat_map(to_output).collect())
            .collect();
        if keys.iter().any(Vec::is_empty) {
            return Self::Any;
        }
        Self::Hash(HashSpread { keys, ..h })
    }

    /// Both hold of the same rows; they were found to agree.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Hash(mut a), Self::Hash(b)) if a.is_like(&b) => {
                a.keys.iter_mut().zip(b.keys).for_each(|(a, b)| a.extend(b));
                Self::Hash(a)
            }
            (a, _) => a,
        }
    }
}

impl HashSpread {
    /// Whether equal keys are in the same partition of both.
    fn is_like(&self, other: &Self) -> bool {
        self.partitions == other.partitions && self.function == other.function && self.keys.len() == other.keys.len()
    }
}

/// An output column's expression.
pub(super) fn slot(index: usize, of: &Expr) -> Expr {
    Expr::Slot(Slot { index, ty: of.ty() })
}

/// The same column further right; only columns move.
pub(super) fn shifted(expr: &Expr, by: usize) -> Vec<Expr> {
    match expr {
        Expr::Slot(s) => vec![slot(s.index + by, expr)],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_expr::SqlType;

    fn col(index: usize) -> Expr {
        Expr::Slot(Slot {
            index,
            ty: SqlType::Long,
        })
    }

    fn by_hash(keys: &[Expr], partitions: usize) -> Spread {
        Spread::hash(keys, partitions, HashFunction::Partition)
    }

    #[test]
    fn another_hash_is_another_spread() {
        let (shuffled, bucketed) = (by_hash(&[col(0)], 4), Spread::hash(&[col(0)], 4, HashFunction::Bucket));
        assert!(bucketed.brings_together(&[col(0)]));
        assert!(bucketed.meets(&bucketed, &[(&col(0), &col(0))]));
        assert!(!bucketed.meets(&shuffled, &[(&col(0), &col(0))]));
        assert_eq!(bucketed.clone().and(shuffled), bucketed);
    }

    #[test]
    fn a_subset_of_the_keys_brings_rows_together() {
        let spread = by_hash(&[col(1)], 4);
        assert!(spread.brings_together(&[col(0), col(1)]));
        assert!(!spread.brings_together(&[col(0)]));
        assert!(!Spread::Any.brings_together(&[col(0)]));
        assert_eq!(
            spread.layout_in(&[&col(3), &col(1)]).map(|l| (l.at, l.partitions)),
            Some((vec![1], 4))
        );
        assert_eq!(spread.layout_in(&[&col(3)]), None);
    }

    #[test]
    fn sides_meet_by_pairs_of_keys() {
        let (left, right) = (by_hash(&[col(0), col(1)], 4), by_hash(&[col(5), col(5)], 4));
        assert!(left.meets(&right, &[(&col(0), &col(5)), (&col(1), &col(5))]));
        assert!(!left.meets(&right, &[(&col(0), &col(5))]));
        assert!(!left.meets(&right, &[(&col(0), &col(5)), (&col(1), &col(6))]));
        assert!(!left.meets(
            &by_hash(&[col(5), col(5)], 3),
            &[(&col(0), &col(5)), (&col(1), &col(5))]
        ));
        assert!(!Spread::One.meets(&right, &[(&col(0), &col(5))]));
    }

    #[test]
    fn a_lost_key_loses_the_spread() {
        let spread = by_hash(&[col(1), col(2)], 4);
        assert_eq!(
            spread
                .clone()
                .through(&|e| if *e == col(1) { vec![col(0)] } else { vec![] }),
            Spread::Any
        );
        assert_eq!(spread.through(&|e| shifted(e, 2)), by_hash(&[col(3), col(4)], 4));
    }
}
