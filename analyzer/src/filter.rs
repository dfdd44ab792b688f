//! WHERE, HAVING and ON: top-level EXISTS and IN become semi and anti joins, the rest a filter.

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_common::{Error, Result};
use rsql_expr::{Expr, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::DependentKind;

use crate::collected::{Collected, CollectedSubquery, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::scope::Scope;

/// EXISTS or IN that stands alone as a conjunct.
#[derive(Debug)]
pub(crate) struct SemiJoin {
    pub kind: DependentKind,
    pub plan: LogicalPlan,
    pub condition: Option<Expr>,
    pub null_aware: bool,
}

/// A bound condition, in the parts it is applied by.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// Conjuncts without subqueries.
    pub plain: Vec<Expr>,
    /// What the other conjuncts read.
    pub subqueries: Vec<CollectedSubquery>,
    /// Conjuncts that read them.
    pub late: Vec<Expr>,
    /// Semi and anti joins.
    pub joins: Vec<SemiJoin>,
}

/// Binds a condition.
pub(crate) fn bind(condition: &ast::Expr, binder: &mut Binder<'_>) -> Result<Condition> {
    let mut parts = Vec::new();
    conjuncts(condition, &mut parts);
    let mut out = Condition::default();
    let alone = parts.len() == 1;
    for part in parts {
        let before = binder.out.subqueries.len();
        if let Some(join) = semi_join(part, binder)? {
            out.subqueries.extend(binder.out.subqueries.split_off(before));
            out.joins.push(join);
            continue;
        }
        let bound = binder.bind(part)?;
        let ty = bound.expr.ty();
        if alone && ty.is_string() {
            return Err(not_boolean(&ty, binder.allow.clause, part));
        }
        let expr = binder
            .boolean(bound.expr, 0, part.span)
            .map_err(|_| not_boolean(&ty, binder.allow.clause, part))?;
        let new = binder.out.subqueries.split_off(before);
        let reads_earlier = out
            .subqueries
            .iter()
            .any(|s| expr.any(&|e| matches!(e, Expr::Column(c) if c.id == s.id)));
        if new.is_empty() && !reads_earlier {
            out.plain.push(expr);
        } else {
            out.subqueries.extend(new);
            out.late.push(expr);
        }
    }
    Ok(out)
}

/// Binds a condition that cannot be split: EXISTS and IN become mark columns.
pub(crate) fn bind_with_marks(condition: &ast::Expr, binder: &mut Binder<'_>) -> Result<Condition> {
    let mut parts = Vec::new();
    conjuncts(condition, &mut parts);
    let mut out = Condition::default();
    for part in parts {
        let bound = binder.bind(part)?;
        let ty = bound.expr.ty();
        let expr = binder
            .boolean(bound.expr, 0, part.span)
            .map_err(|_| not_boolean(&ty, binder.allow.clause, part))?;
        let reads = binder
            .out
            .subqueries
            .iter()
            .any(|s| expr.any(&|e| matches!(e, Expr::Column(c) if c.id == s.id)));
        if reads {
            out.late.push(expr)
        } else {
            out.plain.push(expr)
        }
    }
    out.subqueries = std::mem::take(&mut binder.out.subqueries);
    Ok(out)
}

fn not_boolean(ty: &SqlType, clause: &str, part: &ast::Expr) -> Error {
    if clause == "JOIN" {
        Error::user("JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE")
            .param("joinCondition", "")
            .param("conditionType", ty.quoted())
            .at(part.span)
    } else {
        Error::user("DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN")
            .param("sqlExpr", "")
            .param("filter", "")
            .param("type", ty.quoted())
            .at(part.span)
    }
}

fn conjuncts<'q>(e: &'q ast::Expr, out: &mut Vec<&'q ast::Expr>) {
    match &e.kind {
        ExprKind::And(parts) => parts.iter().for_each(|p| conjuncts(p, out)),
        _ => out.push(e),
    }
}

fn semi_join(part: &ast::Expr, binder: &mut Binder<'_>) -> Result<Option<SemiJoin>> {
    let (inner, negated) = match &part.kind {
        ExprKind::Not(inner) => (&**inner, true),
        _ => (part, false),
    };
    Ok(match &inner.kind {
        ExprKind::Exists(query) => {
            let plan = binder.subquery_plan(query)?;
            let kind = if negated {
                DependentKind::Anti
            } else {
                DependentKind::Semi
            };
            Some(SemiJoin {
                kind,
                plan,
                condition: None,
                null_aware: false,
            })
        }
        ExprKind::InSubquery {
            expr,
            query,
            negated: not,
        } => {
            let negated = negated != *not;
            let (plan, condition) = binder.in_condition(expr, query, inner.span)?;
            let kind = if negated {
                DependentKind::Anti
            } else {
                DependentKind::Semi
            };
            Some(SemiJoin {
                kind,
                plan,
                condition: Some(condition),
                null_aware: negated,
            })
        }
        _ => None,
    })
}

impl Condition {
    /// The plan's rows that satisfy the condition. Columns of subqueries stay in the plan's output.
    pub fn apply(self, plan: LogicalPlan) -> LogicalPlan {
        let plan = plan.filter(Expr::conjunction(self.plain));
        let mut plan = plant(plan, self.subqueries).filter(Expr::conjunction(self.late));
        for j in self.joins {
            plan = LogicalPlan::dependent_join(plan, j.plan, j.kind, j.condition, j.null_aware, None);
        }
        plan
    }

    /// The plans of its subqueries.
    pub fn plans(&self) -> impl Iterator<Item = &LogicalPlan> {
        self.subqueries
            .iter()
            .map(|s| &s.plan)
            .chain(self.joins.iter().map(|j| &j.plan))
    }

    /// True if there is nothing but plain conjuncts.
    pub fn is_plain(&self) -> bool {
        self.subqueries.is_empty() && self.joins.is_empty() && self.late.is_empty()
    }

    /// Changes every expression, those inside subqueries' plans too.
    pub fn map(self, f: &dyn Fn(Expr) -> Expr, plan: &dyn Fn(LogicalPlan) -> LogicalPlan) -> Self {
        Self {
            plain: self.plain.into_iter().map(f).collect(),
            late: self.late.into_iter().map(f).collect(),
            subqueries: self
                .subqueries
                .into_iter()
                .map(|s| CollectedSubquery {
                    condition: s.condition.map(f),
                    plan: plan(s.plan),
                    ..s
                })
                .collect(),
            joins: self
                .joins
                .into_iter()
                .map(|j| SemiJoin {
                    condition: j.condition.map(f),
                    plan: plan(j.plan),
                    ..j
                })
                .collect(),
        }
    }
}

/// WHERE over a relation.
pub(crate) fn where_clause(
    plan: LogicalPlan,
    scope: &Scope,
    condition: &ast::Expr,
    env: Env<'_>,
) -> Result<LogicalPlan> {
    let mut out = Collected::default();
    let mut binder = Binder::new(env, scope, Allow::rows("WHERE"), &mut out);
    Ok(bind(condition, &mut binder)?.apply(plan))
}
