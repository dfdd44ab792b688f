//! Grouping sets aggregate the rows once by all keys: each set then reads groups instead of rows.
//!
//! ```text
//! Aggregate [a, b, id] [max(x)]                       Aggregate [a, b, id] [max(m)]
//!   Expand [a, b, x, 0], [a, NULL, x, 1], …      →      Expand [a, b, m, 0], [a, NULL, m, 1], …
//!     Scan t                                              Aggregate [a, b] [max(x) AS m]
//!                                                           Scan t
//! ```
//! Sound for aggregates that can be cut in two (`split_aggregate.rs`): rows that agree in all keys fall into the same group of
//! each set, and no row is dropped. Arguments are read below, where no set has made a key NULL yet. Without rows there are no
//! groups, below as above. Applied where the rows are many times the groups, the more so the fewer sets there are to save: where
//! nearly each row is its own group, one more aggregation only adds work.

use std::collections::BTreeSet;

use rsql_common::{ColumnId, Result};
use rsql_expr::{AggregateCall, Expr, Field, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, field_for};
use rsql_planner::logical::{Aggregate, Expand};

use crate::OptimizerContext;
use crate::predicate::{is_selection, most_rows};
use crate::rule::{OptimizerRule, Transformed};
use crate::split_aggregate::{Limits, NamedCall, Parts, magnitude, partial_type};
use crate::statistics::{Definitions, Statistics, derive, group_count};

/// See the module.
pub struct PartialAggregationBelowExpand;

/// Rows from which it pays.
const LEAST_ROWS: f64 = 50_000.0;
/// Groups may be this part of the rows for each set but the first, and no more than the second in all. Measured of two million
/// rows: two or three sets gain at a tenth of the rows and lose at three tenths; five of texts gain nearly up to a half.
const GROUPS_OF_A_SET: f64 = 0.1;
const MOST_GROUPS: f64 = 0.5;
/// How many times more rows than estimated there may be before a sum of integers leaves its bounds.
const MARGIN: f64 = 1024.0;

impl OptimizerRule for PartialAggregationBelowExpand {
    fn name(&self) -> &'static str {
        "PartialAggregationBelowExpand"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match rewrite(&n, cx) {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(LogicalPlan::Aggregate(n)),
        })
    }
}

fn rewrite(n: &Aggregate, cx: &OptimizerContext) -> Option<LogicalPlan> {
    let (expand, filters) = expand_of(&n.input)?;
    let read = n.groups.iter().chain(filters.iter().copied());
    let reads_rows = |c: &AggregateCall| c.expressions().all(|e| e.is_deterministic() && passes(e, expand));
    if !read.clone().all(Expr::is_deterministic) || !n.aggregates.iter().all(reads_rows) {
        return None;
    }
    // What the sets and the filters read of the expanded rows.
    let mut kept = BTreeSet::new();
    read.for_each(|e| e.columns_into(&mut kept));
    let positions: Vec<usize> = kept
        .iter()
        .map(|id| expand.schema.index_of(*id))
        .collect::<Option<_>>()?;
    let keys = keys(expand, &positions, cx)?;

    let rows = derive(&expand.input, &mut Definitions::new(), None);
    if !pays(expand, &keys, &rows) {
        return None;
    }
    let limits = Limits {
        sum: &|e| largest_sum(e, &rows, expand),
        whole: true,
    };
    let types = n.aggregates.iter().map(|c| partial_type(c, &limits));
    let types: Vec<SqlType> = types.collect::<Option<_>>()?;

    let (mut partial, mut merged) = (Vec::new(), Vec::new());
    let mut outputs: Vec<Expr> = n.schema.iter().take(n.groups.len()).map(column).collect();
    for (call, ty) in n.aggregates.iter().zip(types) {
        let parts = Parts::of(call, ty, cx);
        partial.extend(parts.partial);
        merged.extend(parts.merged);
        outputs.push(parts.result);
    }
    let expanded = expand_groups(expand, &positions, keys, partial)?;
    let filtered = expanded.filter(Expr::conjunction(filters.into_iter().cloned()));
    let groups = n.groups.iter().cloned().zip(n.schema.iter().cloned()).collect();
    let fields = n.schema.iter().cloned().collect();
    Some(filtered.aggregate(groups, merged).project_to(outputs, fields))
}

/// The sets below and the filters above them, looking through selections of columns.
fn expand_of(plan: &LogicalPlan) -> Option<(&Expand, Vec<&Expr>)> {
    match plan {
        LogicalPlan::Expand(n) => Some((n, Vec::new())),
        LogicalPlan::Projection(p) if is_selection(p) => expand_of(&p.input),
        LogicalPlan::Filter(f) => {
            let (expand, mut filters) = expand_of(&f.input)?;
            filters.push(&f.predicate);
            Some((expand, filters))
        }
        _ => None,
    }
}

/// Each column read is the input's in every set.
fn passes(e: &Expr, expand: &Expand) -> bool {
    let same = |p: &Vec<Expr>, i: usize, id: ColumnId| matches!(p.get(i), Some(Expr::Column(c)) if c.id == id);
    e.columns().into_iter().all(|id| {
        let at = expand.schema.index_of(id);
        at.is_some_and(|i| expand.projections.iter().all(|p| same(p, i, id)))
    })
}

/// What the sets are made of: each expression over the input once, and its column. None if there is none, or they cannot be
/// computed once.
fn keys(expand: &Expand, positions: &[usize], cx: &OptimizerContext) -> Option<Vec<(Expr, Field)>> {
    let mut keys: Vec<(Expr, Field)> = Vec::new();
    for set in &expand.projections {
        for i in positions {
            let (e, f) = (set.get(*i)?, expand.schema.fields.get(*i)?);
            if !e.is_deterministic() {
                return None;
            }
            if !e.columns().is_empty() && keys.iter().all(|(k, _)| k != e) {
                let field = field_for(e, f.name.clone(), expand.input.schema(), &cx.ids);
                keys.push((e.clone(), field));
            }
        }
    }
    (!keys.is_empty()).then_some(keys)
}

/// The input grouped by `keys`, and the sets over these groups.
fn expand_groups(
    expand: &Expand,
    positions: &[usize],
    keys: Vec<(Expr, Field)>,
    partial: Vec<NamedCall>,
) -> Option<LogicalPlan> {
    let below = expand.input.as_ref().clone().aggregate(keys.clone(), partial);
    let results: Vec<Field> = below.schema().iter().skip(keys.len()).cloned().collect();
    let set = |p: &Vec<Expr>| {
        let read = positions.iter().map(|i| {
            let e = p.get(*i)?;
            let key = keys.iter().find(|(k, _)| k == e);
            Some(key.map_or_else(|| e.clone(), |(_, f)| column(f)))
        });
        read.chain(results.iter().map(|f| Some(column(f)))).collect()
    };
    let sets = expand.projections.iter().map(set).collect::<Option<_>>()?;
    let read = positions.iter().map(|i| expand.schema.fields.get(*i).cloned());
    let outputs: Vec<Field> = read.collect::<Option<_>>()?;
    Some(below.expand(sets, outputs.into_iter().chain(results).collect()))
}

fn pays(expand: &Expand, keys: &[(Expr, Field)], rows: &Statistics) -> bool {
    let keys: Vec<Expr> = keys.iter().map(|(e, _)| e.clone()).collect();
    let saved = expand.projections.len().saturating_sub(1) as f64;
    let most = (GROUPS_OF_A_SET * saved).min(MOST_GROUPS);
    rows.rows >= LEAST_ROWS && group_count(&keys, rows) <= rows.rows * most
}

/// A magnitude that no sum of an expression's values reaches: for certain or, where joins leave the number of rows open, far
/// beyond what is estimated.
fn largest_sum(e: &Expr, rows: &Statistics, expand: &Expand) -> f64 {
    let bounds = match e {
        Expr::Column(c) => rows
            .columns
            .get(&c.id)
            .and_then(|c| Some(c.min?.abs().max(c.max?.abs()))),
        _ => None,
    };
    let value = bounds.unwrap_or(f64::INFINITY).min(magnitude(&e.ty()));
    let count = most_rows(&expand.input).map_or(f64::INFINITY, |n| n as f64);
    value * count.min(rows.rows * MARGIN)
}
