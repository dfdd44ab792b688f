//! WITH RECURSIVE: an anchor and a step that reads the rows of the last iteration.

use std::sync::Arc;

use rsql_ast::SetExpr;
use rsql_ast::query::{Cte, SetOp};
use rsql_common::{Error, Result};
use rsql_expr::coerce::cast_to;
use rsql_expr::{Field, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::RecursiveCte;

use crate::cte::{CteFrame, fresh, references, rename};
use crate::env::{Env, user};

/// The plan of a definition that reads itself; `None` if it does not.
pub(crate) fn define(cte: &Cte, env: Env<'_>) -> Result<Option<LogicalPlan>> {
    let SetExpr::SetOp {
        op: SetOp::Union,
        all,
        inputs,
        ..
    } = &cte.query.body
    else {
        return Ok(None);
    };
    let Some((first, steps)) = inputs.split_first() else {
        return Ok(None);
    };
    if cte.query.with.is_some() {
        return Ok(None);
    }
    let Some(plan) = loop_of(cte, first, steps, *all, env)? else {
        return Ok(None);
    };
    if cte.query.limit.is_some() || cte.query.offset.is_some() || !cte.query.order_by.is_empty() {
        let rel = crate::scope::Rel::new(plan, &[]);
        return crate::order::organize(rel, &crate::order::Tail::of(&cte.query), env).map(|r| Some(r.plan));
    }
    Ok(Some(plan))
}

fn loop_of(cte: &Cte, first: &SetExpr, steps: &[SetExpr], all: bool, env: Env<'_>) -> Result<Option<LogicalPlan>> {
    // A first part that needs the name itself is no anchor: the plain path reports it.
    let Ok(anchor) = crate::query::set_expr(first, env) else {
        return Ok(None);
    };
    let anchor = rename(anchor.output(env), &cte.columns, cte, env)?;
    let id = env.cx.ids.cte();
    let schema = Schema::new(anchor.schema().iter().map(|f| Field {
        nullable: true,
        ..f.clone()
    }));
    let frame = CteFrame {
        name: &cte.name.value,
        id,
        doubles: (0..schema.len()).collect(),
        schema: schema.clone(),
        next: env.ctes,
        yields: false,
    };
    let inner = Env {
        ctes: Some(&frame),
        ..env
    };
    let mut plans = Vec::new();
    for step in steps {
        plans.push(Arc::new(crate::query::set_expr(step, inner)?.output(env)));
    }
    let readers: usize = plans.iter().map(|p| references(p, id)).sum();
    if readers == 0 {
        return Ok(None);
    }
    let mut parts = Vec::new();
    for plan in plans {
        if plan.schema().len() != schema.len() {
            return Err(user("NUM_COLUMNS_MISMATCH", cte.name.span)
                .param("operator", "UNION")
                .param("firstNumColumns", schema.len().to_string())
                .param("invalidOrdinalNum", "second")
                .param("invalidNumColumns", plan.schema().len().to_string()));
        }
        let cx = env.resolve_cx("union", cte.name.span);
        let exprs = plan
            .columns()
            .into_iter()
            .zip(schema.iter())
            .map(|(e, f)| (cast_to(e, &f.ty, &cx), Arc::clone(&f.name)))
            .collect();
        parts.push(Arc::new(crate::project::project(
            Arc::unwrap_or_clone(plan),
            exprs,
            env,
        )));
    }
    let recursive = match parts.len() {
        1 => parts.swap_remove(0),
        _ => Arc::new(LogicalPlan::union(parts, &env.cx.ids)),
    };
    let limit = |key: &str| -> Option<u64> { env.cx.settings.int(key).ok().and_then(|n| u64::try_from(n).ok()) };
    let max_level = match cte.max_recursion {
        Some(n) => Some(u64::try_from(n).map_err(|_| Error::unsupported("a negative recursion level"))?),
        None => limit("spark.sql.cteRecursionLevelLimit"),
    };
    Ok(Some(LogicalPlan::RecursiveCte(RecursiveCte {
        id,
        anchor: Arc::new(anchor),
        recursive,
        all,
        max_level,
        max_rows: limit("spark.sql.cteRecursionRowLimit"),
        fetch: None,
        schema: fresh(&schema, env),
    })))
}
