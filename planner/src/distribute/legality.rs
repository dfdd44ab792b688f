//! Which joins may run over which spreads of their sides.
//!
//! A side that is copied to every task must not be preserved: its unmatched rows would come once a task. NULL-aware
//! joins look at all right rows for each left row, so only a copied right side shows them all.

use crate::logical::JoinKind;
use crate::physical::Side;

/// Whether every task may have all of `side` while the other side is spread.
pub(crate) fn may_copy(kind: JoinKind, null_aware: bool, side: Side) -> bool {
    use JoinKind as K;
    match (kind, side) {
        (K::Inner, _) => true,
        (K::Left | K::LeftSemi | K::LeftAnti | K::LeftMark | K::LeftSingle, Side::Right) => true,
        (K::Left | K::LeftSemi | K::LeftAnti | K::LeftMark | K::LeftSingle, Side::Left) => false,
        (K::Right, Side::Left) => !null_aware,
        (K::Right, Side::Right) | (K::Full, _) => false,
    }
}

/// Whether both sides may be spread by their keys.
pub(super) fn may_partition(_kind: JoinKind, null_aware: bool) -> bool {
    !null_aware
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, copied left, copied right, both partitioned, and the last two when NULL-aware.
    const TABLE: [(JoinKind, bool, bool, bool); 8] = [
        (JoinKind::Inner, true, true, true),
        (JoinKind::Left, false, true, true),
        (JoinKind::Right, true, false, true),
        (JoinKind::Full, false, false, true),
        (JoinKind::LeftSemi, false, true, true),
        (JoinKind::LeftAnti, false, true, true),
        (JoinKind::LeftMark, false, true, true),
        (JoinKind::LeftSingle, false, true, true),
    ];

    #[test]
    fn no_preserved_side_is_copied() {
        for (kind, left, right, partitioned) in TABLE {
            assert_eq!(may_copy(kind, false, Side::Left), left, "{kind:?} left");
            assert_eq!(may_copy(kind, false, Side::Right), right, "{kind:?} right");
            assert_eq!(may_partition(kind, false), partitioned, "{kind:?} partitioned");
        }
    }

    #[test]
    fn null_aware_joins_see_every_right_row() {
        for kind in [JoinKind::LeftAnti, JoinKind::LeftMark] {
            assert!(may_copy(kind, true, Side::Right));
            assert!(!may_copy(kind, true, Side::Left));
            assert!(!may_partition(kind, true));
        }
    }
}
