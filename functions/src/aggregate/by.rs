//! `max_by` and `min_by`: the value (or the `k` values) that go with the largest or smallest key.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray, UInt32Array, cast::AsArray};
use arrow::datatypes::{DataType, Fields};
use arrow::row::{RowConverter, SortField};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, StateField};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order};
use super::min_max::{decode_rows, orderable};
use super::store::{Collected, ValueStore, list_array};
use crate::kernel::{check_count, constant, mismatch, non_foldable, unexpected_input};

/// Most rows the `k` form keeps.
const MAX_K: i64 = 100_000;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&MAX_BY, &MIN_BY, &COLLATED_MAX, &COLLATED_MIN]);
}

/// `max_by(x, y[, k])`
static MAX_BY: AggregateFn = AggregateFn {
    order_sensitive: true,
    ..aggregate(
        "max_by",
        &[],
        doc(
            "max_by(x, y[, k])",
            "The x that goes with the largest y, or the k of them as an array.",
            "SELECT max_by(x, y) FROM VALUES ('a', 1), ('b', 2) AS t(x, y)",
        ),
        |args, order, nulls, cx| resolve("max_by", args, &order, nulls, cx),
        state,
        |call| accumulator(call, true, false),
    )
};

/// `min_by(x, y[, k])`
static MIN_BY: AggregateFn = AggregateFn {
    order_sensitive: true,
    ..aggregate(
        "min_by",
        &[],
        doc(
            "min_by(x, y[, k])",
            "The x that goes with the smallest y, or the k of them as an array.",
            "SELECT min_by(x, y) FROM VALUES ('a', 1), ('b', 2) AS t(x, y)",
        ),
        |args, order, nulls, cx| resolve("min_by", args, &order, nulls, cx),
        state,
        |call| accumulator(call, false, false),
    )
};

/// `collated_max(x, key)`: what `max(x)` is where texts compare by keys.
static COLLATED_MAX: AggregateFn = AggregateFn {
    order_sensitive: true,
    duplicate_insensitive: true,
    ..aggregate(
        "collated_max",
        &[],
        doc(
            "collated_max(x, key)",
            "The first of the x with the largest key.",
            "SELECT collated_max(x, lower(x)) FROM VALUES ('a'), ('B'), ('b') AS t(x)",
        ),
        |args, order, nulls, cx| resolve("collated_max", args, &order, nulls, cx),
        state,
        |call| accumulator(call, true, true),
    )
};

/// `collated_min(x, key)`: what `min(x)` is where texts compare by keys.
static COLLATED_MIN: AggregateFn = AggregateFn {
    order_sensitive: true,
    duplicate_insensitive: true,
    ..aggregate(
        "collated_min",
        &[],
        doc(
            "collated_min(x, key)",
            "The first of the x with the smallest key.",
            "SELECT collated_min(x, lower(x)) FROM VALUES ('A'), ('a'), ('B') AS t(x)",
        ),
        |args, order, nulls, cx| resolve("collated_min", args, &order, nulls, cx),
        state,
        |call| accumulator(call, false, true),
    )
};

fn resolve(
    name: &'static str,
    mut args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    no_order(order, cx)?;
    check_count(&args, 2, Some(3), cx)?;
    orderable(&args, 1, cx)?;
    let value = args.first().map_or(SqlType::Void, Expr::ty);
    let Some(k) = args.get(2) else {
        return Ok(call(name, args, value, ignore_nulls, cx));
    };
    if !k.ty().is_integral() {
        return Err(unexpected_input(&args, 2, "\"INT\"", cx));
    }
    let Some(k) = constant(k, cx).and_then(|l| l.value.as_i64()) else {
        return Err(non_foldable(&args, 2, "k", cx));
    };
    if !(1..=MAX_K).contains(&k) {
        return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
            .param("exprName", "`k`")
            .param("valueRange", format!("[1, {MAX_K}]"))
            .param("currentValue", k.to_string()));
    }
    args.truncate(2);
    args.push(Expr::lit(rsql_expr::Literal::int(k as i32)));
    Ok(call(name, args, SqlType::array(value), ignore_nulls, cx))
}

fn pair_type(call: &AggregateCall) -> SqlType {
    SqlType::structure([("value", arg_type(call, 0), true), ("key", arg_type(call, 1), true)])
}

fn state(call: &AggregateCall) -> Vec<StateField> {
    if call.args.len() == 3 {
        return vec![field("pairs", SqlType::array(pair_type(call)))];
    }
    vec![field("value", arg_type(call, 0)), field("key", arg_type(call, 1))]
}

fn accumulator(call: &AggregateCall, max: bool, first: bool) -> Result<Box<dyn Accumulator>> {
    let keys = RowConverter::new(vec![SortField::new(arg_type(call, 1).arrow())])?;
    if let Some(k) = call.args.get(2) {
        let k = k.as_literal().and_then(|l| l.value.as_i64());
        let DataType::Struct(fields) = pair_type(call).arrow() else {
            return Err(Error::internal("a pair is a struct"));
        };
        return Ok(Box::new(TopBy {
            pairs: Collected::new(DataType::Struct(fields.clone())),
            fields,
            keys,
            k: k.and_then(|k| usize::try_from(k).ok()).unwrap_or(1),
            max,
        }));
    }
    Ok(Box::new(By {
        values: ValueStore::new(arg_type(call, 0).arrow()),
        best: vec![],
        keys,
        held: 0,
        max,
        first,
    }))
}

/// The best key of each group, encoded, and the value beside it. Of equal keys the later row wins, or the first.
struct By {
    values: ValueStore,
    best: Vec<Option<Box<[u8]>>>,
    keys: RowConverter,
    held: usize,
    max: bool,
    first: bool,
}

impl By {
    fn add(&mut self, values: &ArrayRef, keys: &ArrayRef, group_of: &[u32]) -> Result<()> {
        let rows = self.keys.convert_columns(std::slice::from_ref(keys))?;
        let nulls = keys.logical_nulls();
        let mut picks: Vec<(u32, u32)> = Vec::new();
        for (i, g) in group_of.iter().enumerate() {
            if nulls.as_ref().is_some_and(|n| n.is_null(i)) {
                continue;
            }
            let row = rows.row(i);
            let key: &[u8] = row.as_ref();
            let best = &mut self.best[*g as usize];
            let keeps = best
                .as_deref()
                .is_some_and(|b| if self.max { b > key } else { b < key } || self.first && b == key);
            if !keeps {
                if best.is_none() {
                    self.held += key.len() + 16;
                }
                *best = Some(key.into());
                picks.push((*g, i as u32));
            }
        }
        self.values.put(values, &picks)
    }
}

impl Accumulator for By {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups);
        self.best.resize(groups, None);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        self.add(&arg(args, 0)?.to_array()?, &arg(args, 1)?.to_array()?, group_of)
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.add(arg(states, 0)?, arg(states, 1)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.values.values()?, decode_rows(&self.keys, &self.best)?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.values.values()
    }

    fn size(&self) -> usize {
        self.values.size() + self.held
    }
}

/// All pairs of each group, cut to the best `k` at the end.
struct TopBy {
    pairs: Collected,
    fields: Fields,
    keys: RowConverter,
    k: usize,
    max: bool,
}

impl TopBy {
    /// Each group's best pairs, best first.
    fn best(&self) -> Result<(Vec<usize>, ArrayRef)> {
        let (starts, pairs) = self.pairs.grouped()?;
        let keys = pairs.as_struct().column(1);
        let rows = self.keys.convert_columns(std::slice::from_ref(keys))?;
        let mut kept: Vec<u32> = Vec::new();
        let mut ends = vec![0];
        for w in starts.windows(2) {
            let mut order: Vec<u32> = (w[0] as u32..w[1] as u32).collect();
            order.sort_by(|a, b| {
                let (a, b) = (rows.row(*a as usize), rows.row(*b as usize));
                if self.max { b.cmp(&a) } else { a.cmp(&b) }
            });
            order.truncate(self.k);
            kept.extend(order);
            ends.push(kept.len());
        }
        Ok((ends, arrow::compute::take(&pairs, &UInt32Array::from(kept), None)?))
    }
}

impl Accumulator for TopBy {
    fn resize(&mut self, groups: usize) {
        self.pairs.resize(groups);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let (values, keys) = (arg(args, 0)?.to_array()?, arg(args, 1)?.to_array()?);
        let nulls = keys.logical_nulls();
        let pairs: ArrayRef = Arc::new(StructArray::try_new(self.fields.clone(), vec![values, keys], None)?);
        self.pairs
            .push(&pairs, group_of, |i| nulls.as_ref().is_none_or(|n| n.is_valid(i)));
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.pairs.push_lists(arg(states, 0)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let (ends, pairs) = self.best()?;
        Ok(vec![list_array(&ends, pairs)?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let (ends, pairs) = self.best()?;
        list_array(&ends, Arc::clone(pairs.as_struct().column(0)))
    }

    fn size(&self) -> usize {
        self.pairs.size()
    }
}
