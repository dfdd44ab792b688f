//! Projections: outer columns and doubles get ids of their own.

use std::collections::HashSet;
use std::sync::Arc;

use rsql_expr::{Column, Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::field_for;

use crate::env::Env;

/// Projects `plan` to named expressions. A column of `plan` keeps its id the first time; everything else gets a fresh
/// one, columns of enclosing queries too, so that no two nodes of a plan produce the same id.
pub(crate) fn project(plan: LogicalPlan, exprs: Vec<(Expr, Arc<str>)>, env: Env<'_>) -> LogicalPlan {
    let mut seen = HashSet::new();
    let mut fields: Vec<Field> = Vec::with_capacity(exprs.len());
    for (e, name) in &exprs {
        let mut field = field_for(e, Arc::clone(name), plan.schema(), &env.cx.ids);
        let foreign = matches!(e, Expr::Column(Column { id, .. }) if plan.schema().field(*id).is_none());
        if foreign || !seen.insert(field.id) {
            field.id = env.id();
            if let Expr::Column(c) = e {
                env.cx.char_columns.inherit(c.id, field.id);
            }
        }
        fields.push(field);
    }
    let exprs = exprs.into_iter().map(|(e, _)| e).collect();
    plan.project_to(exprs, fields)
}
