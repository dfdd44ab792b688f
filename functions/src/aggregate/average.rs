//! `avg` and `try_avg`: sum and count, divided at the end.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::i256;
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, StateField};
use rsql_expr::tree::Origin;
use rsql_expr::types::Repr;
use rsql_expr::{AggregateCall, EvalMode, Expr, SortKey, SqlType, Vector};

use super::decimal_sums::{DecimalSums, decimal_array};
use super::define::{add, aggregate, arg, arg_type, call, doc, field};
use super::few_groups::count_rows;
use super::input::{for_all, for_each, valid_rows};
use super::sum::{numeric_argument, overflow};
use crate::kernel::native_array;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&AVG, &TRY_AVG]);
}

/// `avg(expr)`
static AVG: AggregateFn = aggregate(
    "avg",
    &["mean"],
    doc(
        "avg([DISTINCT] expr)",
        "Mean of the values.",
        "SELECT avg(a) FROM VALUES (1), (2) AS t(a)",
    ),
    |args, order, nulls, cx| resolve("avg", args, &order, nulls, cx),
    state,
    accumulator,
);

/// `try_avg(expr)`: NULL on overflow.
static TRY_AVG: AggregateFn = aggregate(
    "try_avg",
    &[],
    doc(
        "try_avg(expr)",
        "Mean of the values; NULL on overflow.",
        "SELECT try_avg(a) FROM VALUES (1), (2) AS t(a)",
    ),
    |args, order, nulls, cx| resolve("try_avg", args, &order, nulls, &cx.with_mode(EvalMode::Try)),
    state,
    accumulator,
);

fn resolve(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = numeric_argument(args, order, cx)?;
    let ty = match arg.ty() {
        SqlType::Decimal(p, s) => SqlType::Decimal(38.min(p + 4), 38.min(s + 4)),
        SqlType::YearMonthInterval(..) => SqlType::YEAR_MONTH,
        SqlType::DayTimeInterval(..) => SqlType::DAY_TIME,
        _ => SqlType::Double,
    };
    Ok(call(name, vec![arg], ty, ignore_nulls, cx))
}

fn state(call: &AggregateCall) -> Vec<StateField> {
    let count = field("count", SqlType::Long);
    match (&call.ty, arg_type(call, 0)) {
        (SqlType::Double, _) => vec![field("sum", SqlType::Double), count],
        (_, SqlType::Decimal(_, s)) => {
            vec![
                field("sum", SqlType::Decimal(38, s)),
                field("overflow", SqlType::Boolean),
                count,
            ]
        }
        _ => vec![
            field("sum", SqlType::Decimal(38, 0)),
            field("overflow", SqlType::Boolean),
            count,
        ],
    }
}

fn accumulator(call: &AggregateCall) -> Result<Box<dyn Accumulator>> {
    let input = arg_type(call, 0);
    if call.ty == SqlType::Double {
        return Ok(Box::new(DoubleAverage {
            sums: vec![],
            counts: vec![],
            repr: input.repr(),
        }));
    }
    Ok(Box::new(ExactAverage {
        sums: DecimalSums::new(input.repr(), &input),
        counts: vec![],
        narrow: input.repr() == Repr::I32,
        scale: if let SqlType::Decimal(_, s) = input { s } else { 0 },
        ty: call.ty.clone(),
        mode: call.mode,
        origin: call.origin,
    }))
}

/// Means of integers and floats, summed as doubles.
struct DoubleAverage {
    sums: Vec<f64>,
    counts: Vec<i64>,
    repr: Repr,
}

/// Runs `$body` with `$t` as the Rust type of a numeric representation and `$f` as its conversion to `f64`.
macro_rules! as_double {
    ($repr:expr, |$t:ident, $f:ident| $body:expr) => {
        match $repr {
            Repr::I8 => {
                type $t = i8;
                let $f = |v: i8| f64::from(v);
                $body
            }
            Repr::I16 => {
                type $t = i16;
                let $f = |v: i16| f64::from(v);
                $body
            }
            Repr::I32 => {
                type $t = i32;
                let $f = |v: i32| f64::from(v);
                $body
            }
            Repr::I64 => {
                type $t = i64;
                let $f = |v: i64| v as f64;
                $body
            }
            Repr::F32 => {
                type $t = f32;
                let $f = |v: f32| f64::from(v);
                $body
            }
            _ => {
                type $t = f64;
                let $f = |v: f64| v;
                $body
            }
        }
    };
}

impl Accumulator for DoubleAverage {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0.0);
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        as_double!(self.repr, |T, double| for_each::<T>(arg(args, 0)?, group_of, |g, v| {
            sums[g] += double(v);
            counts[g] += 1;
        }))
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        let g = group as usize;
        let mut sum = self.sums[g];
        let n = as_double!(self.repr, |T, double| for_all::<T>(arg(args, 0)?, rows, |v| sum +=
            double(v))?);
        self.sums[g] = sum;
        self.counts[g] += n as i64;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        for_each::<f64>(&Vector::Flat(Arc::clone(arg(states, 0)?)), group_of, |g, v| {
            sums[g] += v
        })?;
        for_each::<i64>(&Vector::Flat(Arc::clone(arg(states, 1)?)), group_of, |g, v| {
            counts[g] += v
        })
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![
            Arc::new(Float64Array::from(self.sums.clone())),
            Arc::new(Int64Array::from(self.counts.clone())),
        ])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let nulls: NullBuffer = self.counts.iter().map(|c| *c > 0).collect();
        let means: Vec<f64> = self.sums.iter().zip(&self.counts).map(|(s, c)| s / *c as f64).collect();
        Ok(Arc::new(Float64Array::new(means.into(), Some(nulls))))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * 16
    }
}

/// Means of decimals and intervals, summed exactly and rounded half up.
struct ExactAverage {
    sums: DecimalSums,
    counts: Vec<i64>,
    /// Inputs are 32-bit (year-month intervals).
    narrow: bool,
    scale: i8,
    ty: SqlType,
    mode: EvalMode,
    origin: Origin,
}

impl Accumulator for ExactAverage {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups);
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let values = arg(args, 0)?;
        let counts = &mut self.counts;
        match valid_rows(&[values], group_of.len()) {
            None => count_rows(counts, group_of),
            Some(n) => n.valid_indices().for_each(|i| counts[group_of[i] as usize] += 1),
        }
        if self.narrow {
            let (sums, seen) = (&mut self.sums.sums, &mut self.sums.seen);
            return for_each::<i32>(values, group_of, |g, v| {
                sums[g] += i128::from(v);
                seen[g] = true;
            });
        }
        self.sums.update(values, group_of)
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        if self.narrow {
            return self.update(args, &vec![group; rows]);
        }
        let n = self.sums.update_one(arg(args, 0)?, rows, group)?;
        self.counts[group as usize] += n as i64;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.sums.merge(arg(states, 0)?, arg(states, 1)?, group_of)?;
        let counts = &mut self.counts;
        for_each::<i64>(&Vector::Flat(Arc::clone(arg(states, 2)?)), group_of, |g, v| {
            counts[g] += v
        })
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let mut columns = self.sums.state(self.scale)?;
        columns.push(Arc::new(Int64Array::from(self.counts.clone())));
        Ok(columns)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let (digits, shift) = match self.ty {
            SqlType::Decimal(p, s) => (u32::from(p), u32::try_from(s - self.scale).unwrap_or(0)),
            _ => (38, 0),
        };
        let limit = 10u128.pow(digits);
        let mut values: Vec<Option<i128>> = Vec::with_capacity(self.counts.len());
        for (g, count) in self.counts.iter().enumerate() {
            if *count == 0 {
                values.push(None);
                continue;
            }
            // A sum of intervals must be an interval itself.
            let outside = match self.ty.repr() {
                _ if self.ty.is_decimal() => false,
                Repr::I32 => i32::try_from(self.sums.sums[g]).is_err(),
                _ => i64::try_from(self.sums.sums[g]).is_err(),
            };
            let mean = if outside || self.sums.has_overflowed(g) {
                None
            } else {
                mean(self.sums.sums[g], *count, shift)
            };
            match mean.filter(|m| m.unsigned_abs() < limit) {
                None if self.mode == EvalMode::Ansi => {
                    return Err(overflow("Overflow in sum of decimals", "try_avg", self.origin));
                }
                mean => values.push(mean),
            }
        }
        if self.ty.is_decimal() {
            return decimal_array(values, &self.ty);
        }
        let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
        let values = values.into_iter().map(|v| v.unwrap_or(0));
        let too_large = |_| Error::internal("the mean of intervals is larger than each of them");
        match self.ty.repr() {
            Repr::I32 => {
                let v = values
                    .map(|v| i32::try_from(v).map_err(too_large))
                    .collect::<Result<Vec<_>>>()?;
                native_array(v, Some(nulls), &self.ty.arrow())
            }
            _ => {
                let v = values
                    .map(|v| i64::try_from(v).map_err(too_large))
                    .collect::<Result<Vec<_>>>()?;
                native_array(v, Some(nulls), &self.ty.arrow())
            }
        }
    }

    fn size(&self) -> usize {
        self.sums.size() + self.counts.capacity() * 8
    }
}

/// `sum * 10^shift / count`, rounded half away from zero.
fn mean(sum: i128, count: i64, shift: u32) -> Option<i128> {
    let count = i128::from(count);
    if let Some(scaled) = sum.checked_mul(10i128.pow(shift)) {
        let (q, r) = (scaled / count, scaled % count);
        return Some(if r.abs() * 2 >= count { q + scaled.signum() } else { q });
    }
    let scaled = i256::from_i128(sum).checked_mul(i256::from_i128(10i128.pow(shift)))?;
    let wide = i256::from_i128(count);
    let q = scaled.checked_div(wide)?.to_i128()?;
    let r = scaled.checked_rem(wide)?.to_i128()?;
    Some(if r.abs() * 2 >= count { q + sum.signum() } else { q })
}

#[cfg(test)]
mod tests {
    use super::mean;

    #[test]
    fn means_round_half_up() {
        assert_eq!(mean(10, 4, 0), Some(3));
        assert_eq!(mean(-10, 4, 0), Some(-3));
        assert_eq!(mean(1, 3, 4), Some(3333));
        assert_eq!(mean(99 * 10i128.pow(35), 1, 4), None);
    }
}
