//! Statistics of every node, bottom-up.

use std::collections::HashMap;

use rsql_catalog::SourceKind;
use rsql_expr::{AggregateCall, Expr, Schema};
use rsql_planner::logical::{Aggregate, Scan};
use rsql_planner::{Estimates, LogicalPlan};

use super::column::{ColumnStatistics, Relation, literal};
use super::{Definitions, Statistics, filtered, joined};

/// Bytes a row takes in a file, where nothing else is known.
const ROW_BYTES: f64 = 64.0;

/// Statistics of `plan`; row counts also go into `tree`.
pub(crate) fn derive(plan: &LogicalPlan, definitions: &mut Definitions, tree: Option<&mut Estimates>) -> Statistics {
    crate::walk::with_stack(|| {
        let wanted = tree.is_some();
        let mut trees = Vec::new();
        let mut children = Vec::new();
        let mut child = |p: &LogicalPlan, definitions: &mut Definitions| {
            let mut below = Estimates::unknown();
            let s = derive(p, definitions, wanted.then_some(&mut below));
            trees.push(below);
            s
        };
        match plan {
            LogicalPlan::With(n) => {
                for (id, def) in &n.defs {
                    let s = child(def, definitions);
                    let columns = def
                        .schema()
                        .iter()
                        .map(|f| s.columns.get(&f.id).cloned().unwrap_or_default());
                    let known = (s.rows, columns.collect());
                    definitions.insert(*id, known);
                }
                children.push(child(&n.body, definitions));
            }
            LogicalPlan::RecursiveCte(n) => {
                let anchor = child(&n.anchor, definitions);
                definitions.insert(n.id, (anchor.rows, vec![]));
                let recursive = child(&n.recursive, definitions);
                children.extend([anchor, recursive]);
            }
            other => {
                for c in other.children() {
                    children.push(child(c, definitions));
                }
            }
        }
        let s = node(plan, &children, definitions);
        if let Some(tree) = tree {
            tree.rows = s.rows;
            tree.children = trees;
        }
        s
    })
}

fn node(plan: &LogicalPlan, children: &[Statistics], definitions: &Definitions) -> Statistics {
    use LogicalPlan as L;
    let first = || children.first().cloned().unwrap_or_default();
    match plan {
        L::Values(n) => Statistics::unknown(n.rows.len() as f64),
        L::Range(n) => {
            let rows = ((n.end as f64 - n.start as f64) / n.step as f64).ceil().max(0.0);
            let mut s = Statistics::unknown(rows);
            for f in n.schema.iter() {
                let column = ColumnStatistics {
                    min: Some((n.start as f64).min(n.end as f64)),
                    max: Some((n.start as f64).max(n.end as f64)),
                    distinct: Some(rows.max(1.0)),
                    null_fraction: 0.0,
                    unique: true,
                    relation: None,
                };
                s.columns.insert(f.id, column);
            }
            s
        }
        L::Scan(n) => scan(n),
        L::Projection(n) => {
            let input = first();
            let mut s = Statistics::unknown(input.rows);
            for (f, e) in n.schema.iter().zip(&n.exprs) {
                if let Some(c) = of_expression(e, &input) {
                    s.columns.insert(f.id, c);
                }
            }
            s
        }
        L::Filter(n) => filtered(first(), &n.predicate.clone().split_conjuncts()),
        L::Aggregate(n) => aggregate(n, &first()),
        L::Sort(n) => match n.fetch {
            Some(k) => limited(first(), 0, Some(k)),
            None => first(),
        },
        L::Limit(n) => limited(first(), n.skip, n.fetch),
        L::Join(n) => match children {
            [left, right] => {
                let filter = n.filter.clone().map(Expr::split_conjuncts).unwrap_or_default();
                joined(n.kind, &n.on, &filter, left, right)
            }
            _ => Statistics::unknown(1000.0),
        },
        L::Union(n) => union(&n.schema, n.inputs.iter().map(|i| i.schema()).zip(children)),
        L::SetOp(_) | L::DependentJoin(_) | L::Repartition(_) | L::Hint(_) => first(),
        L::Window(n) => match n.group_limit {
            Some(limit) => {
                let input = first();
                let rows = group_count(&n.partition_by, &input) * limit.rows as f64;
                let rows = rows.min(input.rows);
                input.scaled(rows)
            }
            None => first(),
        },
        L::Generate(n) => {
            let input = first();
            let rows = input.rows * if n.outer { 5.0 } else { 4.0 };
            Statistics { rows, ..input }
        }
        L::Expand(n) => {
            let input = first();
            let mut s = Statistics::unknown(input.rows * n.projections.len() as f64);
            for (i, f) in n.schema.iter().enumerate() {
                let source = n.projections.iter().find_map(|p| match p.get(i) {
                    Some(Expr::Column(c)) => input.columns.get(&c.id),
                    _ => None,
                });
                let constant = |p: &Vec<Expr>| matches!(p.get(i), Some(Expr::Literal(_)));
                if let Some(c) = source {
                    s.columns.insert(f.id, c.clone());
                } else if n.projections.iter().all(constant) {
                    let c = s.columns.entry(f.id).or_default();
                    c.distinct = Some(n.projections.len() as f64);
                }
            }
            s
        }
        L::With(_) => first(),
        L::CteRef(n) => match definitions.get(&n.id) {
            Some((rows, columns)) => {
                let columns = n.schema.iter().map(|f| f.id).zip(columns.iter().cloned());
                let (rows, columns) = (*rows, columns.collect());
                together(Statistics { rows, columns }, &n.schema)
            }
            None => Statistics::unknown(1000.0),
        },
        L::RecursiveCte(_) => Statistics::unknown(first().rows.max(1.0) * 100.0),
        L::Sample(n) => {
            let s = first();
            let rows = s.rows * (n.upper - n.lower).clamp(0.0, 1.0);
            s.scaled(rows)
        }
    }
}

fn scan(n: &Scan) -> Statistics {
    let rows = n.facts.as_ref().and_then(|f| f.rows).map(|r| r as f64);
    let rows = rows.unwrap_or_else(|| match &n.source.kind {
        SourceKind::Files(files) => files.files.iter().map(|f| f.size as f64).sum::<f64>() / ROW_BYTES,
        SourceKind::Memory(batches) => batches.iter().map(|b| b.num_rows() as f64).sum(),
    });
    let mut s = Statistics::unknown(rows);
    if let Some(facts) = &n.facts {
        let outputs = n.schema.iter().zip(&n.columns);
        for (f, source) in outputs.chain(n.filter_columns.iter().map(|(f, i)| (f, i))) {
            if let Some(known) = facts.columns.get(*source) {
                s.columns.insert(f.id, ColumnStatistics::of(known, &f.ty, rows));
            }
        }
    }
    let s = if n.filters.is_empty() {
        s
    } else {
        filtered(s, &n.filters)
    };
    together(limited(s, 0, n.limit), &n.schema)
}

/// The columns of which something is known come from one relation.
fn together(mut s: Statistics, schema: &Schema) -> Statistics {
    let rows = s.rows;
    let relation = schema.iter().next().map(|f| Relation { id: f.id, rows });
    for f in schema.iter() {
        if let Some(c) = s.columns.get_mut(&f.id) {
            c.relation = relation;
        }
    }
    s
}

fn limited(s: Statistics, skip: u64, fetch: Option<u64>) -> Statistics {
    let left = (s.rows - skip as f64).max(0.0);
    let rows = fetch.map_or(left, |k| left.min(k as f64));
    s.scaled(rows)
}

fn of_expression(e: &Expr, input: &Statistics) -> Option<ColumnStatistics> {
    match e {
        Expr::Column(c) => input.columns.get(&c.id).cloned(),
        Expr::Literal(l) => Some(ColumnStatistics::constant(literal(l))),
        Expr::Cast(c) => of_expression(&c.expr, input),
        // A function of one column has no more values than the column.
        Expr::Call(_) | Expr::Case { .. } => match e.columns().into_iter().collect::<Vec<_>>().as_slice() {
            [only] => {
                let only = input.columns.get(only)?;
                Some(ColumnStatistics {
                    distinct: only.distinct,
                    relation: only.relation,
                    ..ColumnStatistics::default()
                })
            }
            _ => None,
        },
        _ => None,
    }
}

fn aggregate(n: &Aggregate, input: &Statistics) -> Statistics {
    if n.groups.is_empty() {
        return Statistics::unknown(1.0);
    }
    let mut columns = HashMap::new();
    for (e, f) in n.groups.iter().zip(n.schema.iter()) {
        columns.insert(f.id, of_expression(e, input).unwrap_or_default());
    }
    let rows = group_count(&n.groups, input);
    for c in columns.values_mut() {
        let c: &mut ColumnStatistics = c;
        c.distinct = c.distinct.map(|d| d.min(rows));
        c.unique = false;
    }
    if let ([_], Some(f)) = (n.groups.as_slice(), n.schema.iter().next()) {
        let c = columns.entry(f.id).or_default();
        c.unique = true;
        c.distinct = Some(rows);
    }
    for (call, f) in n.aggregates.iter().zip(n.schema.iter().skip(n.groups.len())) {
        if let Some(c) = of_aggregate(call, input, input.rows / rows) {
            columns.insert(f.id, c);
        }
    }
    Statistics { rows, columns }
}

/// How many different values keys have together.
pub(crate) fn group_count(keys: &[Expr], input: &Statistics) -> f64 {
    let distinct = |e: &Expr| match e {
        Expr::Column(c) => input.distinct(c.id),
        _ => of_expression(e, input)
            .and_then(|c| c.distinct)
            .unwrap_or_else(|| super::column::unknown_distinct(input.rows.max(1.0))),
    };
    let mut parts: Vec<f64> = keys.iter().map(distinct).collect();
    let most = combinations(keys, &parts, input);
    // Keys depend on each other: the largest counts fully, the others less and less.
    parts.sort_by(|a, b| b.total_cmp(a));
    let (mut groups, mut exponent) = (1.0, 1.0);
    for p in parts {
        groups *= p.powf(exponent);
        exponent *= 0.7;
    }
    groups.min(most).min(input.rows).max(1.0)
}

/// How many there are if keys of different relations do not depend on each other; `parts` are the values of each key.
fn combinations(keys: &[Expr], parts: &[f64], input: &Statistics) -> f64 {
    let mut relations: Vec<(Relation, f64)> = Vec::new();
    let mut all = 1.0;
    for (key, distinct) in keys.iter().zip(parts) {
        let Some(relation) = of_expression(key, input).and_then(|c| c.relation) else {
            all *= distinct;
            continue;
        };
        match relations.iter_mut().find(|(r, _)| r.id == relation.id) {
            Some((_, d)) => *d *= distinct,
            None => relations.push((relation, *distinct)),
        }
    }
    all * relations.iter().map(|(r, d)| d.min(r.rows.max(1.0))).product::<f64>()
}

/// An aggregate over groups of `size` rows: sums and counts lie within two deviations of their mean, extremes within the
/// argument's bounds.
fn of_aggregate(call: &AggregateCall, input: &Statistics, size: f64) -> Option<ColumnStatistics> {
    let around = |mean: f64, deviation: f64| ColumnStatistics {
        min: Some((mean - 2.0 * deviation).max(0.0)),
        max: Some(mean + 2.0 * deviation),
        ..ColumnStatistics::default()
    };
    if &*call.func == "count" {
        return Some(around(size, size.sqrt()));
    }
    let argument = of_expression(call.args.first()?, input)?;
    let (min, max) = (argument.min?, argument.max?);
    match &*call.func {
        "sum" if min >= 0.0 => {
            let (mean, spread) = ((min + max) / 2.0, (max - min) / 12f64.sqrt());
            Some(around(size * mean, (size * (mean * mean + spread * spread)).sqrt()))
        }
        "min" | "max" | "avg" => Some(ColumnStatistics {
            distinct: None,
            unique: false,
            ..argument
        }),
        _ => None,
    }
}

fn union<'a>(schema: &Schema, inputs: impl Iterator<Item = (&'a Schema, &'a Statistics)>) -> Statistics {
    let mut out = Statistics::default();
    for (input, s) in inputs {
        out.rows += s.rows;
        for (f, source) in schema.iter().zip(input.iter()) {
            let d = s.distinct(source.id);
            let c = out.columns.entry(f.id).or_default();
            c.distinct = Some(c.distinct.map_or(d, |x| x.max(d)));
        }
    }
    out
}
