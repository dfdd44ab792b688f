//! `window(ts, width[, slide[, start]])` in a query: the windows become a column named `window`, which the clauses read.
//!
//! Windows that do not overlap are an expression over the timestamp. Overlapping ones are unnested: each row once for
//! every window it lies in. Rows without a timestamp lie in none.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::expr::FunctionCall;
use rsql_ast::query::{GroupItem, Select};
use rsql_common::{Error, Result, Span};
use rsql_expr::{Expr, Field};
use rsql_planner::logical::build::column;

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, ScopeColumn};

/// The window column of a query and the call it stands for.
#[derive(Debug, Clone)]
pub(crate) struct TimeWindow {
    /// The call as written.
    pub call: FunctionCall,
    /// The column.
    pub column: ScopeColumn,
}

/// `rel` with the window column that the query's select list or GROUP BY asks for.
pub(crate) fn add(rel: Rel, select: &Select, env: Env<'_>) -> Result<Rel> {
    let mut calls: Vec<(&FunctionCall, Span)> = Vec::new();
    for e in select.items.iter().chain(group_expressions(select)) {
        find(e, &mut calls);
    }
    let Some((call, span)) = calls.first() else {
        return Ok(rel);
    };
    if calls.iter().any(|(c, _)| c.args != call.args) {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1039").at(*span));
    }
    let Rel { plan, mut scope } = rel;
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &scope, Allow::rows("window"), &mut out);
    let args = call
        .args
        .iter()
        .map(|a| binder.expr(&a.value))
        .collect::<Result<Vec<_>>>()?;
    let Some(time) = args.first().cloned() else {
        return Ok(Rel { plan, scope });
    };
    let overlapping = args.len() > 2;
    let windows = binder.scalar(if overlapping { "time_windows" } else { "window" }, args, *span)?;
    let mut plan = plant(plan, out.subqueries).filter(Expr::IsNotNull(Box::new(time)));
    let expr = match windows.ty() {
        rsql_expr::SqlType::Array(array) if overlapping => {
            let field = Field {
                id: env.id(),
                name: "window".into(),
                ty: array.element.clone(),
                nullable: false,
            };
            let expr = column(&field);
            plan = plan.generate(Arc::from("explode"), vec![windows], false, vec![field]);
            expr
        }
        _ => windows,
    };
    scope.time_window = Some(Arc::new(TimeWindow {
        call: (*call).clone(),
        column: ScopeColumn {
            qualifier: [].into(),
            name: "window".into(),
            expr,
            qualified_only: false,
        },
    }));
    Ok(Rel { plan, scope })
}

fn group_expressions(select: &Select) -> Vec<&ast::Expr> {
    fn item<'q>(i: &'q GroupItem, out: &mut Vec<&'q ast::Expr>) {
        match i {
            GroupItem::Expr(e) => out.push(e),
            GroupItem::Rollup(sets) | GroupItem::Cube(sets) => out.extend(sets.iter().flatten()),
            GroupItem::Set(set) => out.extend(set),
            GroupItem::GroupingSets(items) | GroupItem::WithSets(items) => items.iter().for_each(|i| item(i, out)),
            GroupItem::WithRollup | GroupItem::WithCube => {}
        }
    }
    let mut out = Vec::new();
    for i in select.group_by.iter().flat_map(|g| &g.items) {
        item(i, &mut out);
    }
    out
}

/// Calls of `window` in an expression, as far as it is made of aliases, fields, operators, casts and calls.
fn find<'q>(e: &'q ast::Expr, out: &mut Vec<(&'q FunctionCall, Span)>) {
    match &e.kind {
        ExprKind::Function(call) => {
            let named = call.name.0.len() == 1 && call.name.last().eq_ignore_ascii_case("window");
            if named && call.over.is_none() && (2..=4).contains(&call.args.len()) {
                out.push((call, e.span));
            }
            call.args.iter().for_each(|a| find(&a.value, out));
        }
        ExprKind::Alias { expr, .. }
        | ExprKind::Field { expr, .. }
        | ExprKind::Cast { expr, .. }
        | ExprKind::Unary { expr, .. } => find(expr, out),
        ExprKind::Binary { left, right, .. } => {
            find(left, out);
            find(right, out);
        }
        _ => {}
    }
}
