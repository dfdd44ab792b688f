//! Counts and extremes of whole tables come from the files' footers.
//!
//! ```text
//! Aggregate [] [count(*), min(a), max(a)]   →   Values [(500, 3, 99)]
//!   Scan t
//! ```
//! Sound: the rows are known exactly, the NULLs are counted, and the bounds are values that occur. A filter that partition
//! values prove for all files drops no row. Not applied with groups, other filters, limits or FILTER, to DISTINCT counts,
//! nor to bounds that writers may cut or blur: of floating values, and of strings unless the footer says they are exact.

use rsql_catalog::{ColumnFacts, ScanFacts};
use rsql_common::Result;
use rsql_expr::{AggregateCall, Expr, Literal, Scalar};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Aggregate, Scan, Values};

use crate::OptimizerContext;
use crate::partition_values::passing;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct OptimizeMetadataOnlyQuery;

impl OptimizerRule for OptimizeMetadataOnlyQuery {
    fn name(&self) -> &'static str {
        "OptimizeMetadataOnlyQuery"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match known(&n, cx) {
            Some(row) => Transformed::yes(LogicalPlan::Values(Values {
                rows: vec![row],
                schema: n.schema,
            })),
            None => Transformed::no(LogicalPlan::Aggregate(n)),
        })
    }
}

/// The aggregate's only row.
fn known(n: &Aggregate, cx: &OptimizerContext) -> Option<Vec<Expr>> {
    if !n.groups.is_empty() || n.aggregates.is_empty() {
        return None;
    }
    let value = |call: &AggregateCall| Some(Expr::lit(Literal::new(result(call, &n.input, cx)?, call.ty.clone())));
    n.aggregates.iter().map(value).collect()
}

fn result(call: &AggregateCall, input: &LogicalPlan, cx: &OptimizerContext) -> Option<Scalar> {
    let count = &*call.func == "count";
    if call.filter.is_some() || call.distinct && count {
        return None;
    }
    let counted_by_rows = |e: &Expr| e.as_literal().is_some_and(|l| !l.value.is_null());
    if count && call.args.iter().all(counted_by_rows) {
        return Some(Scalar::I64(i64::try_from(exact(scanned(input, cx)?.1)?).ok()?));
    }
    let [argument] = call.args.as_slice() else { return None };
    let (rows, facts) = column(argument, input, cx)?;
    match &*call.func {
        "count" => Some(Scalar::I64(i64::try_from(rows.checked_sub(facts.null_count?)?).ok()?)),
        "min" if facts.exact_bounds && argument.ty() == call.ty => facts.min.clone(),
        "max" if facts.exact_bounds && argument.ty() == call.ty => facts.max.clone(),
        _ => None,
    }
}

/// The scan, looking through projections, if all its rows are read, and what is known of it.
fn scanned<'a>(plan: &'a LogicalPlan, cx: &OptimizerContext) -> Option<(&'a Scan, &'a ScanFacts)> {
    match plan {
        LogicalPlan::Projection(n) if n.exprs.iter().all(|e| matches!(e, Expr::Column(_))) => scanned(&n.input, cx),
        LogicalPlan::Filter(n) => {
            let LogicalPlan::Scan(scan) = n.input.as_ref() else {
                return None;
            };
            let all = |c: &Expr| passing(scan, c, &cx.registry).is_some_and(|files| files.iter().all(|f| *f));
            let proven = n.predicate.clone().split_conjuncts().iter().all(all);
            if proven { scanned(&n.input, cx) } else { None }
        }
        LogicalPlan::Scan(n) if n.filters.is_empty() && n.limit.is_none() => Some((n, n.facts.as_deref()?)),
        _ => None,
    }
}

fn exact(facts: &ScanFacts) -> Option<u64> {
    facts.rows.filter(|_| facts.exact)
}

/// Rows of the table, and what is known of a column that is read unchanged.
fn column<'a>(e: &Expr, plan: &'a LogicalPlan, cx: &OptimizerContext) -> Option<(u64, &'a ColumnFacts)> {
    let Expr::Column(c) = e else { return None };
    match plan {
        LogicalPlan::Projection(n) => column(n.exprs.get(n.schema.index_of(c.id)?)?, &n.input, cx),
        _ => {
            let (scan, facts) = scanned(plan, cx)?;
            let source = scan.columns.get(scan.schema.index_of(c.id)?)?;
            Some((exact(facts)?, facts.columns.get(*source)?))
        }
    }
}
