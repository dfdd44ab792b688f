//! SELECT: FROM, WHERE, grouping, HAVING, windows, the list itself, DISTINCT, ordering, limits, in this order.

use std::sync::Arc;

use rsql_ast::query::{NamedWindow, Select};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::grouping::Grouping;
use crate::hint::{RelationHints, ResultHint};
use crate::order::{Ordering, Tail};
use crate::scope::{Rel, Scope, ScopeColumn};
use crate::select_list::{Output, output_scope, select_list};

/// The plan of a SELECT with what follows it.
pub(crate) fn analyze(select: &Select, tail: &Tail<'_>, env: Env<'_>) -> Result<Rel> {
    let hints = RelationHints::of(&select.hints)?;
    let rel = {
        // Those of `|>` operators behind this SELECT look into its FROM as well.
        let all = env.hints.map(|later| later.or(&hints));
        let hinted = Env {
            hints: Some(all.as_ref().unwrap_or(&hints)).filter(|h| !h.is_empty()),
            ..env
        };
        crate::relation::from_clause(&select.from, hinted)?
    };
    hints.report_unused();
    over(rel, select, tail, Env { hints: None, ..env })
}

/// A SELECT over a relation that stands for its FROM.
pub(crate) fn over(rel: Rel, select: &Select, tail: &Tail<'_>, env: Env<'_>) -> Result<Rel> {
    let mut rel = rel;
    for view in &select.lateral_views {
        rel = crate::generate::lateral_view(rel, view, env)?;
    }
    let rel = crate::time_window::add(rel, select, env)?;
    let Rel { mut plan, scope } = rel;
    if let Some(condition) = &select.filter {
        plan = crate::filter::where_clause(plan, &scope, condition, env)?;
    }
    let Rel { mut plan, scope } = crate::session_window::add(Rel { plan, scope }, select, env)?;
    let windows: Vec<&NamedWindow> = select.windows.iter().chain(tail.windows).collect();
    if let Some(again) = windows.iter().enumerate().find(|(i, w)| {
        windows[..*i]
            .iter()
            .any(|v| env.same_name(&v.name.value, &w.name.value))
    }) {
        return Err(Error::user("INVALID_SQL_SYNTAX.REPETITIVE_WINDOW_DEFINITION")
            .param("windowName", &again.1.name.value)
            .at(again.1.name.span));
    }
    let mut out = Collected::default();
    let mut outputs = select_list(&select.items, &scope, &windows, &mut out, env)?;
    let list_subqueries = std::mem::take(&mut out.subqueries);
    let names = output_scope(&outputs);

    let mut having = None;
    if let Some(condition) = &select.having {
        let allow = Allow {
            aggregates: true,
            windows: false,
            generators: false,
            clause: "HAVING",
        };
        let mut binder = Binder::new(env, &scope, allow, &mut out).with_aliases(&names, true);
        having = Some(crate::filter::bind(condition, &mut binder)?);
    }
    let mut qualify = None;
    if let Some(condition) = &select.qualify {
        let allow = Allow {
            aggregates: true,
            windows: true,
            generators: false,
            clause: "QUALIFY",
        };
        let mut binder = Binder::new(env, &scope, allow, &mut out)
            .with_aliases(&names, false)
            .with_windows(&windows);
        qualify = Some(crate::filter::bind(condition, &mut binder)?);
        if env.cx.settings.strict() && out.windows.is_empty() {
            return Err(Error::user("QUALIFY_REQUIRES_WINDOW_FUNCTION").at(condition.span));
        }
    }
    let analytics = select.group_by.as_ref().is_some_and(crate::grouping_sets::is_analytic);
    let listed = if analytics {
        std::mem::take(&mut out.aggregates)
    } else {
        Vec::new()
    };
    let mut ordering = order_of(tail, &scope, &names, &outputs, &windows, select, &mut out, env)?;
    if analytics {
        out.sort_aggregates = out.aggregates.iter().map(|a| a.id).collect();
        out.aggregates.splice(0..0, listed);
    }
    let order_subqueries = std::mem::take(&mut out.subqueries);
    let of_order: Vec<_> = order_subqueries.iter().map(|s| s.id).collect();
    let mut of_keys = Vec::new();

    let grouped = select.group_by.is_some() || having.is_some() || !out.aggregates.is_empty();
    let generated: Vec<_> = out
        .generators
        .iter()
        .flat_map(|g| g.outputs.iter().map(|f| f.id))
        .collect();
    let reads_generated = |e: &Expr| e.any(&|e| matches!(e, Expr::Column(c) if generated.contains(&c.id)));
    let mut after_generators: Vec<Expr> = Vec::new();
    let mut late: Vec<_> = list_subqueries.into_iter().chain(order_subqueries).collect();
    if grouped {
        let grouping = Grouping::bind(select.group_by.as_ref(), &scope, &outputs, &mut out, &mut late, env)?;
        of_keys.clone_from(&grouping.subqueries);
        let input = plan.schema().clone();
        plan = plant(plan, std::mem::take(&mut out.input_subqueries));
        let (aggregated, rewrite) = grouping.plan(plan, &input, &mut out, env)?;
        plan = aggregated;
        for output in &mut outputs {
            output.expr = rewrite.checked(std::mem::take(&mut output.expr), &output.text, output.span)?;
        }
        for e in ordering.expressions_mut() {
            *e = rewrite.apply(std::mem::take(e));
            rewrite.check_in_sight(e, &names, &scope, select.span)?;
        }
        if let Some(condition) = having {
            let condition = condition.map(&|e| rewrite.apply(e), &|p| rewrite.plan(p));
            for e in condition.plain.iter().chain(&condition.late) {
                rewrite.check_in_sight(e, &names, &scope, select.span)?;
            }
            for p in condition.plans() {
                rewrite.check_plan(p, select.span)?;
            }
            let mut condition = condition;
            let plain = std::mem::take(&mut condition.plain);
            (after_generators, condition.plain) = plain.into_iter().partition(reads_generated);
            plan = condition.apply(plan);
        }
        qualify = qualify.map(|c| c.map(&|e| rewrite.apply(e), &|p| rewrite.plan(p)));
        out.windows = std::mem::take(&mut out.windows)
            .into_iter()
            .map(|w| crate::window::map(w, &|e| rewrite.apply(e)))
            .collect();
        for w in &out.windows {
            for e in crate::window::expressions(w) {
                rewrite.check(e, &w.name, select.span)?;
            }
        }
        if out.generators.len() > 1 {
            return Err(Error::user("UNSUPPORTED_GENERATOR.MULTI_GENERATOR")
                .param("num", out.generators.len().to_string())
                .param("generators", "")
                .at(select.span));
        }
        for g in &mut out.generators {
            for e in &mut g.args {
                *e = rewrite.checked(std::mem::take(e), "", select.span)?;
            }
        }
        for s in &mut late {
            s.condition = s.condition.take().map(|e| rewrite.apply(e));
            s.plan = rewrite.plan(std::mem::take(&mut s.plan));
            rewrite.check_plan(&s.plan, select.span)?;
        }
    } else if !out.groupings.is_empty() {
        return Err(Error::user("UNSUPPORTED_GROUPING_EXPRESSION").at(select.span));
    }
    let ordering_reads = late.iter().filter(|s| of_order.contains(&s.id));
    crate::correlation::check_order(ordering_reads, &of_keys, select.span, env)?;
    plan = plant(plan, late);
    let windowed: Vec<_> = out.windows.iter().map(|w| w.id).collect();
    let reads_window = |e: &Expr| e.any(&|e| matches!(e, Expr::Column(c) if windowed.contains(&c.id)));
    let (above, below): (Vec<_>, Vec<_>) = std::mem::take(&mut out.generators)
        .into_iter()
        .partition(|g| grouped || g.args.iter().any(reads_window));
    for g in below {
        plan = plan.generate(g.func, g.args, g.outer, g.outputs);
    }
    plan = crate::window::plant(plan, std::mem::take(&mut out.windows));
    if let Some(condition) = qualify {
        plan = condition.apply(plan);
    }
    for g in above {
        plan = plan.generate(g.func, g.args, g.outer, g.outputs);
    }
    plan = plan.filter(Expr::conjunction(after_generators));
    let rel = finish(plan, &outputs, ordering, select.distinct, select.span, env)?;
    crate::order::limit(rel, tail, env)
}

/// `rel` with the list's columns added to its own; the relation names just the new ones.
pub(crate) fn extended(rel: Rel, select: &Select, env: Env<'_>) -> Result<Rel> {
    let Rel { plan, scope } = rel;
    let mut out = Collected::default();
    let outputs = select_list(&select.items, &scope, &[], &mut out, env)?;
    let passed: Vec<(Expr, Arc<str>)> = plan
        .schema()
        .iter()
        .map(|f| (rsql_planner::logical::build::column(f), Arc::clone(&f.name)))
        .collect();
    let width = passed.len();
    let mut plan = crate::window::plant(plant(plan, out.subqueries), out.windows);
    for g in out.generators {
        plan = plan.generate(g.func, g.args, g.outer, g.outputs);
    }
    let exprs = passed
        .into_iter()
        .chain(outputs.iter().map(|o| (o.expr.clone(), Arc::clone(&o.name))))
        .collect();
    let plan = crate::project::project(plan, exprs, env);
    let columns = plan
        .schema()
        .iter()
        .skip(width)
        .map(|f| ScopeColumn::of(f, &[].into()))
        .collect();
    Ok(Rel {
        plan,
        scope: Scope::over(columns),
    })
}

#[allow(clippy::too_many_arguments, reason = "one clause of a statement reads all of it")]
fn order_of(
    tail: &Tail<'_>,
    scope: &Scope,
    names: &Scope,
    outputs: &[Output],
    windows: &[&NamedWindow],
    select: &Select,
    out: &mut Collected,
    env: Env<'_>,
) -> Result<Ordering> {
    let allow = Allow {
        aggregates: true,
        windows: true,
        generators: false,
        clause: "ORDER BY",
    };
    let exprs: Vec<Expr> = outputs.iter().map(|o| o.expr.clone()).collect();
    let binder = Binder::new(env, if select.distinct { names } else { scope }, allow, out);
    let binder = if select.distinct {
        binder
    } else {
        binder.with_aliases(names, true)
    };
    let mut binder = binder.with_windows(windows);
    let hints = ResultHint::bind(&select.hints, &mut binder)?;
    let ordering = crate::order::bind(tail, &mut binder, &exprs)?;
    Ok(Ordering { hints, ..ordering })
}

/// Projects, removes doubles, orders. Sort keys that the list does not hold are computed beside it and dropped after.
fn finish(
    plan: LogicalPlan,
    outputs: &[Output],
    mut ordering: Ordering,
    distinct: bool,
    span: Span,
    env: Env<'_>,
) -> Result<Rel> {
    let mut exprs: Vec<(Expr, Arc<str>)> = outputs.iter().map(|o| (o.expr.clone(), Arc::clone(&o.name))).collect();
    let width = exprs.len();
    let mut hidden: Vec<Expr> = Vec::new();
    for e in ordering.expressions_mut() {
        let known = outputs.iter().any(|o| o.expr == *e) || e.is_foldable() && e.is_deterministic();
        if !known && !covered(e, outputs) && !hidden.contains(e) {
            hidden.push(e.clone());
        }
    }
    if distinct && !hidden.is_empty() {
        let names: Vec<String> = outputs.iter().map(|o| quoted_name([&o.name])).collect();
        return Err(Error::user("UNRESOLVED_COLUMN.WITH_SUGGESTION")
            .param("objectName", "")
            .param("proposal", names.join(", "))
            .at(span));
    }
    exprs.extend(hidden.iter().map(|e| (e.clone(), "sort key".into())));
    let mut plan = crate::project::project(plan, exprs.clone(), env);
    if distinct {
        crate::set_op::comparable(plan.schema(), env)?;
        plan = plan.distinct();
    }
    let fields = plan.schema().clone();
    for e in ordering.expressions_mut() {
        *e = to_outputs(std::mem::take(e), &exprs, &fields);
    }
    plan = ordering.apply(plan);
    let keep: Vec<_> = fields.iter().take(width).map(|f| f.id).collect();
    if !hidden.is_empty() {
        plan = plan.project_columns(&keep);
    }
    let columns = plan
        .schema()
        .iter()
        .zip(outputs)
        .map(|(f, o)| ScopeColumn::of(f, &o.qualifier))
        .collect();
    Ok(Rel {
        plan,
        scope: Scope::over(columns),
    })
}

/// True if the expression reads nothing but output expressions.
fn covered(e: &Expr, outputs: &[Output]) -> bool {
    if outputs.iter().any(|o| o.expr == *e) {
        return true;
    }
    match e {
        Expr::Column(_) => false,
        _ => {
            e.is_deterministic()
                && !matches!(e, Expr::Lambda(_))
                && e.children().into_iter().all(|c| covered(c, outputs))
        }
    }
}

/// The expression over a projection's columns instead of what they compute.
fn to_outputs(e: Expr, exprs: &[(Expr, Arc<str>)], fields: &rsql_expr::Schema) -> Expr {
    if let Some(i) = exprs.iter().position(|(x, _)| *x == e)
        && let Some(field) = fields.fields.get(i)
        && !matches!(e, Expr::Literal(_))
    {
        return rsql_planner::logical::build::column(field);
    }
    let mapped: std::result::Result<Expr, std::convert::Infallible> =
        e.try_map_children(&mut |c| Ok(to_outputs(c, exprs, fields)));
    match mapped {
        Ok(e) => e,
        Err(never) => match never {},
    }
}
