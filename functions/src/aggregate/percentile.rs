//! `percentile`, `percentile_cont`, `percentile_disc` and `median`: exact, over all values of a group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StructArray, cast::AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, StateField, TypeSpec};
use rsql_expr::types::Repr;
use rsql_expr::{AggregateCall, Expr, Literal, Scalar, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order, one_argument, one_order};
use super::input::for_each;
use super::store::list_array;
use crate::kernel::{cast, check_count, constant, mismatch, native_array, non_foldable, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&PERCENTILE, &PERCENTILE_CONT, &PERCENTILE_DISC, &MEDIAN]);
}

/// `percentile(expr, percentage[, frequency])`
static PERCENTILE: AggregateFn = aggregate(
    "percentile",
    &[],
    doc(
        "percentile(expr, percentage[, frequency])",
        "Interpolated percentile; an array of percentages gives an array.",
        "SELECT percentile(a, 0.5) FROM VALUES (0), (10) AS t(a)",
    ),
    resolve_percentile,
    state,
    |call| accumulator(call, false),
);

/// `percentile_cont(percentage) WITHIN GROUP (ORDER BY expr)`
static PERCENTILE_CONT: AggregateFn = aggregate(
    "percentile_cont",
    &[],
    doc(
        "percentile_cont(percentage) WITHIN GROUP (ORDER BY expr)",
        "Interpolated percentile.",
        "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY a) FROM VALUES (0), (10) AS t(a)",
    ),
    |args, order, nulls, cx| resolve_ordered("percentile_cont", args, order, nulls, cx),
    state,
    |call| accumulator(call, false),
);

/// `percentile_disc(percentage) WITHIN GROUP (ORDER BY expr)`
static PERCENTILE_DISC: AggregateFn = aggregate(
    "percentile_disc",
    &[],
    doc(
        "percentile_disc(percentage) WITHIN GROUP (ORDER BY expr)",
        "Smallest value at or above the percentage.",
        "SELECT percentile_disc(0.25) WITHIN GROUP (ORDER BY a) FROM VALUES (0), (10) AS t(a)",
    ),
    |args, order, nulls, cx| resolve_ordered("percentile_disc", args, order, nulls, cx),
    state,
    |call| accumulator(call, true),
);

/// `median(expr)`
static MEDIAN: AggregateFn = aggregate(
    "median",
    &[],
    doc(
        "median(expr)",
        "Median.",
        "SELECT median(a) FROM VALUES (0), (10) AS t(a)",
    ),
    |args, order, nulls, cx| {
        let value = value_argument(&[one_argument(args, &order, cx)?], 0, cx)?;
        let ty = result_type(&value.ty());
        Ok(call(
            "median",
            vec![value, Expr::lit(Literal::double(0.5))],
            ty,
            nulls,
            cx,
        ))
    },
    state,
    |call| accumulator(call, false),
);

/// Numbers as DOUBLE, ANSI intervals as they are.
fn value_argument(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    let arg = arg(args, index)?.clone();
    match arg.ty() {
        t if t.is_ansi_interval() || matches!(t, SqlType::Time(_)) => Ok(arg),
        t if t.is_numeric() || t.is_string() || t == SqlType::Void => Ok(cast(arg, &SqlType::Double, cx)),
        _ => Err(unexpected_input(args, index, "(\"NUMERIC\" or \"ANSI INTERVAL\")", cx)),
    }
}

fn result_type(value: &SqlType) -> SqlType {
    match value {
        // What lies between two values need not end at their last field.
        SqlType::YearMonthInterval(..) => SqlType::YEAR_MONTH,
        SqlType::DayTimeInterval(..) => SqlType::DAY_TIME,
        SqlType::Time(_) => value.clone(),
        _ => SqlType::Double,
    }
}

/// The percentages as a literal of DOUBLE or `ARRAY<DOUBLE>`, and whether they are an array.
pub(super) fn percentages(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<(Expr, bool)> {
    let written = arg(args, index)?;
    let (many, ty) = match written.ty() {
        SqlType::Array(_) => (true, SqlType::array_of(SqlType::Double, false)),
        t if t.is_nested() => return Err(unexpected_input(args, index, "(\"DOUBLE\" or \"ARRAY<DOUBLE>\")", cx)),
        _ => (false, SqlType::Double),
    };
    let Some(value) = constant(&cast(written.clone(), &ty, cx), cx) else {
        return Err(non_foldable(args, index, "percentage", cx));
    };
    let list: Vec<Option<f64>> = doubles_of(&value.value);
    if list.iter().any(Option::is_none) {
        return Err(mismatch("UNEXPECTED_NULL", args, cx).param("exprName", "percentage"));
    }
    if let Some(p) = list.into_iter().flatten().find(|p| !(0.0..=1.0).contains(p)) {
        return Err(mismatch("VALUE_OUT_OF_RANGE", args, cx)
            .param("exprName", "percentage")
            .param("valueRange", "[0.0, 1.0]")
            .param("currentValue", format!("{p:?}")));
    }
    Ok((Expr::lit(value), many))
}

/// The doubles of a literal double or array of them.
pub(super) fn doubles_of(value: &Scalar) -> Vec<Option<f64>> {
    match value {
        Scalar::F64(v) => vec![Some(*v)],
        Scalar::Array(items) => items.iter().flat_map(doubles_of).collect(),
        _ => vec![None],
    }
}

fn resolve_percentile(
    args: Vec<Expr>,
    order: Vec<SortKey>,
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    no_order(&order, cx)?;
    check_count(&args, 2, Some(3), cx)?;
    let value = value_argument(&args, 0, cx)?;
    let (percentage, many) = percentages(&args, 1, cx)?;
    let one = result_type(&value.ty());
    let ty = if many { SqlType::array_of(one, false) } else { one };
    let mut bound = vec![value, percentage];
    if let Some(f) = args.into_iter().nth(2) {
        bound.push(cast(
            rsql_expr::coerce::implicit_cast(f, TypeSpec::Integral, 2, cx)?,
            &SqlType::Long,
            cx,
        ));
    }
    Ok(call("percentile", bound, ty, ignore_nulls, cx))
}

fn resolve_ordered(
    name: &'static str,
    args: Vec<Expr>,
    order: Vec<SortKey>,
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    check_count(&args, 1, Some(1), cx)?;
    let key = one_order(order, cx)?;
    let value = value_argument(std::slice::from_ref(&key.expr), 0, cx)?;
    let (percentage, many) = percentages(&args, 0, cx)?;
    let one = result_type(&value.ty());
    let ty = if many { SqlType::array_of(one, false) } else { one };
    let mut args = vec![value.clone(), percentage];
    if name == "percentile_disc" && cx.settings.bool("spark.sql.legacy.percentileDiscCalculation") {
        args.push(Expr::lit(Literal::bool(true)));
    }
    Ok(AggregateCall {
        order_by: vec![SortKey { expr: value, ..key }],
        ..call(name, args, ty, ignore_nulls, cx)
    })
}

fn pair_type() -> SqlType {
    SqlType::structure([("value", SqlType::Double, false), ("count", SqlType::Long, false)])
}

fn state(_: &AggregateCall) -> Vec<StateField> {
    vec![field("values", SqlType::array_of(pair_type(), false))]
}

fn accumulator(call: &AggregateCall, discrete: bool) -> Result<Box<dyn Accumulator>> {
    let percentages = call
        .args
        .get(1)
        .and_then(Expr::as_literal)
        .map(|l| doubles_of(&l.value))
        .unwrap_or_default();
    let (ty, many) = match &call.ty {
        SqlType::Array(a) => (a.element.clone(), true),
        t => (t.clone(), false),
    };
    Ok(Box::new(Percentile {
        values: vec![],
        percentages: percentages.into_iter().flatten().collect(),
        weighted: !discrete && call.args.len() > 2,
        descending: call.order_by.first().is_some_and(|k| k.descending),
        discrete: match (discrete, call.args.len() > 2) {
            (false, _) => Discrete::No,
            (true, false) => Discrete::Standard,
            (true, true) => Discrete::Legacy,
        },
        many,
        input: arg_type(call, 0).repr(),
        ty,
        held: 0,
        origin: call.origin,
    }))
}

/// Whether and how a value that occurs is picked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Discrete {
    /// Between two values lies a mean.
    No,
    /// The first whose share reaches the percentage.
    Standard,
    /// `spark.sql.legacy.percentileDiscCalculation`: the one below the interpolated place.
    Legacy,
}

struct Percentile {
    /// Values and how often they count.
    values: Vec<Vec<(f64, i64)>>,
    percentages: Vec<f64>,
    weighted: bool,
    descending: bool,
    discrete: Discrete,
    many: bool,
    input: Repr,
    /// Of one result.
    ty: SqlType,
    held: usize,
    origin: rsql_expr::Origin,
}

impl Percentile {
    /// The percentile of sorted values.
    fn pick(&self, sorted: &[(f64, i64)], total: i64, p: f64) -> f64 {
        let at = |rank: i64| {
            let mut before = 0;
            sorted
                .iter()
                .find(|(_, n)| {
                    before += n;
                    rank < before
                })
                .map_or(0.0, |(v, _)| *v)
        };
        if self.discrete == Discrete::Standard {
            return at(((total as f64 * p).ceil() as i64 - 1).max(0));
        }
        let position = (total - 1) as f64 * p;
        let (lower, higher) = (position.floor(), position.ceil());
        let low = at(lower as i64);
        if lower == higher || self.discrete == Discrete::Legacy {
            return low;
        }
        let high = at(higher as i64);
        if low == high {
            low
        } else {
            (higher - position) * low + (position - lower) * high
        }
    }

    fn add_weighted(&mut self, values: Vec<(u32, f64)>, weights: &Int64Array, rows: &[usize]) -> Result<()> {
        for ((g, v), row) in values.into_iter().zip(rows) {
            if weights.is_null(*row) {
                continue;
            }
            match weights.value(*row) {
                0 => {}
                n if n < 0 => {
                    return Err(Error::user("INVALID_PARAMETER_VALUE.FREQUENCY")
                        .with_message(format!("Negative values found in {n}"))
                        .at(self.origin.0));
                }
                n => self.values[g as usize].push((v, n)),
            }
        }
        Ok(())
    }
}

impl Accumulator for Percentile {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, Vec::new());
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let vector = arg(args, 0)?;
        self.held += group_of.len() * 16;
        if self.weighted {
            let array = vector.to_array()?;
            let rows: Vec<usize> = (0..group_of.len()).filter(|i| array.is_valid(*i)).collect();
            let mut values = Vec::with_capacity(rows.len());
            match self.input {
                Repr::I32 => for_each::<i32>(vector, group_of, |g, v| values.push((g as u32, f64::from(v))))?,
                Repr::I64 => for_each::<i64>(vector, group_of, |g, v| values.push((g as u32, v as f64)))?,
                _ => for_each::<f64>(vector, group_of, |g, v| values.push((g as u32, v)))?,
            }
            let weights = arg(args, 2)?.to_array()?;
            return self.add_weighted(values, weights.as_primitive::<Int64Type>(), &rows);
        }
        let values = &mut self.values;
        match self.input {
            Repr::I32 => for_each::<i32>(vector, group_of, |g, v| values[g].push((f64::from(v), 1))),
            Repr::I64 => for_each::<i64>(vector, group_of, |g, v| values[g].push((v as f64, 1))),
            _ => for_each::<f64>(vector, group_of, |g, v| values[g].push((v, 1))),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let lists = arg(states, 0)?.as_list::<i32>();
        let pairs = lists.values().as_struct();
        let (values, counts) = (
            pairs.column(0).as_primitive::<Float64Type>(),
            pairs.column(1).as_primitive::<Int64Type>(),
        );
        for (i, g) in group_of.iter().enumerate() {
            let range = lists.value_offsets()[i] as usize..lists.value_offsets()[i + 1] as usize;
            self.held += range.len() * 16;
            self.values[*g as usize].extend(range.map(|r| (values.value(r), counts.value(r))));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let mut starts = vec![0];
        let all: Vec<(f64, i64)> = self
            .values
            .iter()
            .flat_map(|v| {
                starts.push(starts.last().copied().unwrap_or(0) + v.len());
                v.iter().copied()
            })
            .collect();
        let DataType::Struct(fields) = pair_type().arrow() else {
            return Err(Error::internal("a pair is a struct"));
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from_iter_values(all.iter().map(|p| p.0))),
            Arc::new(Int64Array::from_iter_values(all.iter().map(|p| p.1))),
        ];
        Ok(vec![list_array(
            &starts,
            Arc::new(StructArray::try_new(fields, columns, None)?),
        )?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let mut results: Vec<Option<f64>> = Vec::with_capacity(self.values.len() * self.percentages.len());
        let mut starts = vec![0usize];
        let mut present = Vec::with_capacity(self.values.len());
        for group in &self.values {
            let mut sorted = group.clone();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            if self.descending {
                sorted.reverse();
            }
            let total = sorted.iter().map(|p| p.1).sum();
            present.push(total > 0);
            if total > 0 {
                results.extend(self.percentages.iter().map(|p| Some(self.pick(&sorted, total, *p))));
            } else if !self.many {
                results.push(None);
            }
            starts.push(results.len());
        }
        let nulls = results.iter().map(Option::is_some).collect();
        let numbers = results.into_iter().map(|r| r.unwrap_or(0.0));
        let ty = self.ty.arrow();
        let values = match self.ty.repr() {
            Repr::I32 => native_array(numbers.map(|v| v as i32).collect(), Some(nulls), &ty)?,
            Repr::I64 => native_array(numbers.map(|v| v as i64).collect(), Some(nulls), &ty)?,
            _ => native_array(numbers.collect(), Some(nulls), &ty)?,
        };
        if !self.many {
            return Ok(values);
        }
        let absent = present.iter().map(|p| Some(!p)).collect();
        Ok(arrow::compute::nullif(&list_array(&starts, values)?, &absent)?)
    }

    fn size(&self) -> usize {
        self.held + self.values.capacity() * 24
    }
}
