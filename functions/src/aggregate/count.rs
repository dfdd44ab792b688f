//! `count` and `count_if`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use rsql_common::Result;
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, call, doc, field, no_order, one_argument};
use super::few_groups::count_rows;
use super::input::{booleans, for_each, valid_rows};
use crate::kernel::check_count;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&COUNT, &COUNT_IF]);
}

/// `count(*)`, `count(expr[, ...])`: rows in which no argument is NULL.
static COUNT: AggregateFn = aggregate(
    "count",
    &[],
    doc(
        "count(*), count([DISTINCT] expr[, ...])",
        "Number of rows, or of rows in which no argument is NULL.",
        "SELECT count(*) FROM VALUES (1), (NULL) AS t(a)",
    ),
    resolve_count,
    |_| vec![field("count", SqlType::Long)],
    |_| Ok(Box::new(Count::default())),
);

/// `count_if(condition)`: rows in which it is true.
static COUNT_IF: AggregateFn = aggregate(
    "count_if",
    &[],
    doc(
        "count_if(condition)",
        "Number of rows in which the condition is true.",
        "SELECT count_if(a > 1) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve_count_if,
    |_| vec![field("count", SqlType::Long)],
    |_| Ok(Box::new(CountIf::default())),
);

fn resolve_count(
    args: Vec<Expr>,
    order: Vec<SortKey>,
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    no_order(&order, cx)?;
    Ok(AggregateCall {
        nullable: false,
        ..call("count", args, SqlType::Long, ignore_nulls, cx)
    })
}

fn resolve_count_if(
    args: Vec<Expr>,
    order: Vec<SortKey>,
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    check_count(&args, 1, Some(1), cx)?;
    let arg = one_argument(args, &order, cx)?;
    let arg = rsql_expr::coerce::implicit_cast(arg, TypeSpec::Boolean, 0, cx)?;
    Ok(AggregateCall {
        nullable: false,
        ..call("count_if", vec![arg], SqlType::Long, ignore_nulls, cx)
    })
}

#[derive(Default)]
struct Count {
    counts: Vec<i64>,
}

impl Accumulator for Count {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let args: Vec<&Vector> = args.iter().collect();
        match valid_rows(&args, group_of.len()) {
            None => count_rows(&mut self.counts, group_of),
            Some(nulls) => nulls
                .valid_indices()
                .for_each(|i| self.counts[group_of[i] as usize] += 1),
        }
        Ok(())
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        let args: Vec<&Vector> = args.iter().collect();
        let nulls = valid_rows(&args, rows).map_or(0, |n| n.null_count());
        self.counts[group as usize] += (rows - nulls) as i64;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        merge_counts(&mut self.counts, arg(states, 0)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.counts.clone())))
    }

    fn size(&self) -> usize {
        self.counts.capacity() * 8
    }
}

fn merge_counts(counts: &mut [i64], state: &ArrayRef, group_of: &[u32]) -> Result<()> {
    for_each::<i64>(&Vector::Flat(Arc::clone(state)), group_of, |g, n| counts[g] += n)
}

#[derive(Default)]
struct CountIf {
    counts: Vec<i64>,
}

impl Accumulator for CountIf {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let mask = booleans(arg(args, 0)?)?;
        for i in rsql_expr::vector::true_positions(&mask) {
            self.counts[group_of[i as usize] as usize] += 1;
        }
        Ok(())
    }

    fn update_one(&mut self, args: &[Vector], _rows: usize, group: u32) -> Result<()> {
        self.counts[group as usize] += booleans(arg(args, 0)?)?.true_count() as i64;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        merge_counts(&mut self.counts, arg(states, 0)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(self.counts.clone())))
    }

    fn size(&self) -> usize {
        self.counts.capacity() * 8
    }
}
