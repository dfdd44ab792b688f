//! GROUP BY `session_window(ts, gap)`: sessions of rows that agree in the other keys and lie at most a gap apart.
//!
//! ```text
//! GROUP BY k, session_window(ts, gap)
//!   =>  GROUP BY k, struct(min(start), max(end)) OVER (PARTITION BY k, session)
//!       where session counts, by start, the rows that begin after all earlier ones of k ended
//! ```
//!
//! A row's own session lasts from its time to its time and the gap; without a time, or with a gap that is not
//! positive, it has none and the row counts nowhere.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::expr::FunctionCall;
use rsql_ast::query::{GroupItem, Select};
use rsql_common::{Error, Result, Span};
use rsql_expr::tree::{CompareOp, FrameBound, FrameUnits, WindowCall, WindowFrame, WindowFunc};
use rsql_expr::{Column, Expr, Literal, SortKey, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, ScopeColumn};
use crate::time_window::TimeWindow;

/// Name of the function and of the column it makes.
pub(crate) const NAME: &str = "session_window";

/// The relation, its rows filtered already, with the session column that the query groups by.
pub(crate) fn add(rel: Rel, select: &Select, env: Env<'_>) -> Result<Rel> {
    let Some(group_by) = &select.group_by else {
        return Ok(rel);
    };
    let items: Vec<&ast::Expr> = group_by
        .items
        .iter()
        .filter_map(|i| if let GroupItem::Expr(e) = i { Some(e) } else { None })
        .collect();
    let mut calls = items.iter().filter_map(|e| session_call(e));
    let Some((call, span)) = calls.next() else {
        return Ok(rel);
    };
    if calls.any(|(c, _)| c.args != call.args) || rel.scope.time_window.is_some() {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1039").at(span));
    }
    let Rel { plan, mut scope } = rel;
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &scope, Allow::rows("GROUP BY"), &mut out);
    let args = call
        .args
        .iter()
        .map(|a| binder.expr(&a.value))
        .collect::<Result<Vec<_>>>()?;
    let own = binder.scalar(NAME, args, span)?;
    let keys = items
        .iter()
        .filter(|e| session_call(e).is_none())
        .map(|e| {
            let key = meant(e, select, &binder);
            binder.expr(key)
        })
        .collect::<Result<Vec<_>>>()?;
    let plan = plant(plan, out.subqueries);
    let SqlType::Struct(fields) = own.ty() else {
        return Err(Error::internal("a session is a struct"));
    };
    let time = |index: usize| Expr::Field {
        expr: Box::new(own.clone()),
        index,
        ty: fields[index].ty.clone(),
    };
    let mut exprs: Vec<(Expr, Arc<str>)> = plan.schema().iter().map(|f| (column(f), Arc::clone(&f.name))).collect();
    exprs.extend([(time(0), "start".into()), (time(1), "end".into())]);
    let plan = crate::project::project(plan, exprs, env);
    let columns = plan.columns();
    let [.., start, end] = columns.as_slice() else {
        return Err(Error::internal("a session has two ends"));
    };
    let lasts = Expr::compare(CompareOp::Gt, end.clone(), start.clone());
    let (plan, merged) = merged(plan.filter(lasts), start, end, keys, span, env)?;
    scope.time_window = Some(Arc::new(TimeWindow {
        call: call.clone(),
        column: ScopeColumn {
            qualifier: [].into(),
            name: NAME.into(),
            expr: merged,
            qualified_only: false,
        },
    }));
    Ok(Rel { plan, scope })
}

/// The plan with what the sessions are computed from, and a row's session.
fn merged(
    plan: LogicalPlan,
    start: &Expr,
    end: &Expr,
    keys: Vec<Expr>,
    span: Span,
    env: Env<'_>,
) -> Result<(LogicalPlan, Expr)> {
    let order = vec![SortKey {
        expr: start.clone(),
        descending: false,
        nulls_first: true,
    }];
    let earlier = |end| WindowFrame {
        units: FrameUnits::Rows,
        start: FrameBound::Unbounded,
        end,
    };
    let (plan, ended) = over(
        plan,
        &keys,
        &order,
        "max",
        end.clone(),
        earlier(FrameBound::Rows(-1)),
        span,
        env,
    )?;
    let follows = Expr::compare(CompareOp::LtEq, start.clone(), ended);
    let begins = Expr::Case {
        branches: vec![(follows, Expr::lit(Literal::long(0)))],
        otherwise: Some(Box::new(Expr::lit(Literal::long(1)))),
        ty: SqlType::Long,
    };
    let (plan, session) = over(
        plan,
        &keys,
        &order,
        "sum",
        begins,
        earlier(FrameBound::CurrentRow),
        span,
        env,
    )?;
    let keys: Vec<Expr> = keys.into_iter().chain([session]).collect();
    let whole = WindowFrame::whole;
    let (plan, first) = over(plan, &keys, &[], "min", start.clone(), whole(), span, env)?;
    let (plan, last) = over(plan, &keys, &[], "max", end.clone(), whole(), span, env)?;
    let name = |n: &str| Expr::lit(Literal::string(n));
    let Some(make) = env.cx.registry.scalar("named_struct") else {
        return Err(Error::internal("there is no named_struct"));
    };
    let parts = vec![name("start"), first, name("end"), last];
    let session = make.resolve(parts, &env.resolve_cx("named_struct", span))?;
    Ok((plan, session))
}

/// The plan with an aggregate over a frame, and its column.
#[allow(clippy::too_many_arguments, reason = "the parts of one OVER clause")]
fn over(
    plan: LogicalPlan,
    keys: &[Expr],
    order: &[SortKey],
    function: &str,
    arg: Expr,
    frame: WindowFrame,
    span: Span,
    env: Env<'_>,
) -> Result<(LogicalPlan, Expr)> {
    let Some(f) = env.cx.registry.aggregate(function) else {
        return Err(Error::internal(format!("there is no {function}")));
    };
    let call = (f.resolve)(vec![arg], Vec::new(), false, &env.resolve_cx(function, span))?;
    let (id, ty) = (env.id(), call.ty.clone());
    let call = WindowCall {
        func: WindowFunc::Aggregate(call),
        frame,
    };
    let plan = plan.window(keys.to_vec(), order.to_vec(), vec![(call, id, function.into())]);
    Ok((plan, Expr::Column(Column { id, ty })))
}

/// The call, where the whole expression is one.
fn session_call(e: &ast::Expr) -> Option<(&FunctionCall, Span)> {
    match &e.kind {
        ExprKind::Function(call) if call.name.0.len() == 1 && call.name.last().eq_ignore_ascii_case(NAME) => {
            Some((call, e.span))
        }
        _ => None,
    }
}

/// What a key means: an ordinal or an alias stands for an item of the select list.
fn meant<'q>(e: &'q ast::Expr, select: &'q Select, binder: &Binder<'_>) -> &'q ast::Expr {
    if let Some(n) = crate::order::ordinal(e) {
        let item = usize::try_from(n)
            .ok()
            .and_then(|n| select.items.get(n.wrapping_sub(1)));
        return item.map_or(e, unaliased);
    }
    if let ExprKind::Column(parts) = &e.kind
        && let [name] = parts.as_slice()
        && matches!(binder.scope.find(parts, &binder.env), Ok(None))
    {
        let named = |item: &&ast::Expr| matches!(&item.kind, ExprKind::Alias { names, .. } if names.iter().any(|n| binder.env.same_name(&n.value, &name.value)));
        return select.items.iter().find(named).map_or(e, unaliased);
    }
    e
}

fn unaliased(e: &ast::Expr) -> &ast::Expr {
    match &e.kind {
        ExprKind::Alias { expr, .. } => expr,
        _ => e,
    }
}
