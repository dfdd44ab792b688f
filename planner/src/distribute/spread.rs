//! How the rows of a plan lie over the tasks of its stage.

use rsql_expr::{Expr, Slot};

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

/// Rows spread by the partition hash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HashSpread {
    /// By key: expressions over the plan's output that all have the key's value.
    pub keys: Vec<Vec<Expr>>,
    /// Partitions.
    pub partitions: usize,
}

impl Spread {
    /// Spread by these keys.
    pub(crate) fn hash(keys: &[Expr], partitions: usize) -> Self {
        Self::Hash(HashSpread {
            keys: keys.iter().map(|k| vec![k.clone()]).collect(),
            partitions,
        })
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
    pub(super) fn positions_in(&self, exprs: &[&Expr]) -> Option<(Vec<usize>, usize)> {
        let Self::Hash(h) = self else { return None };
        let position = |alternatives: &Vec<Expr>| exprs.iter().position(|e| alternatives.contains(e));
        Some((h.keys.iter().map(position).collect::<Option<_>>()?, h.partitions))
    }

    /// Whether rows whose keys are equal pair by pair are in one task. A key may occur in several pairs.
    pub(super) fn meets(&self, other: &Self, keys: &[(&Expr, &Expr)]) -> bool {
        let (Self::Hash(l), Self::Hash(r)) = (self, other) else {
            return false;
        };
        let is_pair = |(l, r): (&Vec<Expr>, &Vec<Expr>)| keys.iter().any(|(a, b)| l.contains(a) && r.contains(b));
        l.partitions == r.partitions && l.keys.len() == r.keys.len() && l.keys.iter().zip(&r.keys).all(is_pair)
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
        Self::Hash(HashSpread {
            keys,
            partitions: h.partitions,
        })
    }

    /// Both hold of the same rows; they were found to agree.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Hash(mut a), Self::Hash(b)) if a.keys.len() == b.keys.len() && a.partitions == b.partitions => {
                a.keys.iter_mut().zip(b.keys).for_each(|(a, b)| a.extend(b));
                Self::Hash(a)
            }
            (a, _) => a,
        }
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

    #[test]
    fn a_subset_of_the_keys_brings_rows_together() {
        let spread = Spread::hash(&[col(1)], 4);
        assert!(spread.brings_together(&[col(0), col(1)]));
        assert!(!spread.brings_together(&[col(0)]));
        assert!(!Spread::Any.brings_together(&[col(0)]));
        assert_eq!(spread.positions_in(&[&col(3), &col(1)]), Some((vec![1], 4)));
        assert_eq!(spread.positions_in(&[&col(3)]), None);
    }

    #[test]
    fn sides_meet_by_pairs_of_keys() {
        let (a, b, c) = (col(0), col(1), col(2));
        // a = c AND b = c: the right side is spread by one column twice.
        let keys = [(&a, &c), (&b, &c)];
        let left = Spread::hash(&[col(0), col(1)], 4);
        assert!(left.meets(&Spread::hash(&[col(2), col(2)], 4), &keys));
        assert!(!left.meets(&Spread::hash(&[col(2), col(1)], 4), &keys));
        assert!(!left.meets(&Spread::hash(&[col(2)], 4), &keys));
        assert!(!left.meets(&Spread::hash(&[col(2), col(2)], 5), &keys));
    }

    #[test]
    fn a_lost_key_loses_the_spread() {
        let spread = Spread::hash(&[col(1), col(2)], 4);
        assert_eq!(
            spread
                .clone()
                .through(&|e| if *e == col(1) { vec![col(0)] } else { vec![] }),
            Spread::Any
        );
        assert_eq!(spread.through(&|e| shifted(e, 2)), Spread::hash(&[col(3), col(4)], 4));
    }
}
