//! Table functions: `range`, generators, and SQL functions that return tables.

use std::sync::Arc;

use rsql_ast::expr::FunctionCall;
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::coerce::{cast_exactly, cast_to};
use rsql_expr::{Field, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Range;

use crate::collected::{Collected, plant};
use crate::env::{Env, Outer};
use crate::expr::sql_function::body_context;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, Scope};

/// The relation of a call in FROM.
pub(crate) fn analyze(call: &FunctionCall, span: Span, env: Env<'_>) -> Result<Rel> {
    let parts: Vec<String> = call.name.parts().map(str::to_string).collect();
    let scope = Scope::default();
    let mut out = Collected::default();
    let allow = Allow {
        generators: true,
        ..Allow::rows("FROM")
    };
    if let Some(function) = env.cx.resolver.function(&parts)? {
        let mut binder = Binder::new(env, &scope, allow, &mut out);
        let (Some(query), Some(columns)) = (&function.query, &function.returns_table) else {
            return Err(Error::user("NOT_A_TABLE_FUNCTION")
                .param("functionName", quoted_name(&function.name))
                .at(span));
        };
        let (params, _) = binder.parameter_scope(&function, call, span)?;
        let cx = body_context(env.cx, &function);
        let outer = Outer {
            scope: &params,
            next: env.outer,
            names: Default::default(),
            aggregates: None,
            parameters: true,
        };
        let inner = Env {
            cx: &cx,
            outer: Some(&outer),
            ctes: None,
            pipe: None,
            function_depth: env.function_depth + 1,
            ..env
        };
        let plan = crate::query::analyze(query, inner)?;
        let columns = columns.as_slice();
        if columns.is_empty() {
            return Ok(Rel::new(
                plan,
                &[function.name.last().map_or("", String::as_str).into()],
            ));
        }
        if plan.schema().len() != columns.len() {
            return Err(Error::user("USER_DEFINED_FUNCTIONS.RETURN_COLUMN_COUNT_MISMATCH")
                .param("outputSize", plan.schema().len().to_string())
                .param("returnParamSize", columns.len().to_string())
                .param("name", quoted_name(&function.name))
                .at(span));
        }
        let cast = env.resolve_cx("cast", span);
        let exprs = plan
            .columns()
            .into_iter()
            .zip(columns)
            .map(|(e, (name, ty))| (cast_exactly(e, ty, &cast), Arc::from(name.as_str())))
            .collect();
        let plan = crate::project::project(plan, exprs, env);
        return Ok(Rel::new(
            plan,
            &[function.name.last().map_or("", String::as_str).into()],
        ));
    }
    let Some(name) = crate::expr::call::builtin_name(&call.name.0) else {
        return Err(unresolvable(call, span));
    };
    if name == "collations" {
        return crate::collation::relation(call, span, env);
    }
    if name == "range" {
        return range(call, span, env);
    }
    if env
        .cx
        .registry
        .generator(name.strip_suffix("_outer").unwrap_or(&name))
        .is_none()
    {
        let known = env.cx.registry.contains(&name);
        return Err(if known {
            Error::user("NOT_A_TABLE_FUNCTION")
                .param("functionName", quoted_name([&name]))
                .at(span)
        } else {
            unresolvable(call, span)
        });
    }
    let mut binder = Binder::new(env, &scope, allow, &mut out);
    let e = rsql_ast::Expr::new(rsql_ast::ExprKind::Function(Box::new(call.clone())), span);
    binder.expr(&e)?;
    let subqueries = std::mem::take(&mut out.subqueries);
    let Some(g) = out.generators.pop() else {
        return Err(unresolvable(call, span));
    };
    let ids: Vec<_> = g.outputs.iter().map(|f| f.id).collect();
    let plan = plant(LogicalPlan::one_row(), subqueries)
        .generate(g.func, g.args, g.outer, g.outputs)
        .project_columns(&ids);
    Ok(Rel::new(plan, &[]))
}

fn unresolvable(call: &FunctionCall, span: Span) -> Error {
    Error::user("UNRESOLVABLE_TABLE_VALUED_FUNCTION")
        .param("name", quoted_name(call.name.parts()))
        .at(span)
}

/// `range(end)`, `range(start, end[, step[, partitions]])`
fn range(call: &FunctionCall, span: Span, env: Env<'_>) -> Result<Rel> {
    let scope = Scope::default();
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &scope, Allow::rows("range"), &mut out);
    let cx = env.resolve_cx("range", span);
    let mut values = Vec::new();
    for (i, arg) in call.args.iter().enumerate() {
        let slot = match arg.name.as_ref().map(|n| n.value.to_ascii_lowercase()).as_deref() {
            None => i,
            Some("start") => 0,
            Some("end") => 1,
            Some("step") => 2,
            Some(_) => 3,
        };
        let expr = binder.expr(&arg.value)?;
        let ty = expr.ty();
        let fits = ty.is_numeric() || ty.is_string();
        let value = if fits && expr.is_foldable() {
            let long = cast_to(expr, &SqlType::Long, &cx);
            rsql_expr::eval::fold(&long, &env.cx.registry)?.value.as_i64()
        } else {
            None
        };
        let Some(value) = value else {
            return Err(Error::user("UNEXPECTED_INPUT_TYPE")
                .param("functionName", "`range`")
                .param("paramIndex", (i + 1).to_string())
                .param("requiredType", "\"BIGINT\"")
                .param("inputSql", "")
                .param("inputType", ty.quoted())
                .at(span));
        };
        values.push((slot, value));
    }
    let by_position = call.args.iter().all(|a| a.name.is_none());
    let plain: Vec<i64> = values.iter().map(|(_, v)| *v).collect();
    let get = |slot: usize| values.iter().find(|(s, _)| *s == slot).map(|(_, v)| *v);
    let (start, end, step) = match (by_position, plain.as_slice()) {
        (true, [end]) => (0, *end, 1),
        (true, [start, end]) => (*start, *end, 1),
        (true, [start, end, step] | [start, end, step, _]) => (*start, *end, *step),
        (false, _) => (get(0).unwrap_or(0), get(1).unwrap_or(0), get(2).unwrap_or(1)),
        _ => {
            return Err(Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
                .param("functionName", "`range`")
                .param("expectedNum", "[1, 2, 3, 4]")
                .param("actualNum", plain.len().to_string())
                .at(span));
        }
    };
    if step == 0 {
        return Err(Error::user("FAILED_FUNCTION_CALL")
            .param("funcName", "`range`")
            .at(span));
    }
    let field = Field {
        id: env.id(),
        name: "id".into(),
        ty: SqlType::Long,
        nullable: false,
    };
    Ok(Rel::new(
        LogicalPlan::Range(Range {
            start,
            end,
            step,
            schema: Schema::new([field]),
        }),
        &["range".into()],
    ))
}
