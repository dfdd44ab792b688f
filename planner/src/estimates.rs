//! Row estimates of a logical plan, in a tree of the same shape: the optimizer writes it, lowering reads it.

/// Estimate of a node and of its children in [`crate::LogicalPlan::children`] order.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimates {
    /// Rows the node gives.
    pub rows: f64,
    /// The children's.
    pub children: Vec<Estimates>,
}

/// What stands in where nothing is known.
static UNKNOWN: Estimates = Estimates::unknown();

impl Estimates {
    /// Nothing is known: a thousand rows everywhere.
    pub const fn unknown() -> Self {
        Self {
            rows: 1000.0,
            children: Vec::new(),
        }
    }

    /// The estimate of child `i`.
    pub fn child(&self, i: usize) -> &Estimates {
        self.children.get(i).unwrap_or(&UNKNOWN)
    }
}

impl Default for Estimates {
    fn default() -> Self {
        Self::unknown()
    }
}
