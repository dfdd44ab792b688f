//! `collect_list`, `collect_set` and `collect_union`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array, cast::AsArray};
use arrow::row::{RowConverter, SortField};
use hashbrown::HashSet;
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, one_argument};
use super::store::Collected;
use crate::kernel::{mismatch, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&COLLECT_LIST, &COLLECT_SET, &COLLECT_UNION]);
}

/// `collect_list(expr)`
static COLLECT_LIST: AggregateFn = AggregateFn {
    order_sensitive: true,
    ..aggregate(
        "collect_list",
        &["array_agg"],
        doc(
            "collect_list(expr)",
            "Values that are not NULL, as an array.",
            "SELECT collect_list(a) FROM VALUES (1), (2) AS t(a)",
        ),
        |args, order, nulls, cx| resolve("collect_list", args, &order, nulls, cx),
        |call| vec![field("values", call.ty.clone())],
        |call| Ok(Box::new(List(Collected::new(arg_type(call, 0).arrow())))),
    )
};

/// `collect_set(expr)`
static COLLECT_SET: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    order_sensitive: true,
    ..aggregate(
        "collect_set",
        &[],
        doc(
            "collect_set(expr)",
            "Distinct values that are not NULL, as an array.",
            "SELECT collect_set(a) FROM VALUES (1), (1) AS t(a)",
        ),
        |args, order, nulls, cx| resolve("collect_set", args, &order, nulls, cx),
        |call| vec![field("values", call.ty.clone())],
        |call| Set::boxed(arg_type(call, 0), false),
    )
};

/// `collect_union(array)`
static COLLECT_UNION: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    order_sensitive: true,
    ..aggregate(
        "collect_union",
        &[],
        doc(
            "collect_union(array)",
            "Distinct elements of all arrays.",
            "SELECT collect_union(a) FROM VALUES (array(1, 2)), (array(2, 3)) AS t(a)",
        ),
        resolve_union,
        |call| vec![field("values", call.ty.clone())],
        |call| match arg_type(call, 0) {
            SqlType::Array(a) => Set::boxed(a.element.clone(), true),
            other => Err(Error::internal(format!("collect_union of {other}"))),
        },
    )
};

fn resolve(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = one_argument(args, order, cx)?;
    let ty = arg.ty();
    if name == "collect_set" && (ty.holds_map() || ty.has_collation()) {
        return Err(mismatch("UNSUPPORTED_INPUT_TYPE", &[arg], cx)
            .param("functionName", "`collect_set`")
            .param("dataType", "\"MAP\" or \"COLLATED STRING\""));
    }
    Ok(AggregateCall {
        nullable: false,
        ..call(name, vec![arg], SqlType::array_of(ty, false), ignore_nulls, cx)
    })
}

fn resolve_union(
    args: Vec<Expr>,
    order: Vec<SortKey>,
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = one_argument(args, &order, cx)?;
    let ty = arg.ty();
    if !matches!(ty, SqlType::Array(_)) {
        return Err(unexpected_input(&[arg], 0, "\"ARRAY\"", cx));
    }
    Ok(AggregateCall {
        nullable: false,
        ..call("collect_union", vec![arg], ty, ignore_nulls, cx)
    })
}

struct List(Collected);

impl Accumulator for List {
    fn resize(&mut self, groups: usize) {
        self.0.resize(groups);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let array = arg(args, 0)?.to_array()?;
        match array.logical_nulls() {
            Some(nulls) => self.0.push(&array, group_of, |i| nulls.is_valid(i)),
            None => self.0.push(&array, group_of, |_| true),
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.0.push_lists(arg(states, 0)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.0.lists()
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// Distinct values: a value is kept the first time its group shows it.
struct Set {
    values: Collected,
    rows: RowConverter,
    seen: HashSet<(u32, Box<[u8]>)>,
    held: usize,
    /// Arguments are arrays whose elements are the values.
    elements: bool,
}

impl Set {
    fn boxed(ty: SqlType, elements: bool) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Set {
            values: Collected::new(ty.arrow()),
            rows: RowConverter::new(vec![SortField::new(ty.arrow())])?,
            seen: HashSet::new(),
            held: 0,
            elements,
        }))
    }

    fn add(&mut self, array: &ArrayRef, group_of: &[u32], nulls_too: bool) -> Result<()> {
        let rows = self.rows.convert_columns(std::slice::from_ref(array))?;
        let nulls = array.logical_nulls().filter(|_| !nulls_too);
        let mut fresh = vec![false; group_of.len()];
        for (i, g) in group_of.iter().enumerate() {
            if nulls.as_ref().is_some_and(|n| n.is_null(i)) {
                continue;
            }
            let bytes: Box<[u8]> = rows.row(i).as_ref().into();
            let size = bytes.len() + 32;
            if self.seen.insert((*g, bytes)) {
                self.held += size;
                fresh[i] = true;
            }
        }
        if fresh.iter().any(|f| *f) {
            // Only what is kept stays in memory.
            let kept: Vec<u32> = (0..fresh.len() as u32).filter(|i| fresh[*i as usize]).collect();
            let groups: Vec<u32> = kept.iter().map(|i| group_of[*i as usize]).collect();
            let array = arrow::compute::take(array, &UInt32Array::from(kept), None)?;
            self.values.push(&array, &groups, |_| true);
        }
        Ok(())
    }

    fn add_lists(&mut self, lists: &ArrayRef, group_of: &[u32], nulls_too: bool) -> Result<()> {
        let list = lists
            .as_list_opt::<i32>()
            .ok_or_else(|| Error::internal(format!("{} where an array was expected", lists.data_type())))?;
        let (mut groups, mut rows) = (Vec::new(), Vec::new());
        for (i, g) in group_of.iter().enumerate() {
            if list.is_valid(i) {
                for r in list.value_offsets()[i]..list.value_offsets()[i + 1] {
                    groups.push(*g);
                    rows.push(r as u32);
                }
            }
        }
        let values = arrow::compute::take(list.values(), &UInt32Array::from(rows), None)?;
        self.add(&values, &groups, nulls_too)
    }
}

impl Accumulator for Set {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let array = arg(args, 0)?.to_array()?;
        if self.elements {
            self.add_lists(&array, group_of, true)
        } else {
            self.add(&array, group_of, false)
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.add_lists(&Arc::clone(arg(states, 0)?), group_of, true)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.values.lists()
    }

    fn size(&self) -> usize {
        self.values.size() + self.held
    }
}
