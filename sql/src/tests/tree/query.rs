//! Queries and pipe operators as S-expressions.

use rsql_ast::query::{GroupBy, GroupItem, LateralView, NamedWindow, PipeOp, QueryTail};
use rsql_ast::{Expr, Query, Select, SetExpr};

use super::expr::{expr, order, window};
use super::relation::{alias, relation, sample};
use super::{clause, flag, join, list, optional};

pub(in crate::tests) fn query(q: &Query) -> String {
    let tail = QueryTail {
        order_by: q.order_by.clone(),
        sort_by: q.sort_by.clone(),
        cluster_by: q.cluster_by.clone(),
        distribute_by: q.distribute_by.clone(),
        windows: q.windows.clone(),
        limit: q.limit.clone(),
        offset: q.offset.clone(),
    };
    let with = q.with.as_ref().map_or(String::new(), |w| {
        list(
            if w.recursive { "with-recursive" } else { "with" },
            w.ctes.iter().map(|c| {
                let limit = c.max_recursion.map_or(String::new(), |n| format!("max:{n}"));
                list(
                    c.name.to_string(),
                    [join(&c.columns, ToString::to_string), limit, query(&c.query)],
                )
            }),
        )
    });
    let tail = tail_text(&tail);
    if with.is_empty() && tail.is_empty() {
        return body(&q.body);
    }
    list("query", [with, body(&q.body), tail])
}

fn tail_text(t: &QueryTail) -> String {
    let parts = [
        clause("order", &t.order_by, order),
        clause("sort", &t.sort_by, order),
        clause("cluster", &t.cluster_by, expr),
        clause("distribute", &t.distribute_by, expr),
        named_windows(&t.windows),
        optional("limit", &t.limit),
        optional("offset", &t.offset),
    ];
    parts
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn named_windows(windows: &[NamedWindow]) -> String {
    clause("window", windows, |w| window(&w.name.to_string(), &w.spec))
}

fn body(b: &SetExpr) -> String {
    match b {
        SetExpr::Select(s) => select(s),
        SetExpr::Query(q) => list("paren", [query(q)]),
        SetExpr::SetOp {
            op,
            all,
            by_name,
            inputs,
        } => {
            let name = format!("{op:?}").to_lowercase();
            let head = format!("{name}{}{}", flag(*all, "-all"), flag(*by_name, "-by-name"));
            clause(&head, inputs, body)
        }
        SetExpr::Values(rows) => clause("values", rows, |r| list("", [join(r, expr)])),
        SetExpr::Table(name) => list("table", [name.to_string()]),
        SetExpr::Pipe { input, ops } => list("pipe", [body(input), join(ops, pipe)]),
        SetExpr::From(r) => list("from", [relation(r)]),
    }
}

fn select(s: &Select) -> String {
    let hint = |h: &rsql_ast::query::Hint| {
        if h.args.is_empty() {
            h.name.to_string()
        } else {
            list(h.name.to_string(), h.args.iter().map(expr))
        }
    };
    list(
        "select",
        [
            clause("hint", &s.hints, hint),
            flag(s.distinct, "distinct"),
            join(&s.items, expr),
            clause("from", &s.from, relation),
            join(&s.lateral_views, lateral_view),
            optional("where", &s.filter),
            s.group_by.as_ref().map_or(String::new(), group_by),
            optional("having", &s.having),
            optional("qualify", &s.qualify),
            named_windows(&s.windows),
        ],
    )
}

fn lateral_view(v: &LateralView) -> String {
    list(
        if v.outer { "view-outer" } else { "view" },
        [
            expr(&v.call),
            v.table.as_ref().map_or("_".into(), ToString::to_string),
            join(&v.columns, ToString::to_string),
        ],
    )
}

fn group_by(g: &GroupBy) -> String {
    if g.all {
        "(group ALL)".into()
    } else {
        clause("group", &g.items, group_item)
    }
}

fn group_item(item: &GroupItem) -> String {
    let sets = |members: &Vec<Vec<Expr>>| {
        join(
            members,
            |m| if m.len() == 1 { expr(&m[0]) } else { clause("", m, expr) },
        )
    };
    match item {
        GroupItem::Expr(e) => expr(e),
        GroupItem::Rollup(m) => list("rollup", [sets(m)]),
        GroupItem::Cube(m) => list("cube", [sets(m)]),
        GroupItem::GroupingSets(items) => clause("sets", items, group_item),
        GroupItem::Set(items) => list("", [join(items, expr)]),
        GroupItem::WithRollup => "with-rollup".into(),
        GroupItem::WithCube => "with-cube".into(),
        GroupItem::WithSets(items) => clause("with-sets", items, group_item),
    }
}

fn pipe(op: &PipeOp) -> String {
    match op {
        PipeOp::Select { select: s } => select(s),
        PipeOp::Extend(items) => clause("extend", items, expr),
        PipeOp::Set(items) => clause("set", items, |(c, e)| format!("{c}={}", expr(e))),
        PipeOp::Drop(columns) => clause("drop", columns, ToString::to_string),
        PipeOp::As(a) => list("as", [alias(a)]),
        PipeOp::Where(e) => list("where", [expr(e)]),
        PipeOp::Aggregate { items, group_by: g } => list(
            "aggregate",
            [join(items, expr), g.as_ref().map_or(String::new(), group_by)],
        ),
        PipeOp::Join(r) | PipeOp::Pivot(r) => relation(r),
        PipeOp::LateralView(v) => lateral_view(v),
        PipeOp::Sample(s) => sample(&Some(s.clone())),
        PipeOp::Organize(t) => tail_text(t),
        PipeOp::SetOp { op, all, right, .. } => {
            list(format!("{op:?}{}", flag(*all, "-all")).to_lowercase(), [body(right)])
        }
    }
}
