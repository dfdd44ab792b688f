//! `first`, `last`, `any_value`: one row's value a group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order};
use super::store::ValueStore;
use crate::kernel::{check_count, constant, non_foldable, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&FIRST, &LAST, &ANY_VALUE]);
}

const fn pick(
    name: &'static str,
    aliases: &'static [&'static str],
    usage: &'static str,
    text: &'static str,
    example: &'static str,
    resolve: super::define::Resolve,
    accumulator: super::define::Make,
) -> AggregateFn {
    AggregateFn {
        duplicate_insensitive: false,
        order_sensitive: true,
        ..aggregate(
            name,
            aliases,
            doc(usage, text, example),
            resolve,
            |call| vec![field("value", call.ty.clone()), field("seen", SqlType::Boolean)],
            accumulator,
        )
    }
}

/// `first(expr[, ignoreNulls])`
static FIRST: AggregateFn = pick(
    "first",
    &["first_value"],
    "first(expr[, ignoreNulls])",
    "Value of the first row, or of the first row where it is not NULL.",
    "SELECT first(a) FROM VALUES (1), (2) AS t(a)",
    |args, order, nulls, cx| resolve("first", args, &order, nulls, cx),
    |call| Ok(Box::new(Pick::new(call, false))),
);

/// `last(expr[, ignoreNulls])`
static LAST: AggregateFn = pick(
    "last",
    &["last_value"],
    "last(expr[, ignoreNulls])",
    "Value of the last row, or of the last row where it is not NULL.",
    "SELECT last(a) FROM VALUES (1), (2) AS t(a)",
    |args, order, nulls, cx| resolve("last", args, &order, nulls, cx),
    |call| Ok(Box::new(Pick::new(call, true))),
);

/// `any_value(expr[, ignoreNulls])`
static ANY_VALUE: AggregateFn = pick(
    "any_value",
    &[],
    "any_value(expr[, ignoreNulls])",
    "Value of some row, or of some row where it is not NULL.",
    "SELECT any_value(a) FROM VALUES (1) AS t(a)",
    |args, order, nulls, cx| resolve("any_value", args, &order, nulls, cx),
    |call| Ok(Box::new(Pick::new(call, false))),
);

fn resolve(
    name: &'static str,
    mut args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    no_order(order, cx)?;
    check_count(&args, 1, Some(2), cx)?;
    let flag = match args.get(1) {
        None => ignore_nulls,
        Some(e) if e.ty() != SqlType::Boolean => return Err(unexpected_input(&args, 1, "\"BOOLEAN\"", cx)),
        Some(e) => match constant(e, cx).and_then(|l| l.value.as_bool()) {
            Some(flag) => flag || ignore_nulls,
            None => return Err(non_foldable(&args, 1, "ignoreNulls", cx)),
        },
    };
    args.truncate(1);
    let ty = args.first().map_or(SqlType::Void, Expr::ty);
    Ok(call(name, args, ty, flag, cx))
}

/// Keeps the first or last row of each group.
struct Pick {
    values: ValueStore,
    seen: Vec<bool>,
    /// Step in which a group was last given a value; only for `last`.
    stamps: Vec<u32>,
    stamp: u32,
    last: bool,
    ignore_nulls: bool,
}

impl Pick {
    fn new(call: &AggregateCall, last: bool) -> Self {
        Self {
            values: ValueStore::new(arg_type(call, 0).arrow()),
            seen: vec![],
            stamps: vec![],
            stamp: 0,
            last,
            ignore_nulls: call.ignore_nulls,
        }
    }

    fn add(&mut self, array: &ArrayRef, group_of: &[u32], keep: impl Fn(usize) -> bool) -> Result<()> {
        let mut picks = Vec::new();
        if self.last {
            self.stamp += 1;
            for (i, g) in group_of.iter().enumerate().rev() {
                let at = *g as usize;
                if self.stamps[at] != self.stamp && keep(i) {
                    self.stamps[at] = self.stamp;
                    self.seen[at] = true;
                    picks.push((*g, i as u32));
                }
            }
        } else {
            for (i, g) in group_of.iter().enumerate() {
                let at = *g as usize;
                if !self.seen[at] && keep(i) {
                    self.seen[at] = true;
                    picks.push((*g, i as u32));
                }
            }
        }
        self.values.put(array, &picks)
    }
}

impl Accumulator for Pick {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups);
        self.seen.resize(groups, false);
        self.stamps.resize(groups, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let array = arg(args, 0)?.to_array()?;
        match array.logical_nulls().filter(|_| self.ignore_nulls) {
            Some(nulls) => self.add(&array, group_of, |i| nulls.is_valid(i)),
            None => self.add(&array, group_of, |_| true),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let seen: &BooleanArray = arg(states, 1)?
            .as_boolean_opt()
            .ok_or_else(|| Error::internal("the second state column is a flag"))?;
        self.add(arg(states, 0)?, group_of, |i| seen.value(i))
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![
            self.values.values()?,
            Arc::new(BooleanArray::from(self.seen.clone())),
        ])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.values.values()
    }

    fn size(&self) -> usize {
        self.values.size() + self.seen.capacity() * 5
    }
}
