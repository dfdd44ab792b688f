//! Queries: WITH, the body, then ordering and limits.

use rsql_ast::{Query, SetExpr};
use rsql_common::Result;
use rsql_planner::LogicalPlan;

use crate::env::{Env, deep};
use crate::order::{Tail, organize};
use crate::scope::Rel;

/// The plan of a query.
pub(crate) fn analyze(query: &Query, env: Env<'_>) -> Result<LogicalPlan> {
    let env = Env { hints: None, ..env };
    deep(|| match &query.with {
        Some(with) => crate::cte::with_definitions(with, env, &mut |env| body(query, env)),
        None => body(query, env),
    })
}

fn body(query: &Query, env: Env<'_>) -> Result<LogicalPlan> {
    let tail = Tail::of(query);
    match &query.body {
        SetExpr::Select(select) => crate::select::analyze(select, &tail, env).map(|r| r.plan),
        other => organize(set_expr(other, env)?, &tail, env).map(|r| r.output(env)),
    }
}

/// A query's body as a relation.
pub(crate) fn set_expr(body: &SetExpr, env: Env<'_>) -> Result<Rel> {
    deep(|| match body {
        SetExpr::Select(select) => crate::select::analyze(select, &Tail::default(), env),
        // Hints of a pipe look into parentheses.
        SetExpr::Query(query) if query.with.is_none() => Ok(Rel::new(self::body(query, env)?, &[])),
        SetExpr::Query(query) => Ok(Rel::new(analyze(query, env)?, &[])),
        SetExpr::SetOp {
            op,
            all,
            by_name,
            inputs,
        } => {
            let inputs = inputs
                .iter()
                .map(|i| Ok(set_expr(i, env)?.output(env)))
                .collect::<Result<Vec<_>>>()?;
            Ok(Rel::new(crate::set_op::combine(*op, *all, *by_name, inputs, env)?, &[]))
        }
        SetExpr::Values(rows) => crate::values::analyze(rows, rsql_common::Span::NONE, env),
        SetExpr::Table(name) => {
            let rel = crate::relation::named(name, env)?;
            let parts: Vec<&str> = name.parts().collect();
            Ok(match env.hints {
                Some(hints) => hints.on_name(rel, &parts, env),
                None => rel,
            })
        }
        SetExpr::Pipe { input, ops } => crate::pipe::analyze(input, ops, env),
        SetExpr::From(relation) => crate::relation::analyze(relation, env),
    })
}
