//! DEFAULT in the rows of an INSERT: the column's default expression takes its place.

use std::borrow::Cow;

use rsql_ast::query::SetExpr;
use rsql_ast::{Expr, ExprKind, Literal, Query, Relation};
use rsql_catalog::session::TableEntry;
use rsql_common::Result;

use super::column;
use crate::query::StatementCx;

/// `query` with each DEFAULT that stands for a whole value replaced; `wanted` are the columns its values go to.
pub(super) fn fill_defaults<'q>(
    cx: &StatementCx<'_>,
    query: &'q Query,
    table: &TableEntry,
    wanted: &[usize],
) -> Result<Cow<'q, Query>> {
    replace_defaults(query, || {
        let mut values = Vec::with_capacity(wanted.len());
        for i in wanted {
            let default = column::default_expr(cx, table, *i)?;
            values.push(default.unwrap_or_else(|| Expr::literal(Literal::Null)));
        }
        Ok(values)
    })
}

/// `query` with each DEFAULT that stands for a whole value replaced by the value for its position.
pub(super) fn replace_defaults<'q>(
    query: &'q Query,
    values: impl FnOnce() -> Result<Vec<Expr>>,
) -> Result<Cow<'q, Query>> {
    if !has_default(&query.body) {
        return Ok(Cow::Borrowed(query));
    }
    let mut filled = query.clone();
    fill(&mut filled.body, &values()?);
    Ok(Cow::Owned(filled))
}

fn is_default(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Default => true,
        // A select list reads the bare word as a name.
        ExprKind::Column(parts) => {
            matches!(parts.as_slice(), [one] if !one.quoted && one.value.eq_ignore_ascii_case("DEFAULT"))
        }
        _ => false,
    }
}

fn has_default(body: &SetExpr) -> bool {
    match body {
        SetExpr::Values(rows) => rows.iter().flatten().any(is_default),
        SetExpr::Select(select) => {
            !select.from.iter().any(names_default)
                && select.items.iter().any(|e| match &e.kind {
                    ExprKind::Alias { expr, .. } => is_default(expr),
                    _ => is_default(e),
                })
                || select.from.iter().any(values_with_default)
        }
        SetExpr::Query(query) => has_default(&query.body),
        SetExpr::SetOp { inputs, .. } => inputs.iter().any(has_default),
        _ => false,
    }
}

/// True if a column called `default` is in sight: the word means that column then.
fn names_default(relation: &Relation) -> bool {
    match relation {
        Relation::Values { alias, .. } | Relation::Subquery { alias, .. } => {
            alias.columns.iter().any(|c| c.value.eq_ignore_ascii_case("DEFAULT"))
        }
        _ => false,
    }
}

fn values_with_default(relation: &Relation) -> bool {
    matches!(relation, Relation::Values { rows, .. } if rows.iter().flatten().any(is_default))
}

fn fill(body: &mut SetExpr, values: &[Expr]) {
    match body {
        SetExpr::Values(rows) => fill_rows(rows, values),
        SetExpr::Select(select) => {
            let named = select.from.iter().any(names_default);
            for (item, value) in select.items.iter_mut().zip(values) {
                let target = match &mut item.kind {
                    ExprKind::Alias { expr, .. } => expr.as_mut(),
                    _ => item,
                };
                if is_default(target) && !named {
                    *target = value.clone();
                }
            }
            for relation in &mut select.from {
                if let Relation::Values { rows, .. } = relation {
                    fill_rows(rows, values);
                }
            }
        }
        SetExpr::Query(query) => fill(&mut query.body, values),
        SetExpr::SetOp { inputs, .. } => inputs.iter_mut().for_each(|i| fill(i, values)),
        _ => {}
    }
}

fn fill_rows(rows: &mut [Vec<Expr>], values: &[Expr]) {
    for row in rows {
        for (cell, value) in row.iter_mut().zip(values) {
            if is_default(cell) {
                *cell = value.clone();
            }
        }
    }
}
