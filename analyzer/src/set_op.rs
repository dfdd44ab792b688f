//! UNION, INTERSECT, EXCEPT: columns meet by position or by name, each under the type both sides have in common.

use std::sync::Arc;

use rsql_ast::query::SetOp as Written;
use rsql_common::{Error, Result, Span, ordinal_word, quoted_name};
use rsql_expr::coerce::{cast_to, wider_type};
use rsql_expr::{Expr, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::SetOpKind;

use crate::env::{Env, not_sparks};

/// Refuses DISTINCT over maps, which Spark cannot compare; the default answers.
pub(crate) fn comparable(schema: &rsql_expr::Schema, env: Env<'_>) -> Result<()> {
    if env.cx.settings.strict() {
        no_maps(schema)?;
    }
    Ok(())
}

fn no_maps(schema: &rsql_expr::Schema) -> Result<()> {
    match schema.iter().find(|f| f.ty.holds_map()) {
        None => Ok(()),
        Some(f) => Err(Error::user("UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE")
            .param("colName", quoted_name([&f.name]))
            .param("dataType", f.ty.quoted())),
    }
}

/// Combines two or more inputs, left to right.
pub(crate) fn combine(
    op: Written,
    all: bool,
    by_name: bool,
    mut inputs: Vec<LogicalPlan>,
    env: Env<'_>,
) -> Result<LogicalPlan> {
    let operator = match op {
        Written::Union => "UNION",
        Written::Intersect => "INTERSECT",
        Written::Except => "EXCEPT",
    };
    if by_name {
        if env.cx.settings.strict() {
            return Err(not_sparks("BY", Span::NONE));
        }
        inputs = matched_by_name(inputs, operator, env)?;
    }
    if !(op == Written::Union && all) {
        for plan in &inputs {
            no_maps(plan.schema())?;
        }
    }
    let inputs = widened(inputs, operator, env)?;
    let mut inputs = inputs.into_iter().map(Arc::new);
    match op {
        Written::Union => {
            let plan = LogicalPlan::union(inputs.collect(), &env.cx.ids);
            Ok(if all { plan } else { plan.distinct() })
        }
        Written::Intersect | Written::Except => {
            let kind = if op == Written::Intersect {
                SetOpKind::Intersect
            } else {
                SetOpKind::Except
            };
            let Some(first) = inputs.next() else {
                return Err(Error::internal("set operation without inputs"));
            };
            let plan = inputs.fold(first, |l, r| {
                Arc::new(LogicalPlan::set_op(kind, all, l, r, &env.cx.ids))
            });
            Ok(Arc::unwrap_or_clone(plan))
        }
    }
}

/// All inputs with equal types by position.
fn widened(inputs: Vec<LogicalPlan>, operator: &str, env: Env<'_>) -> Result<Vec<LogicalPlan>> {
    let Some(first) = inputs.first() else { return Ok(inputs) };
    let mut types: Vec<SqlType> = first.schema().iter().map(|f| f.ty.clone()).collect();
    let cx = env.resolve_cx(operator, Span::NONE);
    for (n, input) in inputs.iter().enumerate().skip(1) {
        let schema = input.schema();
        if schema.len() != types.len() {
            return Err(Error::user("NUM_COLUMNS_MISMATCH")
                .param("operator", operator)
                .param("firstNumColumns", types.len().to_string())
                .param("invalidOrdinalNum", ordinal_word(n))
                .param("invalidNumColumns", schema.len().to_string()));
        }
        for (i, (ty, f)) in types.iter_mut().zip(schema.iter()).enumerate() {
            let Some(wide) = wider_type(ty, &f.ty, &cx) else {
                return Err(Error::user("INCOMPATIBLE_COLUMN_TYPE")
                    .param("operator", operator)
                    .param("columnOrdinalNumber", ordinal_word(i))
                    .param("tableOrdinalNumber", ordinal_word(n))
                    .param("dataType1", f.ty.quoted())
                    .param("dataType2", ty.quoted())
                    .param("hint", ""));
            };
            *ty = wide;
        }
    }
    Ok(inputs.into_iter().map(|p| cast_columns(p, &types, env)).collect())
}

/// The plan with its columns cast to `types`.
pub(crate) fn cast_columns(plan: LogicalPlan, types: &[SqlType], env: Env<'_>) -> LogicalPlan {
    if plan.schema().iter().zip(types).all(|(f, t)| f.ty == *t) {
        return plan;
    }
    let cx = env.resolve_cx("cast", Span::NONE);
    let exprs = plan
        .schema()
        .iter()
        .zip(types)
        .map(|(f, t)| {
            (
                cast_to(rsql_planner::logical::build::column(f), t, &cx),
                Arc::clone(&f.name),
            )
        })
        .collect();
    crate::project::project(plan, exprs, env)
}

/// Later inputs' columns in the order of the first input's names.
fn matched_by_name(inputs: Vec<LogicalPlan>, operator: &str, env: Env<'_>) -> Result<Vec<LogicalPlan>> {
    let Some(first) = inputs.first() else { return Ok(inputs) };
    let names: Vec<Arc<str>> = first.schema().iter().map(|f| Arc::clone(&f.name)).collect();
    let mut out: Vec<LogicalPlan> = Vec::with_capacity(inputs.len());
    for (n, input) in inputs.into_iter().enumerate() {
        let schema = input.schema().clone();
        let mut seen: Vec<&str> = Vec::new();
        for f in schema.iter() {
            if seen.iter().any(|s| env.same_name(s, &f.name)) {
                return Err(Error::user("COLUMN_ALREADY_EXISTS").param("columnName", quoted_name([&f.name])));
            }
            seen.push(&f.name);
        }
        if n == 0 {
            out.push(input);
            continue;
        }
        if schema.len() != names.len() {
            return Err(Error::user("NUM_COLUMNS_MISMATCH")
                .param("operator", operator)
                .param("firstNumColumns", names.len().to_string())
                .param("invalidOrdinalNum", ordinal_word(n))
                .param("invalidNumColumns", schema.len().to_string()));
        }
        let mut exprs: Vec<(Expr, Arc<str>)> = Vec::with_capacity(names.len());
        for name in &names {
            let Some(f) = schema.iter().find(|f| env.same_name(&f.name, name)) else {
                let fields: Vec<String> = schema.iter().map(|f| f.name.to_string()).collect();
                return Err(Error::user("_LEGACY_ERROR_TEMP_1201")
                    .param("colName", name.to_string())
                    .param("fieldNames", fields.join(", ")));
            };
            exprs.push((rsql_planner::logical::build::column(f), Arc::clone(name)));
        }
        out.push(crate::project::project(input, exprs, env));
    }
    Ok(out)
}
