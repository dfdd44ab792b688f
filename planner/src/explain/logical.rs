//! The logical plan's text.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::{list, replace_numbers};
use crate::LogicalPlan;
use crate::logical::{JoinKind, RepartitionKind};

/// One line a node, children indented below.
pub fn explain_logical(plan: &LogicalPlan) -> String {
    let mut names = HashMap::new();
    collect_names(plan, &mut names);
    let mut out = String::new();
    write(plan, 0, &names, &mut out);
    out
}

fn collect_names(plan: &LogicalPlan, names: &mut HashMap<usize, Arc<str>>) {
    for child in plan.children() {
        collect_names(child, names);
    }
    // The outermost name wins: a projection may rename a column that keeps its id.
    names.extend(plan.schema().iter().map(|f| (f.id.0 as usize, f.name.clone())));
    if let LogicalPlan::Scan(s) = plan {
        for (f, _) in &s.filter_columns {
            names.entry(f.id.0 as usize).or_insert_with(|| f.name.clone());
        }
    }
}

fn write(plan: &LogicalPlan, depth: usize, names: &HashMap<usize, Arc<str>>, out: &mut String) {
    let line = replace_numbers(&describe(plan), '#', &|id| names.get(&id).map(|n| format!("{n}#{id}")));
    _ = writeln!(out, "{:indent$}{}", "", line.trim_end(), indent = depth * 2);
    for child in plan.children() {
        write(child, depth + 1, names, out);
    }
}

fn describe(plan: &LogicalPlan) -> String {
    use LogicalPlan as L;
    let name = plan.name();
    match plan {
        L::Values(n) => format!("{name} {} rows [{}]", n.rows.len(), list(n.schema.iter().map(|f| f.id))),
        L::Range(n) => format!(
            "{name} {}..{} by {} [{}]",
            n.start,
            n.end,
            n.step,
            list(n.schema.iter().map(|f| f.id))
        ),
        L::Scan(n) => {
            let mut s = format!("{name} {} [{}]", n.source.name, list(n.schema.iter().map(|f| f.id)));
            if !n.filters.is_empty() {
                _ = write!(s, " filters: {}", list(&n.filters));
            }
            if let Some(limit) = n.limit {
                _ = write!(s, " limit: {limit}");
            }
            s
        }
        L::Projection(n) => {
            let items = n.exprs.iter().zip(n.schema.iter()).map(|(e, f)| match e {
                rsql_expr::Expr::Column(c) if c.id == f.id => c.id.to_string(),
                _ => format!("{e} AS {}", f.id),
            });
            format!("{name} {}", list(items))
        }
        L::Filter(n) => format!("{name} {}", n.predicate),
        L::Aggregate(n) => format!(
            "{name} [{}] [{}]",
            list(n.groups.iter().zip(n.schema.iter()).map(|(e, f)| named(e, f.id))),
            list(
                n.aggregates
                    .iter()
                    .zip(n.schema.iter().skip(n.groups.len()))
                    .map(|(a, f)| format!("{a} AS {}", f.id))
            )
        ),
        L::Window(n) => format!(
            "{name} [{}] partition by [{}] order by [{}]{}",
            list(
                n.calls
                    .iter()
                    .zip(n.schema.iter().skip(n.schema.len().saturating_sub(n.calls.len())))
                    .map(|(c, f)| format!("{c} AS {}", f.id))
            ),
            list(&n.partition_by),
            list(&n.order_by),
            n.group_limit.map(|l| format!(" group limit: {l}")).unwrap_or_default()
        ),
        L::Sort(n) => {
            let fetch = n.fetch.map(|k| format!(" fetch {k}")).unwrap_or_default();
            let local = if n.global { "" } else { " within partitions" };
            format!("{name} {}{fetch}{local}", list(&n.keys))
        }
        L::Limit(n) => {
            let fetch = n.fetch.map_or_else(|| "all".to_string(), |k| k.to_string());
            format!("{name} {fetch} skip {}", n.skip)
        }
        L::Join(n) => {
            let mut s = format!("{name} {:?}", n.kind);
            if n.null_aware {
                s.push_str(" null-aware");
            }
            if !n.on.is_empty() {
                _ = write!(s, " on {}", list(n.on.iter().map(|(l, r)| format!("({l} = {r})"))));
            }
            if let Some(f) = &n.filter {
                _ = write!(s, " filter {f}");
            }
            if n.kind == JoinKind::LeftMark
                && let Some(f) = n.schema.iter().last()
            {
                _ = write!(s, " AS {}", f.id);
            }
            _ = write!(s, "{}", n.hint);
            s
        }
        L::DependentJoin(n) => {
            let condition = n.condition.as_ref().map(|c| format!(" on {c}")).unwrap_or_default();
            format!("{name} {:?}{condition}{}", n.kind, n.hint)
        }
        L::Union(n) => format!("{name} [{}]", list(n.schema.iter().map(|f| f.id))),
        L::SetOp(n) => format!(
            "{:?}{} [{}]",
            n.kind,
            if n.all { " ALL" } else { "" },
            list(n.schema.iter().map(|f| f.id))
        ),
        L::Generate(n) => {
            let outer = if n.outer { "outer " } else { "" };
            format!(
                "{name} {outer}{}({}) AS {}",
                n.func,
                list(&n.args),
                list(n.outputs.iter().map(|f| f.id))
            )
        }
        L::Expand(n) => format!(
            "{name} {} AS {}",
            list(n.projections.iter().map(|p| format!("[{}]", list(p)))),
            list(n.schema.iter().map(|f| f.id))
        ),
        L::With(n) => format!("{name} {}", list(n.defs.iter().map(|(id, _)| id))),
        L::CteRef(n) => format!("{name} {} [{}]", n.id, list(n.schema.iter().map(|f| f.id))),
        L::RecursiveCte(n) => format!(
            "{name} {} [{}]{}",
            n.id,
            list(n.schema.iter().map(|f| f.id)),
            n.fetch.map(|k| format!(" fetch {k}")).unwrap_or_default()
        ),
        L::Sample(n) => format!("{name} {}..{} seed {}", n.lower, n.upper, n.seed),
        L::Repartition(n) => {
            let how = match &n.kind {
                RepartitionKind::Hash(keys) => format!("hash {}", list(keys)),
                RepartitionKind::Range(keys) => format!("range {}", list(keys)),
                RepartitionKind::RoundRobin => "round robin".into(),
                RepartitionKind::Coalesce => "coalesce".into(),
            };
            let partitions = n.partitions.map(|p| format!(" into {p}")).unwrap_or_default();
            let rebalance = if n.rebalance { " rebalanced" } else { "" };
            format!("{name} {how}{partitions}{rebalance}")
        }
        L::Hint(n) => format!("{name} {}", n.strategy),
    }
}

fn named(e: &rsql_expr::Expr, id: rsql_common::ColumnId) -> String {
    match e {
        rsql_expr::Expr::Column(c) if c.id == id => c.id.to_string(),
        _ => format!("{e} AS {id}"),
    }
}

#[cfg(test)]
mod tests {
    use rsql_expr::{CompareOp, Expr, Field, Literal, Schema, SqlType};

    use super::*;
    use crate::logical::build::column;

    #[test]
    fn columns_print_with_name_and_id() {
        let field = Field {
            id: rsql_common::ColumnId(7),
            name: "a".into(),
            ty: SqlType::Int,
            nullable: true,
        };
        let predicate = Expr::compare(CompareOp::Gt, column(&field), Expr::lit(Literal::int(5)));
        let plan = LogicalPlan::empty(Schema::new([field])).filter(predicate);
        assert_eq!(explain_logical(&plan), "Filter (a#7 > 5)\n  Values 0 rows [a#7]\n");
    }
}
