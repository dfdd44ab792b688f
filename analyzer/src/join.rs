//! Joins: conditions, USING and NATURAL with their merged columns, LATERAL.

use std::sync::Arc;

use rsql_ast::relation::{JoinCondition, JoinKind as Written};
use rsql_ast::{Ident, Relation};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::coerce::{cast_to, common_type, compare};
use rsql_expr::tree::CompareOp;
use rsql_expr::{Expr, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{DependentKind, JoinKind};

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::filter::Condition;
use crate::relation::{analyze, beside};
use crate::scope::{Rel, Scope, ScopeColumn};

/// `left JOIN right`
pub(crate) fn join(
    left: Rel,
    right: &Relation,
    kind: Written,
    condition: &JoinCondition,
    lateral: bool,
    span: Span,
    env: Env<'_>,
) -> Result<Rel> {
    let lateral = lateral
        || matches!(
            right,
            Relation::Subquery { lateral: true, .. } | Relation::Function { lateral: true, .. }
        );
    if !lateral {
        let right = analyze(right, env)?;
        return pair(left, right, kind, condition, None, span, env);
    }
    let dependent = match kind {
        Written::Inner | Written::Cross | Written::Comma => DependentKind::Inner,
        Written::Left => DependentKind::Left,
        _ => {
            return Err(Error::user("INVALID_LATERAL_JOIN_TYPE")
                .param("joinType", format!("{kind:?}").to_uppercase())
                .at(span));
        }
    };
    let rel = {
        let outer = beside(&left.scope, env);
        let inner = Env {
            outer: Some(&outer),
            ..env
        };
        analyze(right, inner)?
    };
    crate::correlation::check_lateral(&left.plan, &rel.plan, span, env)?;
    pair(left, rel, kind, condition, Some(dependent), span, env)
}

fn pair(
    left: Rel,
    right: Rel,
    kind: Written,
    condition: &JoinCondition,
    dependent: Option<DependentKind>,
    span: Span,
    env: Env<'_>,
) -> Result<Rel> {
    let keys: Vec<Ident> = match condition {
        JoinCondition::Using(names) => names.clone(),
        JoinCondition::Natural => common_names(&left.scope, &right.scope, env),
        _ => Vec::new(),
    };
    let mut scope = Scope {
        time_window: None,

        columns: left.scope.columns.iter().chain(&right.scope.columns).cloned().collect(),
    };
    let mut bound = Condition::default();
    match condition {
        JoinCondition::On(e) => {
            let mut out = Collected::default();
            let mut binder = Binder::new(env, &scope, Allow::rows("JOIN"), &mut out);
            let one_sided = matches!(kind, Written::Inner | Written::Cross | Written::Comma);
            bound = if one_sided {
                crate::filter::bind(e, &mut binder)?
            } else {
                crate::filter::bind_with_marks(e, &mut binder)?
            };
            crate::correlation::check_join(&bound, &left.scope, &right.scope, span, env)?;
            if let Some(e) = bound.plain.iter().find(|e| !e.is_deterministic()) {
                let condition = if dependent.is_some() {
                    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.LATERAL_JOIN_CONDITION_NON_DETERMINISTIC"
                } else {
                    "INVALID_NON_DETERMINISTIC_EXPRESSIONS"
                };
                return Err(Error::user(condition).param("sqlExprs", e.to_string()).at(span));
            }
        }
        JoinCondition::Using(_) | JoinCondition::Natural => {
            let (equalities, merged) = merge(&left.scope, &right.scope, &keys, kind, span, env)?;
            bound.plain = equalities;
            scope = merged;
        }
        JoinCondition::None => {}
    }
    let kind = match kind {
        Written::Inner | Written::Cross | Written::Comma => JoinKind::Inner,
        Written::Left => JoinKind::Left,
        Written::Right => JoinKind::Right,
        Written::Full => JoinKind::Full,
        Written::LeftSemi => JoinKind::LeftSemi,
        Written::LeftAnti => JoinKind::LeftAnti,
    };
    if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
        scope = left.scope;
    }
    let plan = match dependent {
        Some(dependent) => dependent_plan(left.plan, right.plan, dependent, bound)?,
        None => plain_plan(left.plan, right.plan, kind, bound, span)?,
    };
    Ok(Rel { plan, scope })
}

fn dependent_plan(l: LogicalPlan, r: LogicalPlan, kind: DependentKind, on: Condition) -> Result<LogicalPlan> {
    if kind == DependentKind::Inner {
        let plain = LogicalPlan::dependent_join(l, r, kind, None, false, None);
        return Ok(on.apply(plain));
    }
    if !on.is_plain() {
        return Err(Error::unsupported("subqueries in the condition of a lateral left join"));
    }
    let condition = Some(Expr::conjunction(on.plain)).filter(|e| !e.is_true());
    Ok(LogicalPlan::dependent_join(l, r, kind, condition, false, None))
}

fn plain_plan(l: LogicalPlan, r: LogicalPlan, kind: JoinKind, on: Condition, span: Span) -> Result<LogicalPlan> {
    if on.is_plain() {
        let filter = Some(Expr::conjunction(on.plain)).filter(|e| !e.is_true());
        return Ok(LogicalPlan::join(l, r, kind, vec![], filter));
    }
    if kind == JoinKind::Inner {
        let columns: Vec<_> = l.schema().iter().chain(r.schema().iter()).map(|f| f.id).collect();
        let plain = Some(Expr::conjunction(on.plain)).filter(|e| !e.is_true());
        let joined = LogicalPlan::join(l, r, kind, vec![], plain);
        let rest = Condition {
            plain: Vec::new(),
            ..on
        };
        return Ok(rest.apply(joined).project_columns(&columns));
    }
    // The subqueries' columns are computed on the side whose columns they read.
    let mut left = l;
    let mut right = r;
    let mut conjuncts = on.plain;
    for s in on.subqueries {
        let mut read = s.plan.free_columns();
        if let Some(c) = &s.condition {
            c.columns_into(&mut read);
        }
        let of_right = |id: &rsql_common::ColumnId| right.schema().field(*id).is_some();
        let of_left = |id: &rsql_common::ColumnId| left.schema().field(*id).is_some();
        let condition_right = s.condition.as_ref().is_some_and(|c| c.columns().iter().any(of_right));
        if !read.iter().any(of_left) && (condition_right || read.iter().any(of_right)) {
            right = plant(right, vec![s]);
        } else if !read.iter().any(of_right) {
            left = plant(left, vec![s]);
        } else {
            return Err(Error::unsupported("a subquery over both sides in the condition of an outer join").at(span));
        }
    }
    conjuncts.extend(on.late);
    let filter = Some(Expr::conjunction(conjuncts)).filter(|e| !e.is_true());
    Ok(LogicalPlan::join(left, right, kind, vec![], filter))
}

/// Names both sides have, as often as both have them.
fn common_names(left: &Scope, right: &Scope, env: Env<'_>) -> Vec<Ident> {
    let mut free: Vec<&ScopeColumn> = right.visible().collect();
    let mut names = Vec::new();
    for l in left.visible() {
        if let Some(at) = free.iter().position(|r| env.same_name(&l.name, &r.name)) {
            free.remove(at);
            names.push(Ident {
                value: l.name.to_string(),
                quoted: true,
                span: Span::NONE,
            });
        }
    }
    names
}

/// The equalities of USING and the columns of the join: keys first, the rest of both sides, then the keys that only a
/// qualified name finds.
fn merge(
    left: &Scope,
    right: &Scope,
    keys: &[Ident],
    kind: Written,
    span: Span,
    env: Env<'_>,
) -> Result<(Vec<Expr>, Scope)> {
    let mut equalities = Vec::new();
    let mut columns: Vec<ScopeColumn> = Vec::new();
    let mut hidden: Vec<ScopeColumn> = Vec::new();
    let mut used: Vec<(usize, usize)> = Vec::new();
    for key in keys {
        let l = key_column(left, key, "left", span, env)?;
        let r = key_column(right, key, "right", span, env)?;
        used.push((l, r));
        let (l, r) = (&left.columns[l], &right.columns[r]);
        let cx = env.resolve_cx("=", key.span);
        equalities.push(compare(CompareOp::Eq, l.expr.clone(), r.expr.clone(), &cx).map_err(|e| e.at(span))?);
        match kind {
            Written::Right => {
                columns.push(ScopeColumn {
                    name: Arc::clone(&l.name),
                    ..r.clone()
                });
                hidden.push(l.clone());
            }
            Written::Full => {
                let both = [l.expr.clone(), r.expr.clone()];
                let ty: SqlType = common_type(&both, &cx).unwrap_or_else(|| l.expr.ty());
                let args = both.into_iter().map(|e| cast_to(e, &ty, &cx)).collect();
                columns.push(ScopeColumn {
                    qualifier: [].into(),
                    name: Arc::clone(&l.name),
                    expr: Expr::Coalesce { args, ty },
                    qualified_only: false,
                });
                hidden.extend([l.clone(), r.clone()]);
            }
            _ => {
                columns.push(l.clone());
                hidden.push(r.clone());
            }
        }
    }
    let rest = |scope: &Scope, used: &dyn Fn(usize) -> bool, want_hidden: bool| -> Vec<ScopeColumn> {
        let kept = scope
            .columns
            .iter()
            .enumerate()
            .filter(|(i, c)| !used(*i) && c.qualified_only == want_hidden);
        kept.map(|(_, c)| c.clone()).collect()
    };
    let in_left = |i: usize| used.iter().any(|(l, _)| *l == i);
    let in_right = |i: usize| used.iter().any(|(_, r)| *r == i);
    columns.extend(rest(left, &in_left, false));
    columns.extend(rest(right, &in_right, false));
    hidden.iter_mut().for_each(|c| c.qualified_only = true);
    columns.extend(hidden);
    columns.extend(rest(left, &in_left, true));
    columns.extend(rest(right, &in_right, true));
    Ok((equalities, Scope::over(columns)))
}

fn key_column(scope: &Scope, key: &Ident, side: &str, span: Span, env: Env<'_>) -> Result<usize> {
    let hit = scope
        .columns
        .iter()
        .position(|c| !c.qualified_only && env.same_name(&c.name, &key.value));
    match hit {
        Some(at) => Ok(at),
        None => {
            let names: Vec<String> = scope.visible().map(|c| quoted_name([&c.name])).collect();
            Err(Error::user("UNRESOLVED_USING_COLUMN_FOR_JOIN")
                .param("colName", quoted_name([&key.value]))
                .param("side", side)
                .param("suggestion", names.join(", "))
                .at(span))
        }
    }
}
