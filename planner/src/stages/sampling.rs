//! The keys of a plan's rows alone, for sampling before the rows are routed.
//!
//! ```text
//!   Projection a, b + c AS d                  Projection d
//!     Filter a > 1                   =>         Filter a > 1
//!       Scan t [a, b, c, e]                       Scan t [a, b, c]
//! ```
//!
//! A range partitioning has to know its bounds before it routes a row. What a scan gives can be had a second time: a stage of
//! its own reads the columns that the keys need, keeps a sample and writes nothing, and the rows themselves are read when they
//! are routed. That is sound where both times give the same rows, and cheap where nothing but scanning is done twice; of
//! anything else (joins, aggregates, limits, volatile expressions) the rows are written first and the sample is taken then.

use std::collections::BTreeSet;
use std::convert::Infallible;

use rsql_expr::{Expr, Schema, Slot, SortKey};

use crate::PhysicalPlan;
use crate::physical::{Filter, Projection, Scan};

/// A plan of the rows' columns that `keys` need, and the keys over it; none if the rows must not be computed twice.
pub(crate) fn keys_alone(plan: &PhysicalPlan, keys: &[SortKey]) -> Option<(PhysicalPlan, Vec<SortKey>)> {
    let mut wanted = BTreeSet::new();
    for key in keys {
        wanted.extend(slots(&key.expr)?);
    }
    let (plan, kept) = narrow(plan, &wanted)?;
    let keys = keys.iter().map(|key| {
        Some(SortKey {
            expr: moved(&key.expr, &kept)?,
            ..key.clone()
        })
    });
    Some((plan, keys.collect::<Option<_>>()?))
}

/// The plan with at least the wanted columns, and which columns of the original its columns are.
fn narrow(plan: &PhysicalPlan, wanted: &BTreeSet<usize>) -> Option<(PhysicalPlan, Vec<usize>)> {
    match plan {
        PhysicalPlan::Range(_) => Some((plan.clone(), vec![0])),
        PhysicalPlan::Scan(n) => scan(n, wanted),
        PhysicalPlan::Filter(n) => {
            let wanted = wanted.union(&slots(&n.predicate)?).copied().collect();
            let (input, kept) = narrow(&n.input, &wanted)?;
            let filter = Filter {
                input: Box::new(input),
                predicate: moved(&n.predicate, &kept)?,
            };
            Some((PhysicalPlan::Filter(filter), kept))
        }
        PhysicalPlan::Projection(n) => {
            let kept: Vec<usize> = wanted.iter().copied().collect();
            let mut read = BTreeSet::new();
            for i in &kept {
                read.extend(slots(n.exprs.get(*i)?)?);
            }
            let (input, of_input) = narrow(&n.input, &read)?;
            let exprs = kept.iter().map(|i| moved(&n.exprs[*i], &of_input));
            let projection = Projection {
                exprs: exprs.collect::<Option<_>>()?,
                input: Box::new(input),
                schema: part(&n.schema, &kept),
            };
            Some((PhysicalPlan::Projection(projection), kept))
        }
        _ => None,
    }
}

fn scan(n: &Scan, wanted: &BTreeSet<usize>) -> Option<(PhysicalPlan, Vec<usize>)> {
    // Which rows a limit leaves is chance.
    if n.limit.is_some() {
        return None;
    }
    let kept: Vec<usize> = wanted.iter().copied().collect();
    let mut read: BTreeSet<usize> = kept
        .iter()
        .map(|i| n.projection.get(*i).copied())
        .collect::<Option<_>>()?;
    for filter in &n.filters {
        read.extend(slots(filter)?);
    }
    let read: Vec<usize> = read.into_iter().collect();
    let columns = read.iter().map(|i| n.columns.get(*i).copied());
    let position = |i: usize| read.iter().position(|r| *r == i);
    let scan = Scan {
        shared: None,
        source: n.source.clone(),
        columns: columns.collect::<Option<_>>()?,
        filters: n.filters.iter().map(|f| moved(f, &read)).collect::<Option<_>>()?,
        projection: kept.iter().map(|i| position(n.projection[*i])).collect::<Option<_>>()?,
        // A sample of rows that a join will drop is a sample all the same.
        consumes: Vec::new(),
        limit: None,
        best_first: None,
        by_bucket: false,
        estimate: n.estimate,
        schema: part(&n.schema, &kept),
    };
    Some((PhysicalPlan::Scan(scan), kept))
}

fn part(schema: &Schema, kept: &[usize]) -> Schema {
    Schema::new(kept.iter().filter_map(|i| schema.fields.get(*i)).cloned())
}

/// Columns that an expression reads; none if it might give something else the second time, or has columns of its own.
fn slots(expr: &Expr) -> Option<BTreeSet<usize>> {
    if !expr.is_deterministic() || expr.any(&|e| matches!(e, Expr::Lambda(_))) {
        return None;
    }
    let mut slots = BTreeSet::new();
    expr.visit(&mut |e| {
        if let Expr::Slot(s) = e {
            slots.insert(s.index);
        }
    });
    Some(slots)
}

/// The expression over the kept columns.
fn moved(expr: &Expr, kept: &[usize]) -> Option<Expr> {
    let mut all_there = true;
    let moved = expr.clone().try_transform_up::<Infallible>(&mut |e| {
        Ok(match e {
            Expr::Slot(s) => {
                let place = kept.iter().position(|k| *k == s.index);
                all_there &= place.is_some();
                Expr::Slot(Slot {
                    index: place.unwrap_or(s.index),
                    ..s
                })
            }
            other => other,
        })
    });
    let Ok(moved) = moved;
    all_there.then_some(moved)
}
