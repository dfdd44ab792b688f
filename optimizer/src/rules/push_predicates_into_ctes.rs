//! A shared definition keeps only rows that some reader keeps.
//!
//! ```text
//! With cte1: Aggregate [y] t              With cte1: Filter (y = 1 OR y = 2)
//!   Join                                               Aggregate [y] t
//!     Filter (y = 1) CteRef cte1     →      Join
//!     Filter (y = 2) CteRef cte1              Filter (y = 1) CteRef cte1
//!                                             Filter (y = 2) CteRef cte1
//! ```
//! Sound: readers filter again. Not applied if one reader takes all rows, and never with predicates that may raise an error
//! or are not deterministic: other readers' rows would meet them. The predicates' part of Catalyst's
//! `PushdownPredicatesAndPruneColumnsForCTEDef`; [`super::column_pruning`] is the other.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use rsql_common::{ColumnId, CteId, Result};
use rsql_expr::{Expr, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{CteRef, With};

use crate::OptimizerContext;
use crate::predicate::{is_movable, reads_only};
use crate::rule::PlanPass;
use crate::walk::{map_children, owned, with_stack};

/// See the module.
pub struct PushDownPredicatesIntoCtes;

/// More readers than these would make a disjunction that costs more than it drops.
const MOST_READERS: usize = 8;

impl PlanPass for PushDownPredicatesIntoCtes {
    fn name(&self) -> &'static str {
        "PushdownPredicatesForCTEDef"
    }

    fn run(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<LogicalPlan> {
        let mut wanted = Wanted::default();
        wanted.read(&plan);
        match wanted.0.is_empty() {
            true => Ok(plan),
            false => Ok(wanted.push(plan)),
        }
    }
}

/// By definition, what each of its readers wants; columns are positions in the definition's output.
#[derive(Default)]
struct Wanted(HashMap<CteId, Vec<Vec<Expr>>>);

impl Wanted {
    fn read(&mut self, plan: &LogicalPlan) {
        with_stack(|| match plan {
            LogicalPlan::Filter(n) => match n.input.as_ref() {
                LogicalPlan::CteRef(reader) => {
                    let conjuncts = n.predicate.clone().split_conjuncts().into_iter();
                    let own = conjuncts.filter(|p| is_movable(p) && reads_only(p, &reader.schema));
                    self.add(reader, own.map(|p| over_positions(p, &reader.schema)).collect());
                }
                input => self.read(input),
            },
            LogicalPlan::CteRef(reader) => self.add(reader, Vec::new()),
            other => other.children().into_iter().for_each(|c| self.read(c)),
        });
    }

    fn add(&mut self, reader: &CteRef, wants: Vec<Expr>) {
        self.0.entry(reader.id).or_default().push(wants);
    }

    /// What the rows of a definition must be for at least one reader to keep them.
    fn of(&self, id: CteId, def: &LogicalPlan) -> Option<Expr> {
        let readers = self.0.get(&id)?;
        if readers.len() > MOST_READERS || readers.iter().any(Vec::is_empty) {
            return None;
        }
        let mut branches: Vec<Expr> = Vec::with_capacity(readers.len());
        for wants in readers {
            let branch = Expr::conjunction(wants.clone());
            if !branches.contains(&branch) {
                branches.push(branch);
            }
        }
        let any = match branches.len() {
            1 => branches.remove(0),
            _ => Expr::Or(branches),
        };
        let columns = def.columns();
        Some(any.replace_columns(&|c| columns.get(c.id.0 as usize).cloned()))
    }

    fn push(&self, plan: LogicalPlan) -> LogicalPlan {
        with_stack(|| {
            let Ok(plan) = map_children::<Infallible>(plan, &mut |c| Ok(self.push(c)));
            let LogicalPlan::With(With { mut defs, body }) = plan else {
                return plan;
            };
            for (id, def) in &mut defs {
                if let Some(predicate) = self.of(*id, def) {
                    *def = Arc::new(owned(std::mem::take(def)).filter(predicate));
                }
            }
            LogicalPlan::With(With { defs, body })
        })
    }
}

/// The predicate with a column's position for its id.
fn over_positions(predicate: Expr, schema: &Schema) -> Expr {
    predicate.replace_columns(&|c| {
        let mut position = c.clone();
        position.id = ColumnId(schema.index_of(c.id)? as u32);
        Some(Expr::Column(position))
    })
}
