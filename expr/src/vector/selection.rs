//! Which physical rows of a chunk count.

use std::sync::Arc;

/// Ascending positions of the selected rows; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection(Arc<[u32]>);

impl Selection {
    /// Ascending positions.
    pub fn new(rows: impl Into<Arc<[u32]>>) -> Self {
        Self(rows.into())
    }

    /// Number of selected rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if no row is selected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The positions.
    pub fn rows(&self) -> &[u32] {
        &self.0
    }

    /// The rows at `positions` of this selection: `compose` of "which of the selected".
    #[must_use]
    pub fn compose(&self, positions: &[u32]) -> Selection {
        Selection(positions.iter().map(|p| self.0[*p as usize]).collect())
    }
}
