//! Pipe syntax: each `|>` operator is an ordinary clause over what came before.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::query::{GroupItem, PipeOp, Select};
use rsql_ast::{ExprKind, SetExpr};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::Expr;

use crate::collected::{Collected, plant};
use crate::env::{Env, deep};
use crate::expr::{Allow, Binder};
use crate::hint::RelationHints;
use crate::order::Tail;
use crate::scope::{Rel, Scope, ScopeColumn};

/// `input |> op |> op`
pub(crate) fn analyze(input: &SetExpr, ops: &[PipeOp], env: Env<'_>) -> Result<Rel> {
    let own = ops.iter().map(hints_of).collect::<Result<Vec<_>>>()?;
    let seen = hints_that_look_back(ops, &own, env.hints);
    let (first, rest) = seen
        .split_first()
        .ok_or_else(|| Error::internal("a pipe without hints"))?;
    let mut rel = crate::query::set_expr(input, under(first, env))?;
    for (op, hints) in ops.iter().zip(rest) {
        rel = deep(|| apply(rel, op, under(hints, env)))?;
    }
    own.iter().for_each(RelationHints::report_unused);
    Ok(rel)
}

fn under<'e>(hints: &'e RelationHints, env: Env<'e>) -> Env<'e> {
    Env {
        hints: Some(hints).filter(|h| !h.is_empty()),
        ..env
    }
}

fn hints_of(op: &PipeOp) -> Result<RelationHints> {
    match op {
        PipeOp::Select { select } => RelationHints::of(&select.hints),
        _ => Ok(RelationHints::default()),
    }
}

/// The hints that see relations of the input, and those that see relations of each operator: of operators further on, as
/// long as no name hides what came before it.
fn hints_that_look_back(ops: &[PipeOp], own: &[RelationHints], outer: Option<&RelationHints>) -> Vec<RelationHints> {
    let mut seen = vec![outer.cloned().unwrap_or_default()];
    for (op, hints) in ops.iter().zip(own).rev() {
        let later = seen.last().cloned().unwrap_or_default();
        seen.push(match op {
            PipeOp::As(_) => RelationHints::default(),
            _ => later.or(hints),
        });
    }
    seen.reverse();
    seen
}

fn apply(rel: Rel, op: &PipeOp, env: Env<'_>) -> Result<Rel> {
    match op {
        PipeOp::Select { select } => crate::select::over(
            rel,
            select,
            &Tail::default(),
            Env {
                pipe: None,
                hints: None,
                ..env
            },
        ),
        PipeOp::Extend(items) => extend(rel, items, env),
        PipeOp::Set(assignments) => set(rel, assignments, env),
        PipeOp::Drop(names) => {
            let mut scope = rel.scope;
            for (i, name) in names.iter().enumerate() {
                if names[..i].iter().any(|n| env.same_name(&n.value, &name.value)) {
                    return Err(Error::user("EXCEPT_OVERLAPPING_COLUMNS")
                        .param("columns", quoted_name([&name.value]))
                        .at(name.span));
                }
                let before = scope.columns.len();
                scope
                    .columns
                    .retain(|c| c.qualified_only || !env.same_name(&c.name, &name.value));
                if scope.columns.len() == before {
                    return Err(crate::suggestion::unresolved_column(std::slice::from_ref(name), &scope));
                }
            }
            Ok(Rel { plan: rel.plan, scope })
        }
        PipeOp::As(alias) => {
            let rel = crate::relation::aliased(rel, alias)?;
            Ok(match (env.hints, &alias.name) {
                (Some(hints), Some(name)) => hints.on_name(rel, &[&name.value], env),
                _ => rel,
            })
        }
        PipeOp::Where(condition) => {
            let Rel { plan, scope } = rel;
            let plan = crate::filter::where_clause(plan, &scope, condition, env)?;
            Ok(Rel { plan, scope })
        }
        PipeOp::Aggregate { items, group_by } => aggregate(rel, items, group_by.as_ref(), env),
        PipeOp::Join(relation) | PipeOp::Pivot(relation) => crate::relation::analyze(
            relation,
            Env {
                pipe: Some(&rel),
                ..env
            },
        ),
        PipeOp::LateralView(view) => crate::generate::lateral_view(rel, view, env),
        PipeOp::Sample(sample) => crate::sample::sample(rel, Some(sample), env),
        PipeOp::Organize(tail) => crate::order::organize(rel, &Tail::of_pipe(tail), env),
        PipeOp::SetOp {
            op,
            all,
            by_name,
            right,
        } => {
            let left = rel.output(env);
            let right = crate::query::set_expr(right, env)?.output(env);
            Ok(Rel::new(
                crate::set_op::combine(*op, *all, *by_name, vec![left, right], env)?,
                &[],
            ))
        }
    }
}

/// `EXTEND e AS a`: the columns stay, hidden ones too.
fn extend(rel: Rel, items: &[ast::Expr], env: Env<'_>) -> Result<Rel> {
    if let Some(star) = items.iter().find(|i| matches!(i.kind, ExprKind::Star { .. })) {
        return Err(Error::user("INVALID_USAGE_OF_STAR_OR_REGEX")
            .param("elem", "'*'")
            .param("prettyName", "expression `pipeexpression`")
            .at(star.span));
    }
    let Rel { plan, mut scope } = rel;
    let select = Select {
        items: items.to_vec(),
        ..Select::default()
    };
    let inner = Env {
        pipe: None,
        pipe_clause: Some("EXTEND"),
        ..env
    };
    let kept: Vec<_> = plan.schema().iter().map(|f| f.id).collect();
    let passed = Rel {
        plan,
        scope: scope.clone(),
    };
    let new = crate::select::extended(passed, &select, inner)?;
    scope.columns.retain(|c| c.id().is_none_or(|id| kept.contains(&id)));
    scope.columns.extend(new.scope.columns);
    Ok(Rel { plan: new.plan, scope })
}

/// `SET c = e`: later assignments see earlier ones.
fn set(rel: Rel, assignments: &[(ast::Ident, ast::Expr)], env: Env<'_>) -> Result<Rel> {
    let Rel { mut plan, mut scope } = rel;
    for (name, value) in assignments {
        let mut out = Collected::default();
        let allow = Allow {
            aggregates: false,
            windows: true,
            generators: false,
            clause: "SET",
        };
        let expr = Binder::new(env, &scope, allow, &mut out).expr(value)?;
        let hits = scope.visible().filter(|c| env.same_name(&c.name, &name.value)).count();
        if hits == 0 {
            return Err(crate::suggestion::unresolved_column(std::slice::from_ref(name), &scope));
        }
        if hits > 1 {
            return Err(Error::user("AMBIGUOUS_REFERENCE")
                .param("name", quoted_name([&name.value]))
                .param("referenceNames", "")
                .at(name.span));
        }
        plan = crate::window::plant(plant(plan, out.subqueries), out.windows);
        // The old column stays reachable by its table's name.
        let mut hidden: Vec<ScopeColumn> = Vec::new();
        for c in &mut scope.columns {
            if !c.qualified_only && env.same_name(&c.name, &name.value) {
                if !c.qualifier.is_empty() {
                    hidden.push(ScopeColumn {
                        qualified_only: true,
                        ..c.clone()
                    });
                }
                c.expr = expr.clone();
                c.qualifier = [].into();
            }
        }
        scope.columns.extend(hidden);
        let exprs: Vec<(Expr, Arc<str>)> = scope
            .columns
            .iter()
            .map(|c| (c.expr.clone(), Arc::clone(&c.name)))
            .collect();
        plan = crate::project::project(plan, exprs, env);
        for (c, f) in scope.columns.iter_mut().zip(plan.schema().iter()) {
            c.expr = rsql_planner::logical::build::column(f);
        }
    }
    Ok(Rel { plan, scope })
}

/// `AGGREGATE e, … GROUP BY k, …`: the keys come first in the output.
fn aggregate(rel: Rel, items: &[ast::Expr], group_by: Option<&ast::query::GroupBy>, env: Env<'_>) -> Result<Rel> {
    let mut list: Vec<ast::Expr> = Vec::new();
    let mut group = group_by.cloned();
    if let Some(g) = &mut group {
        for item in &mut g.items {
            if let GroupItem::Expr(e) = item {
                if let Some(n) = crate::order::ordinal(e) {
                    let at = usize::try_from(n).ok().and_then(|n| n.checked_sub(1));
                    let columns: Vec<&ScopeColumn> = rel.scope.visible().collect();
                    let Some(c) = at.and_then(|i| columns.get(i)) else {
                        return Err(Error::user("GROUP_BY_POS_OUT_OF_RANGE")
                            .param("index", n.to_string())
                            .param("size", columns.len().to_string())
                            .at(e.span));
                    };
                    let mut parts: Vec<ast::Ident> = c.qualifier.iter().map(|q| ast::Ident::new(&**q)).collect();
                    parts.push(ast::Ident::new(&*c.name));
                    *e = ast::Expr::new(ExprKind::Column(parts), e.span);
                }
                list.push(e.clone());
                if let ExprKind::Alias { expr, .. } = &e.kind {
                    *e = (**expr).clone();
                }
            }
        }
    }
    list.extend(items.iter().cloned());
    let group = group.or_else(|| {
        Some(ast::query::GroupBy {
            items: vec![],
            all: false,
            span: rsql_common::Span::NONE,
        })
    });
    let select = Select {
        items: list,
        group_by: group,
        ..Select::default()
    };
    let rel = crate::select::over(rel, &select, &Tail::default(), env)?;
    let plan = rel.plan;
    let scope = Scope::of(&plan, &[]);
    Ok(Rel { plan, scope })
}
