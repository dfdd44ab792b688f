//! VALUES: rows of expressions, each column of the type its members have in common.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_common::{Error, ErrorKind, Result, Span, quoted_name};
use rsql_expr::coerce::{cast_to, wider_type_without_strings};
use rsql_expr::{Expr, Field, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Values;

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, Scope};

/// The relation of `VALUES (…), (…)`, with columns `col1`, `col2`, ….
pub(crate) fn analyze(rows: &[Vec<ast::Expr>], span: Span, env: Env<'_>) -> Result<Rel> {
    let width = rows.first().map_or(0, Vec::len);
    if let Some((i, row)) = rows.iter().enumerate().find(|(_, r)| r.len() != width) {
        return Err(miscounted(width, i, row, span));
    }
    let scope = Scope::default();
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &scope, Allow::rows("VALUES"), &mut out);
    let mut bound: Vec<Vec<Expr>> = Vec::with_capacity(rows.len());
    for row in rows {
        bound.push(row.iter().map(|e| computed(e, &mut binder)).collect::<Result<_>>()?);
    }
    let cx = env.resolve_cx("values", span);
    let mut fields = Vec::with_capacity(width);
    for i in 0..width {
        let column: Vec<Expr> = bound.iter().map(|r| r[i].clone()).collect();
        let name = format!("col{}", i + 1);
        let common = column
            .iter()
            .try_fold(SqlType::Void, |ty, e| wider_type_without_strings(&ty, &e.ty(), &cx));
        let Some(ty) = common else {
            return Err(Error::user("INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE")
                .param("colName", quoted_name([name]))
                .at(rows[0][i].span));
        };
        let nullable = column.iter().any(|e| e.nullable(&|_| true));
        fields.push(Field {
            id: env.id(),
            name: name.into(),
            ty,
            nullable,
        });
    }
    for row in &mut bound {
        for (e, f) in row.iter_mut().zip(&fields) {
            *e = cast_to(std::mem::take(e), &f.ty, &cx);
        }
    }
    if env.cx.settings.strict()
        && let Some((at, _)) = rows
            .iter()
            .flatten()
            .zip(bound.iter().flatten())
            .find(|(_, e)| !e.columns().is_empty() && out.subqueries.is_empty())
    {
        return Err(cannot_evaluate("a column of an enclosing query", at.span));
    }
    let subqueries = std::mem::take(&mut out.subqueries);
    let constant = subqueries.is_empty() && bound.iter().flatten().all(|e| e.is_foldable() && e.is_deterministic());
    let plan = if constant {
        LogicalPlan::Values(Values {
            rows: bound,
            schema: Schema::new(fields),
        })
    } else {
        one_by_one(bound, &fields, plant(LogicalPlan::one_row(), subqueries), env)
    };
    Ok(Rel::new(plan, &[]))
}

/// A member of a row, computed where that needs neither a subquery nor an enclosing query's row.
fn computed(e: &ast::Expr, binder: &mut Binder<'_>) -> Result<Expr> {
    let inner = if let ExprKind::Alias { expr, .. } = &e.kind {
        expr
    } else {
        e
    };
    let expr = binder.expr(inner).map_err(|error| match error.condition() {
        "UNSUPPORTED_EXPR_FOR_OPERATOR"
        | "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE"
        | "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT" => {
            cannot_evaluate("an aggregate, a window function or a generator", inner.span)
        }
        _ => error,
    })?;
    if matches!(expr, Expr::Literal(_)) || !binder.out.subqueries.is_empty() || !expr.columns().is_empty() {
        return Ok(expr);
    }
    if !expr.is_deterministic() {
        let name = binder.bind_named(inner)?.name;
        return Err(cannot_evaluate(&format!("\"{name}\""), inner.span));
    }
    match rsql_expr::eval::fold(&expr, &binder.env.cx.registry) {
        Ok(value) => Ok(Expr::lit(value)),
        Err(cause) if cause.kind() == ErrorKind::User => {
            let name = binder.bind_named(inner)?.name;
            Err(Error::user("INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION")
                .param("sqlExpr", format!("\"{name}\""))
                .param("cause", cause.message())
                .at(inner.span))
        }
        Err(_) => Ok(expr),
    }
}

fn cannot_evaluate(what: &str, span: Span) -> Error {
    Error::user("INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE")
        .param("expr", what)
        .at(span)
}

/// Refuses rows that are not as long as the list of names after them.
pub(crate) fn named_columns(rows: &[Vec<ast::Expr>], names: usize, span: Span) -> Result<()> {
    match rows.iter().position(|r| r.len() != names) {
        Some(i) if names > 0 => Err(miscounted(names, i, &rows[i], span)),
        _ => Ok(()),
    }
}

fn miscounted(expected: usize, index: usize, row: &[ast::Expr], span: Span) -> Error {
    Error::user("INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH")
        .param("expectedNumCols", expected.to_string())
        .param("actualNumCols", row.len().to_string())
        .param("rowIndex", index.to_string())
        .at(row.first().map_or(span, |e| e.span))
}

/// Rows that cannot be computed beforehand: a union of one projection a row.
fn one_by_one(rows: Vec<Vec<Expr>>, fields: &[Field], one: LogicalPlan, env: Env<'_>) -> LogicalPlan {
    let mut parts: Vec<Arc<LogicalPlan>> = rows
        .into_iter()
        .map(|row| {
            let named = row
                .into_iter()
                .zip(fields)
                .map(|(e, f)| (e, Arc::clone(&f.name)))
                .collect();
            Arc::new(crate::project::project(one.clone(), named, env))
        })
        .collect();
    match parts.len() {
        1 => Arc::unwrap_or_clone(parts.swap_remove(0)),
        _ => LogicalPlan::union(parts, &env.cx.ids),
    }
}
