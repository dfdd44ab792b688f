//! Relations as S-expressions.

use rsql_ast::relation::{JoinCondition, SampleKind, TableAlias, TableSample};
use rsql_ast::{Expr, Ident, Relation};

use super::expr::{expr, function};
use super::query::query;
use super::{clause, flag, join, list, optional};

pub(super) fn alias(a: &TableAlias) -> String {
    match (&a.name, a.columns.is_empty()) {
        (None, true) => String::new(),
        (Some(name), true) => name.to_string(),
        (name, false) => {
            let name = name.as_ref().map_or("_".to_string(), ToString::to_string);
            list(name, a.columns.iter().map(ToString::to_string))
        }
    }
}

pub(super) fn sample(s: &Option<TableSample>) -> String {
    let Some(s) = s else { return String::new() };
    let kind = match &s.kind {
        SampleKind::Percent(e) => format!("{}%", expr(e)),
        SampleKind::Rows(e) => format!("{} rows", expr(e)),
        SampleKind::Bucket(x, y) => format!("{x}/{y}"),
        SampleKind::Bytes(e) => format!("{} bytes", expr(e)),
    };
    list("sample", [kind, s.seed.map_or(String::new(), |n| format!("seed:{n}"))])
}

pub(super) fn relation(r: &Relation) -> String {
    match r {
        Relation::Table {
            name,
            alias: a,
            sample: s,
            options,
            time_travel,
            identifier,
        } => {
            let name = identifier
                .as_ref()
                .map_or(name.to_string(), |e| list("identifier", [expr(e)]));
            let parts = [
                alias(a),
                sample(s),
                clause("options", options, |(k, v)| format!("{k}={v}")),
                optional("as-of", time_travel),
            ];
            if parts.iter().all(String::is_empty) {
                name
            } else {
                list(name, parts)
            }
        }
        Relation::Subquery {
            query: q,
            lateral,
            alias: a,
            sample: s,
        } => list(
            if *lateral { "lateral" } else { "sub" },
            [query(q), alias(a), sample(s)],
        ),
        Relation::Values { rows, alias: a, .. } => {
            list("values", [join(rows, |r| list("", [join(r, expr)])), alias(a)])
        }
        Relation::Function {
            call,
            lateral,
            alias: a,
            ..
        } => list(if *lateral { "lateral" } else { "call" }, [function(call), alias(a)]),
        Relation::Join(j) => {
            let condition = match &j.condition {
                JoinCondition::None => String::new(),
                JoinCondition::On(e) => list("on", [expr(e)]),
                JoinCondition::Using(c) => clause("using", c, ToString::to_string),
                JoinCondition::Natural => "natural".into(),
            };
            let kind = format!("{:?}", j.kind).to_lowercase();
            list(
                kind,
                [
                    flag(j.lateral, "lateral"),
                    relation(&j.left),
                    relation(&j.right),
                    condition,
                ],
            )
        }
        Relation::Nested {
            relation: r,
            alias: a,
            sample: s,
        } => list("nested", [relation(r), alias(a), sample(s)]),
        Relation::Pivot(p) => list(
            "pivot",
            [
                relation(&p.input),
                join(&p.aggregates, expr),
                clause("for", &p.columns, ToString::to_string),
                clause("in", &p.values, expr),
                alias(&p.alias),
            ],
        ),
        Relation::Unpivot(u) => {
            let columns = |(c, a): &(Vec<Expr>, Option<Ident>)| {
                let alias = a.as_ref().map_or(String::new(), |a| format!(":{a}"));
                format!("{}{alias}", join(c, expr))
            };
            list(
                "unpivot",
                [
                    relation(&u.input),
                    flag(u.include_nulls, "nulls"),
                    clause("values", &u.values, ToString::to_string),
                    u.name.to_string(),
                    clause("in", &u.columns, columns),
                    alias(&u.alias),
                ],
            )
        }
        Relation::PipeInput => "_".into(),
    }
}
