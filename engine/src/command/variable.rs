//! Session variables: DECLARE, SET VARIABLE, DROP.

use std::collections::HashSet;
use std::sync::Arc;

use rsql_ast::command::{NameExpr, StatementKind};
use rsql_ast::expr::CastKind;
use rsql_ast::query::{Select, SetExpr};
use rsql_ast::{Expr, ExprKind, ObjectName, Query};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::tree::Origin;
use rsql_expr::{Literal, SqlType};

use super::{insert_default, name, relation};
use crate::query::StatementCx;
use crate::result::StatementOutput;
use crate::session::Variable;

/// `DECLARE [OR REPLACE] [VARIABLE] a, b [type] [DEFAULT expr]`
pub(crate) fn declare(cx: &StatementCx<'_>, kind: &StatementKind) -> Result<StatementOutput> {
    let StatementKind::DeclareVariable {
        names,
        or_replace,
        ty,
        default,
    } = kind
    else {
        return Err(Error::internal("not a DECLARE VARIABLE"));
    };
    let mut keys = Vec::new();
    for name in names {
        let parts = name::parts(cx, name)?;
        let key = variable_name(&parts).ok_or_else(|| {
            Error::user("UNRESOLVED_VARIABLE")
                .param("variableName", quoted_name(&parts))
                .param("searchPath", "[`system`.`session`]")
        })?;
        if keys.contains(&key) {
            return Err(Error::user("DUPLICATE_VARIABLE_NAME_INSIDE_DECLARE").param("variableName", full_name(&key)));
        }
        keys.push(key);
    }
    if ty.is_none() && default.is_none() {
        return Err(Error::user("INVALID_SQL_SYNTAX.VARIABLE_TYPE_OR_DEFAULT_REQUIRED"));
    }
    let declared = ty
        .as_ref()
        .map(|t| cx.analyze(|cx| rsql_analyzer::resolve_type(t, cx)))
        .transpose()?;
    let value = match default {
        Some(expr) if holds_subquery(expr) => {
            let first = keys.first().cloned().unwrap_or_default();
            return Err(Error::user("INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION")
                .param("statement", "DECLARE VARIABLE")
                .param("colName", full_name(&first))
                .param("defaultValue", expr.span.text(cx.text)));
        }
        Some(expr) => name::constant(cx, expr)?,
        None => Literal::null(declared.clone().unwrap_or(SqlType::Void)),
    };
    let value = match &declared {
        Some(ty) => cast(cx, value, ty)?,
        None => value,
    };
    let mut state = cx.session.state.write();
    for key in &keys {
        if !or_replace && state.variables.contains_key(key) {
            return Err(Error::user("VARIABLE_ALREADY_EXISTS").param("variableName", full_name(key)));
        }
    }
    let variables = Arc::make_mut(&mut state.variables);
    for key in keys {
        variables.insert(
            key,
            Variable {
                value: value.clone(),
                default: value.clone(),
            },
        );
    }
    Ok(StatementOutput::none())
}

/// `SET VARIABLE a = 1, b = DEFAULT` or `SET VARIABLE (a, b) = (query)`
pub(crate) fn set(
    cx: &StatementCx<'_>,
    assignments: &[(ObjectName, Expr)],
    query: Option<&Query>,
) -> Result<StatementOutput> {
    let mut targets: Vec<(String, Variable)> = Vec::new();
    let mut seen = HashSet::new();
    for (target, _) in assignments {
        let parts: Vec<String> = target.parts().map(str::to_string).collect();
        let (key, variable) = find(cx, &parts)?;
        if !seen.insert(key.clone()) {
            return Err(Error::user("DUPLICATE_ASSIGNMENTS").param("nameList", quoted_name([&key])));
        }
        targets.push((key, variable));
    }
    let values: Vec<Literal> = match query {
        Some(query) => row_of(cx, query, &targets)?,
        None => assignments
            .iter()
            .zip(&targets)
            .map(|((_, expr), (_, variable))| match expr.kind {
                ExprKind::Default => Ok(variable.default.clone()),
                _ => value_of(cx, expr),
            })
            .collect::<Result<_>>()?,
    };
    assign(cx, targets, values)
}

/// Gives variables the values of a row, cast to their types.
pub(super) fn assign(
    cx: &StatementCx<'_>,
    targets: Vec<(String, Variable)>,
    values: Vec<Literal>,
) -> Result<StatementOutput> {
    let mut changed = Vec::new();
    for ((key, variable), value) in targets.into_iter().zip(values) {
        let value = cast(cx, value, &variable.value.ty)?;
        changed.push((key, Variable { value, ..variable }));
    }
    let mut state = cx.session.state.write();
    Arc::make_mut(&mut state.variables).extend(changed);
    Ok(StatementOutput::none())
}

/// `DROP TEMPORARY VARIABLE [IF EXISTS]`
pub(crate) fn drop(cx: &StatementCx<'_>, name: &NameExpr, if_exists: bool) -> Result<StatementOutput> {
    let parts = name::parts(cx, name)?;
    let mut state = cx.session.state.write();
    let removed = match variable_name(&parts) {
        Some(key) => Arc::make_mut(&mut state.variables).shift_remove(&key).is_some(),
        None => {
            return Err(Error::user("UNRESOLVED_VARIABLE")
                .param("variableName", quoted_name(&parts))
                .param("searchPath", "[`system`.`session`]"));
        }
    };
    if removed || if_exists {
        return Ok(StatementOutput::none());
    }
    let key = variable_name(&parts).unwrap_or_default();
    Err(Error::user("VARIABLE_NOT_FOUND").param("variableName", full_name(&key)))
}

/// The variable a name of one to three parts means.
pub(super) fn find(cx: &StatementCx<'_>, parts: &[String]) -> Result<(String, Variable)> {
    variable_name(parts)
        .and_then(|key| cx.state.variables.get(&key).map(|v| (key, v.clone())))
        .ok_or_else(|| {
            let database = cx.state.catalog.current_database();
            Error::user("UNRESOLVED_VARIABLE")
                .param("variableName", quoted_name(parts))
                .param("searchPath", relation::search_path(database))
        })
}

fn row_of(cx: &StatementCx<'_>, query: &Query, targets: &[(String, Variable)]) -> Result<Vec<Literal>> {
    let query =
        insert_default::replace_defaults(query, || targets.iter().map(|(_, v)| written(cx, &v.default)).collect())?;
    let (schema, rows) = super::execute_immediate::literals(cx, &query)?;
    if schema.len() != targets.len() {
        return Err(Error::user("ASSIGNMENT_ARITY_MISMATCH")
            .param("numExpr", schema.len().to_string())
            .param("numTarget", targets.len().to_string()));
    }
    let mut rows = rows.into_iter();
    let first = rows.next();
    if rows.next().is_some() {
        return Err(Error::user("ROW_SUBQUERY_TOO_MANY_ROWS"));
    }
    Ok(first.unwrap_or_else(|| schema.iter().map(|f| Literal::null(f.ty.clone())).collect()))
}

/// A value as an expression: its text, cast to its type.
fn written(cx: &StatementCx<'_>, value: &Literal) -> Result<Expr> {
    let options = rsql_sql::ParseOptions::from_settings(&cx.state.settings)?;
    let text = cast(cx, value.clone(), &SqlType::String)?;
    let text = match text.value.as_str() {
        Some(text) => rsql_ast::Literal::String(text.to_string()),
        None => rsql_ast::Literal::Null,
    };
    Ok(Expr::of(ExprKind::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::literal(text)),
        ty: rsql_sql::parse_type(&value.ty.sql(), &options)?,
    }))
}

/// The value of an expression that may hold subqueries.
fn value_of(cx: &StatementCx<'_>, expr: &Expr) -> Result<Literal> {
    let select = Select {
        items: vec![expr.clone()],
        ..Select::default()
    };
    let query = Query::of(SetExpr::Select(Box::new(select)));
    let (_, rows) = super::execute_immediate::literals(cx, &query)?;
    rows.into_iter()
        .next()
        .and_then(|row| row.into_iter().next())
        .ok_or_else(|| Error::internal("an expression gave no value"))
}

pub(super) fn holds_subquery(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::ScalarSubquery(_) | ExprKind::Exists(_) | ExprKind::InSubquery { .. }
    )
}

/// `value` as `ty`, by the session's cast rules.
pub(super) fn cast(cx: &StatementCx<'_>, value: Literal, ty: &SqlType) -> Result<Literal> {
    if value.ty == *ty {
        return Ok(value);
    }
    let array = rsql_expr::eval::literal_array(&value)?;
    let mode = cx.options.mode();
    let cast = rsql_expr::cast::cast_array(&array, &value.ty, ty, mode, &cx.options, Origin::default())?;
    Ok(Literal::new(
        rsql_expr::eval::scalar_at(cast.as_ref(), 0, ty)?,
        ty.clone(),
    ))
}

/// Lower-case name of `x`, `session.x`, `system.session.x`.
fn variable_name(parts: &[String]) -> Option<String> {
    let is = |part: &String, name: &str| part.eq_ignore_ascii_case(name);
    match parts {
        [one] => Some(one.to_lowercase()),
        [schema, one] if is(schema, "session") => Some(one.to_lowercase()),
        [catalog, schema, one] if is(catalog, "system") && is(schema, "session") => Some(one.to_lowercase()),
        _ => None,
    }
}

fn full_name(key: &str) -> String {
    quoted_name(["system", "session", key])
}
