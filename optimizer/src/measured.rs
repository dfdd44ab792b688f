//! The order of joins once more, while a query runs: the optimizer's answer to adaptive planning.
//!
//! ```text
//! Join Inner on (a = c)           Join Inner on (a = b)
//!   Join Inner on (a = b)     →     Join Inner on (a = c)
//!     cte9  (1 row expected)          cte9  (900,000 rows came)
//!     cte7                            cte8
//!   cte8                            cte7
//! ```
//! The leaves are outputs of stages and what is still to be computed of such; how many rows they have was measured. What is
//! thought of their columns comes from the query's optimized plan, whose columns keep their ids down to the stages: a column
//! has the values that it had where it was made, as far as they survive in so many rows. Filters do not count there: it is
//! their estimates that were wrong.

use std::collections::HashMap;
use std::sync::OnceLock;

use rsql_common::ids::IdGen;
use rsql_common::{ColumnId, Result};
use rsql_expr::FunctionRegistry;
use rsql_planner::adaptive::{JoinPlanner, Leaf};
use rsql_planner::{Estimates, LogicalPlan};

use crate::OptimizerContext;
use crate::join_order::{ReorderJoin, reorder};
use crate::rule::PlanPass;
use crate::rules::column_pruning::ColumnPruning;
use crate::statistics::{ColumnStatistics, Definitions, Statistics, derive};

/// See the module.
pub struct MeasuredJoins {
    plan: LogicalPlan,
    cx: OptimizerContext,
    /// By column, what is thought of it where it is made, and rows there. Few queries ask.
    origins: OnceLock<HashMap<ColumnId, (ColumnStatistics, f64)>>,
}

impl std::fmt::Debug for MeasuredJoins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeasuredJoins").finish_non_exhaustive()
    }
}

impl MeasuredJoins {
    /// For a query with this optimized plan; none if its session does not want joins ordered.
    pub fn new(plan: LogicalPlan, cx: OptimizerContext) -> Option<Self> {
        crate::driver::is_on(&cx.settings, ReorderJoin.name()).then(|| Self {
            plan,
            cx,
            origins: OnceLock::new(),
        })
    }

    fn columns(&self, leaf: &Leaf) -> Vec<ColumnStatistics> {
        let origins = self.origins.get_or_init(|| origins(&self.plan));
        let column = |id: ColumnId| match origins.get(&id) {
            Some((known, rows)) => {
                let mut there = Statistics::unknown(*rows);
                there.columns.insert(id, known.clone());
                there.scaled(leaf.rows).columns.remove(&id).unwrap_or_default()
            }
            None => ColumnStatistics::default(),
        };
        leaf.schema.iter().map(|f| column(f.id)).collect()
    }
}

impl JoinPlanner for MeasuredJoins {
    fn plan(&self, joins: LogicalPlan, leaves: &[Leaf], anew: bool) -> Result<(LogicalPlan, Estimates)> {
        let mut definitions = Definitions::new();
        for leaf in leaves {
            definitions.insert(leaf.id, (leaf.rows, self.columns(leaf)));
        }
        let joins = match anew {
            true => reorder(joins, &mut definitions)?,
            false => joins,
        };
        let joins = ColumnPruning.run(joins, &self.cx)?;
        let mut estimates = Estimates::unknown();
        derive(&joins, &mut definitions, Some(&mut estimates));
        Ok((joins, estimates))
    }

    fn registry(&self) -> &FunctionRegistry {
        &self.cx.registry
    }

    fn ids(&self) -> &IdGen {
        &self.cx.ids
    }
}

/// What is thought of each column of a plan where it is made.
fn origins(plan: &LogicalPlan) -> HashMap<ColumnId, (ColumnStatistics, f64)> {
    let mut definitions = Definitions::new();
    // References come behind what they refer to only in a walk of the whole.
    derive(plan, &mut definitions, None);
    let mut found = HashMap::new();
    collect(plan, &mut definitions, &mut found);
    found
}

fn collect(plan: &LogicalPlan, definitions: &mut Definitions, found: &mut HashMap<ColumnId, (ColumnStatistics, f64)>) {
    crate::walk::with_stack(|| {
        for child in plan.children() {
            collect(child, definitions, found);
        }
        if plan.schema().iter().all(|f| found.contains_key(&f.id)) {
            return;
        }
        let made = match plan {
            LogicalPlan::Scan(n) => {
                let mut n = n.clone();
                n.filters.clear();
                n.limit = None;
                derive(&LogicalPlan::Scan(n), definitions, None)
            }
            other => derive(other, definitions, None),
        };
        let rows = made.rows;
        for (id, column) in made.columns {
            found.entry(id).or_insert((column, rows));
        }
    });
}
