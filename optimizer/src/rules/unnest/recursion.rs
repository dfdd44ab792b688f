//! Recursions and full outer joins, evaluated for a set of outer values.
//!
//! ```text
//! RecursiveCte r [i]                         RecursiveCte r [i, d]
//!   anchor                                     anchor over the set
//!   recursive over CteRef r     →              recursive over CteRef r as [i, d]
//! ```
//! The working table carries the outer values of its rows, so that the iterations for all values run together: a value is
//! done when an iteration gives no row of it, the recursion when none gives any. UNION drops rows it has seen of the same
//! value. A full outer join pairs rows of one value; a row without partner has its value on one side alone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rsql_common::{ColumnId, CteId, Result};
use rsql_expr::{Expr, Field, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;
use rsql_planner::logical::{CteRef, Join, PlanRef, RecursiveCte};

use super::domain::{Domain, Evaluated};

/// Whether a plan reads one of these.
pub(super) fn reads(plan: &LogicalPlan, ids: &BTreeSet<CteId>) -> bool {
    matches!(plan, LogicalPlan::CteRef(n) if ids.contains(&n.id)) || plan.children().iter().any(|c| reads(c, ids))
}

impl Domain<'_> {
    /// A recursion for all values of the set at once.
    pub(super) fn recursive_cte(&self, n: &RecursiveCte) -> Result<Evaluated> {
        let anchor = self.with_values(&n.anchor)?;
        self.working.borrow_mut().insert(n.id);
        let recursive = self.with_values(&n.recursive);
        self.working.borrow_mut().remove(&n.id);
        let (map, fields) = self.fresh_values();
        let plan = LogicalPlan::RecursiveCte(RecursiveCte {
            anchor,
            recursive: recursive?,
            schema: Schema::new(n.schema.iter().cloned().chain(fields)),
            // So many rows are wanted of each value.
            fetch: None,
            ..n.clone()
        });
        Ok(Evaluated { plan, map })
    }

    /// The working table of such a recursion, with the values of its rows.
    pub(super) fn working_table(&self, n: &CteRef) -> Evaluated {
        let (map, fields) = self.fresh_values();
        let plan = LogicalPlan::CteRef(CteRef {
            id: n.id,
            schema: Schema::new(n.schema.iter().cloned().chain(fields)),
        });
        Evaluated { plan, map }
    }

    /// Both sides joined row by row of one value.
    pub(super) fn full_join(&self, n: &Join, left: Evaluated, right: Evaluated) -> Evaluated {
        let own = |e: &Expr| super::domain::replace(e, &left.map);
        let filter = std::iter::once(self.same_values(&left.map, &right.map)).chain(n.filter.as_ref().map(own));
        let mut plan = LogicalPlan::Join(Join {
            filter: Some(Expr::conjunction(filter)),
            on: n.on.iter().map(|(l, r)| (own(l), own(r))).collect(),
            left: Arc::new(left.plan),
            right: Arc::new(right.plan),
            ..n.clone()
        });
        plan.refresh_schema();
        let kept: Vec<Field> = n.schema.iter().cloned().collect();
        let mut exprs: Vec<Expr> = kept.iter().map(column).collect();
        let (map, fields) = self.fresh_values();
        for f in self.schema.iter() {
            let (Some(l), Some(r)) = (left.map.get(&f.id), right.map.get(&f.id)) else {
                continue;
            };
            // Where the left side is missing, and where the value itself is NULL, the right side has it.
            exprs.push(Expr::Case {
                branches: vec![(Expr::IsNull(Box::new(column(l))), column(r))],
                otherwise: Some(Box::new(column(l))),
                ty: f.ty.clone(),
            });
        }
        Evaluated {
            plan: plan.project_to(exprs, kept.into_iter().chain(fields).collect()),
            map,
        }
    }

    /// A part of a recursion, its own columns first and then the values'.
    fn with_values(&self, part: &LogicalPlan) -> Result<PlanRef> {
        let e = self.push(part)?;
        let ids: Vec<ColumnId> = part
            .schema()
            .iter()
            .map(|f| f.id)
            .chain(self.columns(&e).iter().map(|f| f.id))
            .collect();
        Ok(Arc::new(e.plan.project_columns(&ids)))
    }

    /// Columns for the values, under ids of their own.
    fn fresh_values(&self) -> (HashMap<ColumnId, Field>, Vec<Field>) {
        let fresh = |f: &Field| Field {
            id: self.cx.ids.column(),
            nullable: true,
            ..f.clone()
        };
        let fields: Vec<Field> = self.schema.iter().map(fresh).collect();
        let map = self.schema.iter().map(|f| f.id).zip(fields.iter().cloned()).collect();
        (map, fields)
    }
}
