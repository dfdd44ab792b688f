//! EXECUTE IMMEDIATE: a statement from a string, with parameters and variables for its result.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_ast::{Expr, ExprKind, ObjectName, Query, StatementKind};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::{Literal, Schema};

use super::{name, variable};
use crate::query::StatementCx;
use crate::result::StatementOutput;
use crate::session::Parameters;
use crate::statement;

/// `EXECUTE IMMEDIATE sql [INTO a, b] [USING x AS p, …]`
pub(crate) fn run(cx: &StatementCx<'_>, sql: &Expr, into: &[ObjectName], using: &[Expr]) -> Result<StatementOutput> {
    let text = name::constant(cx, sql)?;
    let text =
        text.value.as_str().map(str::to_string).ok_or_else(|| {
            Error::user("NULL_QUERY_STRING_EXECUTE_IMMEDIATE").param("varName", sql.span.text(cx.text))
        })?;
    let parameters = parameters(cx, using)?;
    let options = rsql_sql::ParseOptions::from_settings(&cx.state.settings)?;
    let parsed = rsql_sql::parse_statement(&text, &options).map_err(|e| e.in_query(&text))?;
    if matches!(parsed.kind, StatementKind::ExecuteImmediate { .. }) {
        return Err(Error::user("NESTED_EXECUTE_IMMEDIATE").param("sqlString", text.to_uppercase()));
    }
    let is_query = matches!(parsed.kind, StatementKind::Query(_));
    if !into.is_empty() && !is_query {
        return Err(Error::user("INVALID_STATEMENT_FOR_EXECUTE_INTO").param("sqlString", text.to_uppercase()));
    }
    let before = std::mem::replace(&mut *cx.session.parameters.write(), parameters);
    let inner = StatementCx::new(cx.session, &text, &cx.cancel);
    let outcome = match &parsed.kind {
        StatementKind::Query(query) if !into.is_empty() => assign(&inner, into, query),
        _ => statement::run(&inner, &parsed),
    };
    *cx.session.parameters.write() = before;
    outcome.map_err(|e| e.in_query(&text))
}

fn assign(cx: &StatementCx<'_>, into: &[ObjectName], query: &Query) -> Result<StatementOutput> {
    let mut targets = Vec::new();
    for target in into {
        let parts: Vec<String> = target.parts().map(str::to_string).collect();
        let found = variable::find(cx, &parts)?;
        if targets.iter().any(|(k, _)| *k == found.0) {
            return Err(Error::user("DUPLICATE_ASSIGNMENTS").param("nameList", quoted_name([&found.0])));
        }
        targets.push(found);
    }
    let (schema, mut rows) = literals(cx, query)?;
    if schema.len() != targets.len() {
        return Err(Error::user("ASSIGNMENT_ARITY_MISMATCH")
            .param("numTarget", targets.len().to_string())
            .param("numExpr", schema.len().to_string()));
    }
    if rows.len() > 1 {
        return Err(Error::user("ROW_SUBQUERY_TOO_MANY_ROWS"));
    }
    let row = rows
        .pop()
        .unwrap_or_else(|| schema.iter().map(|f| Literal::null(f.ty.clone())).collect());
    variable::assign(cx, targets, row)
}

fn parameters(cx: &StatementCx<'_>, using: &[Expr]) -> Result<Parameters> {
    let mut positional = Vec::new();
    let mut named = HashMap::new();
    for argument in using {
        match &argument.kind {
            ExprKind::Alias { expr, names } => {
                let value = name::constant(cx, expr)?;
                let key = names.first().map(|n| n.value.clone()).unwrap_or_default();
                if named.insert(key.clone(), value).is_some() {
                    return Err(Error::user("EXEC_IMMEDIATE_DUPLICATE_ARGUMENT_ALIASES").param("aliases", key));
                }
            }
            _ => positional.push(name::constant(cx, argument)?),
        }
    }
    if !positional.is_empty() && !named.is_empty() {
        return Err(Error::user("INVALID_QUERY_MIXED_QUERY_PARAMETERS"));
    }
    Ok(Parameters {
        positional: positional.into(),
        named: Arc::new(named),
    })
}

/// A query's rows as literals.
pub(super) fn literals(cx: &StatementCx<'_>, query: &Query) -> Result<(Schema, Vec<Vec<Literal>>)> {
    let (schema, chunks) = cx.run_query(query)?;
    let mut rows = Vec::new();
    for chunk in chunks {
        let chunk = chunk.compact()?;
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        for row in 0..chunk.len {
            let cells = arrays.iter().zip(schema.iter()).map(|(array, field)| {
                Ok(Literal::new(
                    rsql_expr::eval::scalar_at(array.as_ref(), row, &field.ty)?,
                    field.ty.clone(),
                ))
            });
            rows.push(cells.collect::<Result<Vec<_>>>()?);
        }
    }
    Ok((schema, rows))
}
