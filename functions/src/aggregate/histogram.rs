//! `histogram_numeric`: a histogram of at most `n` bins that are merged where they lie closest.
//!
//! Ben-Haim and Tom-Tov: "A Streaming Parallel Decision Tree Algorithm", 2010.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, StructArray, cast::AsArray};
use arrow::datatypes::{DataType, Float64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::types::Repr;
use rsql_expr::{AggregateCall, EvalMode, Expr, Literal, SortKey, SqlType, Vector, cast_array};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order};
use super::input::for_each;
use super::store::list_array;
use crate::kernel::{check_count, constant, mismatch, native_array, non_foldable, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&HISTOGRAM_NUMERIC]);
}

fn bins_type(x: SqlType) -> SqlType {
    SqlType::array(SqlType::structure([("x", x, true), ("y", SqlType::Double, true)]))
}

/// `histogram_numeric(expr, bins)`
static HISTOGRAM_NUMERIC: AggregateFn = AggregateFn {
    order_sensitive: true,
    ..aggregate(
        "histogram_numeric",
        &[],
        doc(
            "histogram_numeric(expr, bins)",
            "Histogram: an array of bins with their centre and height.",
            "SELECT histogram_numeric(a, 5) FROM VALUES (0), (1), (2), (10) AS t(a)",
        ),
        resolve,
        |_| vec![field("bins", bins_type(SqlType::Double))],
        |call| {
            let most = call
                .args
                .get(1)
                .and_then(Expr::as_literal)
                .and_then(|l| l.value.as_i64());
            Ok(Box::new(Histograms {
                groups: vec![],
                most: most.and_then(|n| usize::try_from(n).ok()).unwrap_or(2).max(2),
                ty: arg_type(call, 0),
                options: Arc::clone(&call.options),
            }))
        },
    )
};

fn resolve(args: Vec<Expr>, order: Vec<SortKey>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    no_order(&order, cx)?;
    check_count(&args, 2, Some(2), cx)?;
    let ty = args[0].ty();
    if !(ty.is_numeric() || ty.is_datetime() || ty.is_ansi_interval()) {
        let wanted = "(\"NUMERIC\", \"DATE\", \"TIMESTAMP\", \"TIMESTAMP_NTZ\", \"INTERVAL\")";
        return Err(unexpected_input(&args, 0, wanted, cx));
    }
    let Some(bins) = constant(&args[1], cx) else {
        return Err(non_foldable(&args, 1, "nb", cx));
    };
    match bins.value.as_i64() {
        None => return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", "nb")),
        Some(n) if n < 2 => {
            return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
                .param("exprName", "nb")
                .param("valueRange", "[2, 2147483647]")
                .param("currentValue", n.to_string()));
        }
        Some(_) => {}
    }
    let bound = vec![
        args[0].clone(),
        Expr::lit(Literal::int(bins.value.as_i64().unwrap_or(2) as i32)),
    ];
    Ok(call("histogram_numeric", bound, bins_type(ty), ignore_nulls, cx))
}

struct Histograms {
    /// Bins (centre, height) in ascending order.
    groups: Vec<Vec<(f64, f64)>>,
    most: usize,
    ty: SqlType,
    options: Arc<rsql_expr::EvalOptions>,
}

/// Adds a bin and merges the two closest ones if there are too many.
fn insert(bins: &mut Vec<(f64, f64)>, most: usize, x: f64, y: f64) {
    let at = bins.partition_point(|b| b.0 < x);
    match bins.get_mut(at) {
        Some(bin) if bin.0 == x => {
            bin.1 += y;
            return;
        }
        _ => bins.insert(at, (x, y)),
    }
    while bins.len() > most {
        let gap = |i: usize| bins[i + 1].0 - bins[i].0;
        let mut closest = 0;
        for i in 1..bins.len() - 1 {
            if gap(i) < gap(closest) {
                closest = i;
            }
        }
        let (a, b) = (bins[closest], bins.remove(closest + 1));
        bins[closest] = ((a.0 * a.1 + b.0 * b.1) / (a.1 + b.1), a.1 + b.1);
    }
}

impl Accumulator for Histograms {
    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups, Vec::new());
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let vector = arg(args, 0)?;
        let (groups, most) = (&mut self.groups, self.most);
        if self.ty.is_decimal() {
            let array = vector.to_array()?;
            let (double, origin) = (SqlType::Double, rsql_expr::Origin::default());
            let array = cast_array(&array, &self.ty, &double, EvalMode::Legacy, &self.options, origin)?;
            return for_each::<f64>(&Vector::Flat(array), group_of, |g, v| {
                insert(&mut groups[g], most, v, 1.0)
            });
        }
        match self.ty.repr() {
            Repr::I8 => for_each::<i8>(vector, group_of, |g, v| insert(&mut groups[g], most, v.into(), 1.0)),
            Repr::I16 => for_each::<i16>(vector, group_of, |g, v| insert(&mut groups[g], most, v.into(), 1.0)),
            Repr::I32 => for_each::<i32>(vector, group_of, |g, v| insert(&mut groups[g], most, v.into(), 1.0)),
            Repr::I64 => for_each::<i64>(vector, group_of, |g, v| insert(&mut groups[g], most, v as f64, 1.0)),
            Repr::F32 => for_each::<f32>(vector, group_of, |g, v| insert(&mut groups[g], most, v.into(), 1.0)),
            _ => for_each::<f64>(vector, group_of, |g, v| insert(&mut groups[g], most, v, 1.0)),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let lists = arg(states, 0)?.as_list::<i32>();
        let bins = lists.values().as_struct();
        let (x, y) = (
            bins.column(0).as_primitive::<Float64Type>(),
            bins.column(1).as_primitive::<Float64Type>(),
        );
        for (i, g) in group_of.iter().enumerate() {
            if lists.is_valid(i) {
                for r in lists.value_offsets()[i] as usize..lists.value_offsets()[i + 1] as usize {
                    insert(&mut self.groups[*g as usize], self.most, x.value(r), y.value(r));
                }
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.bins(&SqlType::Double)?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        self.bins(&self.ty)
    }

    fn size(&self) -> usize {
        self.groups.len() * (24 + 16 * self.most)
    }
}

impl Histograms {
    fn bins(&self, ty: &SqlType) -> Result<ArrayRef> {
        let mut ends = vec![0];
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for group in &self.groups {
            x.extend(group.iter().map(|b| b.0));
            y.extend(group.iter().map(|b| b.1));
            ends.push(x.len());
        }
        let arrow = ty.arrow();
        let centres: ArrayRef = match ty.repr() {
            _ if ty.is_decimal() => {
                let doubles: ArrayRef = Arc::new(Float64Array::from(x));
                let origin = rsql_expr::Origin::default();
                cast_array(&doubles, &SqlType::Double, ty, EvalMode::Legacy, &self.options, origin)?
            }
            Repr::I8 => native_array(x.iter().map(|v| *v as i8).collect(), None, &arrow)?,
            Repr::I16 => native_array(x.iter().map(|v| *v as i16).collect(), None, &arrow)?,
            Repr::I32 => native_array(x.iter().map(|v| *v as i32).collect(), None, &arrow)?,
            Repr::I64 => native_array(x.iter().map(|v| *v as i64).collect(), None, &arrow)?,
            Repr::F32 => native_array(x.iter().map(|v| *v as f32).collect(), None, &arrow)?,
            _ => Arc::new(Float64Array::from(x)),
        };
        let DataType::List(item) = bins_type(ty.clone()).arrow() else {
            return Err(Error::internal("bins are a list"));
        };
        let DataType::Struct(fields) = item.data_type().clone() else {
            return Err(Error::internal("a bin is a struct"));
        };
        let bins = StructArray::try_new(fields, vec![centres, Arc::new(Float64Array::from(y))], None)?;
        let absent = self.groups.iter().map(|g| Some(g.is_empty())).collect();
        Ok(arrow::compute::nullif(&list_array(&ends, Arc::new(bins))?, &absent)?)
    }
}
