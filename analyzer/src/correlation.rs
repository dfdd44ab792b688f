//! What Spark refuses of correlated subqueries; asked only in strict mode, since the unnesting here takes every form.
//!
//! The conditions are those of Spark's analysis, by the node that reads an enclosing query's column: filters,
//! projections and join conditions may, aggregates, windows and the optional side of an outer join may not.

use std::collections::BTreeSet;

use rsql_common::{ColumnId, Error, Result, Span};
use rsql_expr::{Expr, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{DependentKind, JoinKind, PlanRef};

use crate::collected::CollectedSubquery;
use crate::env::Env;
use crate::filter::Condition;
use crate::scope::Scope;

fn refused(category: &str, span: Span) -> Error {
    Error::user(format!("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.{category}")).at(span)
}

/// Checks a subquery's plan; its free columns are the enclosing query's.
pub(crate) fn check(plan: &LogicalPlan, span: Span, env: Env<'_>) -> Result<()> {
    if !env.cx.settings.strict() {
        return Ok(());
    }
    let outer = plan.free_columns();
    if outer.is_empty() {
        return Ok(());
    }
    node(plan, &outer, span)
}

fn node(plan: &LogicalPlan, outer: &BTreeSet<ColumnId>, span: Span) -> Result<()> {
    let reads = |e: &Expr| e.columns().iter().any(|id| outer.contains(id));
    let expressions = plan.expressions();
    match plan {
        LogicalPlan::Aggregate(_) if expressions.iter().any(|e| reads(e)) => {
            let input: BTreeSet<ColumnId> = plan
                .children()
                .iter()
                .flat_map(|c| c.schema().iter().map(|f| f.id))
                .collect();
            let mixed = |a: &rsql_expr::AggregateCall| {
                let read: BTreeSet<ColumnId> = a.args.iter().flat_map(Expr::columns).collect();
                read.iter().any(|id| outer.contains(id)) && read.iter().any(|id| input.contains(id))
            };
            if let LogicalPlan::Aggregate(a) = plan
                && a.aggregates.iter().any(mixed)
            {
                return Err(refused("AGGREGATE_FUNCTION_MIXED_OUTER_LOCAL_REFERENCES", span));
            }
            return Err(refused("CORRELATED_REFERENCE", span));
        }
        LogicalPlan::Window(_) | LogicalPlan::Expand(_) if expressions.iter().any(|e| reads(e)) => {
            return Err(refused("CORRELATED_REFERENCE", span));
        }
        LogicalPlan::Join(j) => {
            let blind: &[&PlanRef] = match j.kind {
                JoinKind::Inner => &[],
                JoinKind::Right => &[&j.left],
                JoinKind::Full => &[&j.left, &j.right],
                _ => &[&j.right],
            };
            if blind
                .iter()
                .any(|side| side.free_columns().iter().any(|id| outer.contains(id)))
            {
                return Err(refused("ACCESSING_OUTER_QUERY_COLUMN_IS_NOT_ALLOWED", span));
            }
        }
        _ => {}
    }
    if expressions.iter().any(|e| needs_map(e, outer)) {
        return Err(refused("UNSUPPORTED_CORRELATED_REFERENCE_DATA_TYPE", span));
    }
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || {
        plan.children().into_iter().try_for_each(|c| node(c, outer, span))
    })
}

/// True if a map of the enclosing query itself must reach the subquery; what is computed from it alone is computed
/// outside.
fn needs_map(e: &Expr, outer: &BTreeSet<ColumnId>) -> bool {
    let columns = e.columns();
    if !columns.iter().any(|id| outer.contains(id)) {
        return false;
    }
    let is_map = matches!(e.ty(), SqlType::Map(_));
    if !is_map && columns.iter().all(|id| outer.contains(id)) {
        return false;
    }
    match e {
        Expr::Column(_) => is_map,
        _ => e.children().into_iter().any(|c| needs_map(c, outer)),
    }
}

/// Subqueries of ORDER BY: Spark takes no IN or EXISTS there, and no scalar one that is correlated.
pub(crate) fn check_order(subqueries: &[CollectedSubquery], span: Span, env: Env<'_>) -> Result<()> {
    if !env.cx.settings.strict() {
        return Ok(());
    }
    for s in subqueries {
        if s.kind == DependentKind::Mark {
            return Err(refused("UNSUPPORTED_IN_EXISTS_SUBQUERY", span));
        }
        if !s.plan.free_columns().is_empty() {
            return Err(refused("UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY", span));
        }
    }
    Ok(())
}

/// Subqueries of a join's condition: IN and EXISTS may read one side only, correlated scalar ones may not stand there.
pub(crate) fn check_join(on: &Condition, left: &Scope, right: &Scope, span: Span, env: Env<'_>) -> Result<()> {
    if !env.cx.settings.strict() {
        return Ok(());
    }
    let read = |plan: &LogicalPlan, condition: Option<&Expr>| {
        let mut read = plan.free_columns();
        let produced: BTreeSet<ColumnId> = plan.schema().iter().map(|f| f.id).collect();
        if let Some(c) = condition {
            read.extend(c.columns().into_iter().filter(|id| !produced.contains(id)));
        }
        read
    };
    let both =
        |read: BTreeSet<ColumnId>| read.iter().any(|id| left.holds(*id)) && read.iter().any(|id| right.holds(*id));
    let scalar = |s: &&CollectedSubquery| s.kind == DependentKind::Single && !s.plan.free_columns().is_empty();
    if on.subqueries.iter().any(|s| scalar(&s)) {
        return Err(refused("UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY", span));
    }
    let marks = on.subqueries.iter().map(|s| read(&s.plan, s.condition.as_ref()));
    let joins = on.joins.iter().map(|j| read(&j.plan, j.condition.as_ref()));
    if marks.chain(joins).any(both) {
        return Err(refused("UNSUPPORTED_CORRELATED_EXPRESSION_IN_JOIN_CONDITION", span));
    }
    Ok(())
}

/// A lateral subquery may draw random numbers only beside a single row.
pub(crate) fn check_lateral(left: &LogicalPlan, right: &LogicalPlan, span: Span, env: Env<'_>) -> Result<()> {
    check(right, span, env)?;
    if env.cx.settings.strict() && !single_row(left) && (volatile(left) || volatile(right)) {
        return Err(refused("NON_DETERMINISTIC_LATERAL_SUBQUERIES", span));
    }
    Ok(())
}

fn volatile(plan: &LogicalPlan) -> bool {
    plan.expressions().iter().any(|e| !e.is_deterministic()) || plan.children().into_iter().any(|c| volatile(c))
}

fn single_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Values(v) => v.rows.len() <= 1,
        LogicalPlan::Aggregate(a) => a.groups.is_empty(),
        LogicalPlan::Projection(p) => single_row(&p.input),
        LogicalPlan::Limit(l) => l.fetch == Some(1) || single_row(&l.input),
        _ => false,
    }
}
