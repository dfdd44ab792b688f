//! Join hints: how users ask joins to run (Catalyst's `ResolvedHint` and `JoinHint`).
//!
//! A [`Hint`] stands over the relation or the result that the user named. At the end of analysis each one moves to the
//! join above it and stays there as that join's [`JoinHint`]; rules carry it along, lowering and distribution honour it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PlanRef;

/// How a join is asked to treat one of its sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JoinStrategy {
    /// Copy this side to every task (`BROADCAST`, `BROADCASTJOIN`, `MAPJOIN`).
    Broadcast,
    /// Spread both sides by the keys (`MERGE`, `SHUFFLE_MERGE`, `MERGEJOIN`).
    ShuffleMerge,
    /// Spread both sides by the keys and build this one (`SHUFFLE_HASH`).
    ShuffleHash,
    /// Compare all pairs (`SHUFFLE_REPLICATE_NL`).
    ShuffleReplicateNl,
}

impl JoinStrategy {
    /// The strategy that a hint's name asks for.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "BROADCAST" | "BROADCASTJOIN" | "MAPJOIN" => Some(Self::Broadcast),
            "MERGE" | "SHUFFLE_MERGE" | "MERGEJOIN" => Some(Self::ShuffleMerge),
            "SHUFFLE_HASH" => Some(Self::ShuffleHash),
            "SHUFFLE_REPLICATE_NL" => Some(Self::ShuffleReplicateNl),
            _ => None,
        }
    }
}

impl fmt::Display for JoinStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broadcast => "broadcast",
            Self::ShuffleMerge => "merge",
            Self::ShuffleHash => "shuffle_hash",
            Self::ShuffleReplicateNl => "shuffle_replicate_nl",
        })
    }
}

/// What is asked of a join, by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JoinHint {
    /// Of the left side.
    pub left: Option<JoinStrategy>,
    /// Of the right side.
    pub right: Option<JoinStrategy>,
}

impl JoinHint {
    /// Nothing asked.
    pub fn is_none(&self) -> bool {
        self.left.is_none() && self.right.is_none()
    }

    /// Whether some side asks for this.
    pub fn asks(&self, strategy: JoinStrategy) -> bool {
        self.left == Some(strategy) || self.right == Some(strategy)
    }

    /// For the same join with its sides exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            left: self.right,
            right: self.left,
        }
    }
}

/// ` hint: left broadcast, right merge`, or nothing.
impl fmt::Display for JoinHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.left, self.right) {
            (None, None) => Ok(()),
            (Some(l), None) => write!(f, " hint: left {l}"),
            (None, Some(r)) => write!(f, " hint: right {r}"),
            (Some(l), Some(r)) => write!(f, " hint: left {l}, right {r}"),
        }
    }
}

/// A join hint over the relation or result that it names; no plan holds one after analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// What the hint is on.
    pub input: PlanRef,
    /// What is asked of the join above.
    pub strategy: JoinStrategy,
}
