//! PIVOT: grouped by the columns nobody names, one aggregate for each value.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::relation::Pivot;
use rsql_common::{ColumnId, Error, Result};
use rsql_expr::coerce::cast_exactly;
use rsql_expr::tree::CompareOp;
use rsql_expr::{AggregateCall, Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;

use crate::collected::Collected;
use crate::env::Env;
use crate::expr::structure::own_name;
use crate::expr::{Allow, Binder};
use crate::grouping::key_field;
use crate::scope::{Rel, Scope};

/// One value of the IN list.
struct PivotValue {
    /// Constants, one for each FOR column.
    values: Vec<Expr>,
    name: String,
}

/// `rel PIVOT (aggregates FOR columns IN (values))`
pub(crate) fn pivot(rel: Rel, p: &Pivot, env: Env<'_>) -> Result<Rel> {
    let Rel { plan, scope } = rel;
    let mut out = Collected::default();
    let allow = Allow {
        aggregates: true,
        windows: false,
        generators: false,
        clause: "PIVOT",
    };
    let mut binder = Binder::new(env, &scope, allow, &mut out);
    let columns: Vec<Expr> = p
        .columns
        .iter()
        .map(|c| binder.expr(&ast::Expr::new(ExprKind::Column(vec![c.clone()]), c.span)))
        .collect::<Result<_>>()?;
    let mut aggregates: Vec<(Expr, String, Option<String>)> = Vec::new();
    for item in &p.aggregates {
        let (inner, alias) = unaliased(item);
        let before = binder.out.aggregates.len();
        let bound = binder.bind_named(inner)?;
        if binder.out.aggregates.len() == before {
            return Err(Error::user("_LEGACY_ERROR_TEMP_1006")
                .param("sql", bound.name)
                .at(item.span));
        }
        aggregates.push((bound.expr, bound.name, alias));
    }
    let mut values = Vec::new();
    for value in &p.values {
        values.push(pivot_value(value, columns.len(), &mut binder)?);
    }
    let mut read: std::collections::BTreeSet<ColumnId> = std::collections::BTreeSet::new();
    columns.iter().for_each(|c| c.columns_into(&mut read));
    for a in &out.aggregates {
        a.call
            .args
            .iter()
            .chain(&a.call.filter)
            .for_each(|e| e.columns_into(&mut read));
    }
    let groups: Vec<(Expr, Field)> = scope
        .visible()
        .filter(|c| c.id().is_none_or(|id| !read.contains(&id)))
        .map(|c| (c.expr.clone(), key_field(&c.expr, Arc::clone(&c.name), &plan, env)))
        .collect();
    let keys: Vec<(Expr, Arc<str>)> = groups.iter().map(|(_, f)| (column(f), Arc::clone(&f.name))).collect();
    let cx = env.resolve_cx("=", p.span);
    let mut calls: Vec<(AggregateCall, ColumnId, Arc<str>)> = Vec::new();
    let mut outputs = keys;
    for v in &values {
        let mut conditions = Vec::new();
        for (c, value) in columns.iter().zip(&v.values) {
            let value = match (c.ty().collation(), value.ty().is_string()) {
                (Some(_), true) => cast_exactly(value.clone(), &c.ty(), &cx),
                _ => value.clone(),
            };
            conditions.push(
                rsql_expr::coerce::compare(CompareOp::NullSafeEq, c.clone(), value.clone(), &cx).map_err(|_| {
                    Error::user("PIVOT_VALUE_DATA_TYPE_MISMATCH")
                        .param("value", &v.name)
                        .param("valueType", value.ty().sql())
                        .param("pivotType", c.ty().sql())
                        .at(p.span)
                })?,
            );
        }
        let condition = Expr::conjunction(conditions);
        // The aggregates of this value, under ids of their own.
        let mut renamed: Vec<(ColumnId, Expr)> = Vec::new();
        for a in &out.aggregates {
            let filter = Expr::conjunction(a.call.filter.clone().into_iter().chain([condition.clone()]));
            let call = AggregateCall {
                filter: Some(filter),
                ..a.call.clone()
            };
            let id = env.id();
            renamed.push((
                a.id,
                Expr::Column(rsql_expr::Column {
                    id,
                    ty: call.ty.clone(),
                }),
            ));
            calls.push((call, id, Arc::clone(&a.name)));
        }
        for (expr, text, alias) in &aggregates {
            let expr = expr
                .clone()
                .replace_columns(&|c| renamed.iter().find(|(id, _)| *id == c.id).map(|(_, e)| e.clone()));
            let name = match (aggregates.len(), alias) {
                (1, _) => v.name.clone(),
                (_, Some(alias)) => format!("{}_{alias}", v.name),
                (_, None) => format!("{}_{text}", v.name),
            };
            outputs.push((expr, name.into()));
        }
    }
    let plan: LogicalPlan = plan.aggregate(groups, calls);
    let plan = crate::project::project(plan, outputs, env);
    let scope = Scope::of(&plan, &[]);
    Ok(Rel { plan, scope })
}

fn unaliased(e: &ast::Expr) -> (&ast::Expr, Option<String>) {
    match &e.kind {
        ExprKind::Alias { expr, names } => (expr, names.first().map(|n| n.value.clone())),
        _ => (e, None),
    }
}

fn pivot_value(e: &ast::Expr, width: usize, binder: &mut Binder<'_>) -> Result<PivotValue> {
    let (inner, alias) = unaliased(e);
    let members: Vec<&ast::Expr> = match &inner.kind {
        ExprKind::Row(members) if width > 1 => members.iter().collect(),
        ExprKind::Function(call) if width > 1 && call.name.last().eq_ignore_ascii_case("struct") => {
            call.args.iter().map(|a| &a.value).collect()
        }
        _ => vec![inner],
    };
    let mut values = Vec::new();
    let mut names = Vec::new();
    for m in members {
        let bound = binder.bind_named(m)?;
        if !bound.expr.is_foldable() {
            return Err(Error::user("NON_LITERAL_PIVOT_VALUES")
                .param("expression", format!("\"{}\"", own_name(m).unwrap_or(bound.name)))
                .at(m.span));
        }
        let name = match rsql_expr::eval::fold(&bound.expr, &binder.env.cx.registry) {
            Ok(l) if l.value.is_null() => "null".to_string(),
            Ok(l) => plain_text(&l, binder).unwrap_or(bound.name),
            Err(_) => bound.name,
        };
        names.push(name);
        values.push(bound.expr);
    }
    if values.len() != width {
        return Err(Error::user("PIVOT_VALUE_DATA_TYPE_MISMATCH")
            .param("value", names.join(", "))
            .param("valueType", "")
            .param("pivotType", "")
            .at(e.span));
    }
    let name = match (alias, names.len()) {
        (Some(alias), _) => alias,
        (None, 1) => names.swap_remove(0),
        (None, _) => format!("{{{}}}", names.join(", ")),
    };
    Ok(PivotValue { values, name })
}

fn plain_text(literal: &rsql_expr::Literal, binder: &Binder<'_>) -> Option<String> {
    let array = rsql_expr::eval::literal_array(literal).ok()?;
    let notation = rsql_expr::format::Notation::Cast;
    let f = rsql_expr::format::ColumnFormatter::new(&array, &literal.ty, notation, &binder.env.cx.options).ok()?;
    let mut out = String::new();
    f.push(0, &mut out);
    Some(out)
}
