//! WITH: definitions are analyzed once where they stand; each reference reads them under fresh ids. A definition read
//! once is put in its reader's place, one that nobody reads is dropped.

use std::sync::Arc;

use rsql_ast::Ident;
use rsql_ast::query::{Cte, With};
use rsql_common::{CteId, Result, quoted_name};
use rsql_expr::{Field, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{PlanRef, Projection};

use crate::env::{Env, deep, user};

/// A visible CTE; frames form a list from the innermost outwards.
pub(crate) struct CteFrame<'e> {
    /// Name.
    pub name: &'e str,
    /// What [`LogicalPlan::CteRef`]s name.
    pub id: CteId,
    /// Its columns.
    pub schema: Schema,
    /// For each column the first one that is the same.
    pub doubles: Vec<usize>,
    /// Further out.
    pub next: Option<&'e CteFrame<'e>>,
    /// A definition further out goes before it, under the legacy policy.
    pub yields: bool,
}

/// The CTE of a name.
pub(crate) fn find<'e>(env: Env<'e>, name: &Ident) -> Option<&'e CteFrame<'e>> {
    let mut frame = env.ctes;
    let mut found = None;
    while let Some(f) = frame {
        if env.same_name(f.name, &name.value) {
            if !f.yields {
                return Some(f);
            }
            found = Some(f);
        }
        frame = f.next;
    }
    found
}

/// `spark.sql.legacy.ctePrecedencePolicy`: inner definitions hide outer ones unless it is LEGACY.
fn policy(env: Env<'_>) -> &str {
    env.cx
        .settings
        .get("spark.sql.legacy.ctePrecedencePolicy")
        .unwrap_or("CORRECTED")
}

/// Analyzes `query` with its WITH in sight.
pub(crate) fn with_definitions(
    with: &With,
    env: Env<'_>,
    body: &mut dyn FnMut(Env<'_>) -> Result<LogicalPlan>,
) -> Result<LogicalPlan> {
    for (i, cte) in with.ctes.iter().enumerate() {
        if with.ctes[..i]
            .iter()
            .any(|c| env.same_name(&c.name.value, &cte.name.value))
        {
            return Err(
                user("DUPLICATED_CTE_NAMES", cte.name.span).param("duplicateNames", quoted_name([&cte.name.value]))
            );
        }
    }
    if policy(env).eq_ignore_ascii_case("EXCEPTION")
        && let Some(cte) = with.ctes.iter().find(|c| find(env, &c.name).is_some())
    {
        return Err(user("AMBIGUOUS_ALIAS_IN_NESTED_CTE", cte.name.span)
            .param("name", quoted_name([&cte.name.value]))
            .param("config", "\"spark.sql.legacy.ctePrecedencePolicy\""));
    }
    let mut definitions = Vec::new();
    let plan = next_definition(&with.ctes, with.recursive, env, &mut definitions, body)?;
    Ok(settle(definitions, plan))
}

fn next_definition(
    ctes: &[Cte],
    recursive: bool,
    env: Env<'_>,
    definitions: &mut Vec<(CteId, PlanRef)>,
    body: &mut dyn FnMut(Env<'_>) -> Result<LogicalPlan>,
) -> Result<LogicalPlan> {
    let Some((cte, rest)) = ctes.split_first() else {
        return body(env);
    };
    let of_definition = Env {
        ctes_yield: true,
        ..env
    };
    let plan = define(cte, recursive, of_definition)?;
    let id = env.cx.ids.cte();
    let frame = CteFrame {
        name: &cte.name.value,
        id,
        schema: plan.schema().clone(),
        doubles: crate::scope::doubles(&plan),
        next: env.ctes,
        yields: env.ctes_yield && policy(env).eq_ignore_ascii_case("LEGACY"),
    };
    definitions.push((id, Arc::new(plan)));
    let env = Env {
        ctes: Some(&frame),
        ..env
    };
    deep(|| next_definition(rest, recursive, env, definitions, body))
}

fn define(cte: &Cte, recursive: bool, env: Env<'_>) -> Result<LogicalPlan> {
    if recursive && let Some(plan) = crate::recursive_cte::define(cte, env)? {
        return Ok(plan);
    }
    let plan = crate::query::analyze(&cte.query, env)?;
    rename(plan, &cte.columns, cte, env)
}

/// The plan under the column names written behind the CTE's name.
pub(crate) fn rename(plan: LogicalPlan, names: &[Ident], cte: &Cte, env: Env<'_>) -> Result<LogicalPlan> {
    if names.is_empty() {
        return Ok(plan);
    }
    if names.len() != plan.schema().len() {
        return Err(user("ASSIGNMENT_ARITY_MISMATCH", cte.name.span)
            .param("numExpr", names.len().to_string())
            .param("numTarget", plan.schema().len().to_string()));
    }
    let exprs = plan
        .columns()
        .into_iter()
        .zip(names)
        .map(|(e, n)| (e, n.value.as_str().into()))
        .collect();
    Ok(crate::project::project(plan, exprs, env))
}

/// The definitions that are read more than once as a With around `body`, the others in their readers' places.
fn settle(definitions: Vec<(CteId, PlanRef)>, body: LogicalPlan) -> LogicalPlan {
    let mut body: PlanRef = Arc::new(body);
    let mut kept: Vec<(CteId, PlanRef)> = Vec::new();
    for (id, definition) in definitions.into_iter().rev() {
        let readers = references(&body, id) + kept.iter().map(|(_, p)| references(p, id)).sum::<usize>();
        match readers {
            0 => {}
            1 => {
                if let Some(plan) = inlined(&body, id, &definition) {
                    body = plan;
                }
                for (_, plan) in &mut kept {
                    if let Some(p) = inlined(plan, id, &definition) {
                        *plan = p;
                    }
                }
            }
            _ => kept.push((id, definition)),
        }
    }
    kept.reverse();
    Arc::unwrap_or_clone(body).with(kept)
}

/// How often a plan reads a definition.
pub(crate) fn references(plan: &PlanRef, id: CteId) -> usize {
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || {
        let here = matches!(&**plan, LogicalPlan::CteRef(r) if r.id == id);
        usize::from(here) + plan.children().into_iter().map(|c| references(c, id)).sum::<usize>()
    })
}

fn inlined(plan: &PlanRef, id: CteId, definition: &PlanRef) -> Option<PlanRef> {
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || {
        if let LogicalPlan::CteRef(r) = &**plan
            && r.id == id
        {
            return Some(Arc::new(LogicalPlan::Projection(Projection {
                input: Arc::clone(definition),
                exprs: definition.columns(),
                schema: r.schema.clone(),
            })));
        }
        let mut changed = false;
        let children: Vec<PlanRef> = plan
            .children()
            .into_iter()
            .map(|c| match inlined(c, id, definition) {
                Some(new) => {
                    changed = true;
                    new
                }
                None => Arc::clone(c),
            })
            .collect();
        changed.then(|| Arc::new((**plan).clone().with_children(children)))
    })
}

/// A schema with fresh ids.
pub(crate) fn fresh(schema: &Schema, env: Env<'_>) -> Schema {
    Schema::new(schema.iter().map(|f| Field {
        id: env.id(),
        ..f.clone()
    }))
}
