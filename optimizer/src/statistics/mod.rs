//! Row counts and column bounds of plan nodes, derived from what scans know beforehand.
//!
//! [`mod@derive`] computes them bottom-up; `selectivity` says what part of the rows a predicate keeps; [`estimates`] puts the
//! row counts into the tree that lowering reads.

mod column;
mod derive;
mod join;
mod selectivity;

use std::collections::HashMap;

use rsql_common::{ColumnId, CteId};
use rsql_planner::{Estimates, LogicalPlan};

pub(crate) use column::ColumnStatistics;
pub(crate) use derive::{derive, group_count};
pub(crate) use join::joined;
pub(crate) use selectivity::{conjunction, filtered};

/// What is thought of a node's output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statistics {
    /// Rows.
    pub(crate) rows: f64,
    /// Columns of which something is known.
    pub(crate) columns: HashMap<ColumnId, ColumnStatistics>,
}

/// Statistics of shared definitions, by position of their columns.
pub(crate) type Definitions = HashMap<CteId, (f64, Vec<ColumnStatistics>)>;

impl Statistics {
    pub(crate) fn unknown(rows: f64) -> Self {
        Self {
            rows,
            columns: HashMap::new(),
        }
    }

    /// Distinct values of a column.
    pub(crate) fn distinct(&self, id: ColumnId) -> f64 {
        let rows = self.rows.max(1.0);
        match self.columns.get(&id).and_then(|c| c.distinct) {
            Some(d) => d.clamp(1.0, rows),
            None => column::unknown_distinct(rows),
        }
    }

    /// Fewer rows: no column has more distinct values than rows.
    pub(crate) fn scaled(mut self, rows: f64) -> Self {
        let before = self.rows.max(1.0);
        self.rows = rows;
        for c in self.columns.values_mut() {
            c.distinct = c.distinct.map(|d| column::surviving_distinct(d, before, rows));
            c.unique &= rows <= before * 1.000_001;
        }
        self
    }
}

/// Row estimates of the whole plan.
pub(crate) fn estimates(plan: &LogicalPlan) -> Estimates {
    let mut tree = Estimates::unknown();
    derive(plan, &mut Definitions::new(), Some(&mut tree));
    tree
}
