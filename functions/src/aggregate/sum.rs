//! `sum` and `try_sum`: integers in 64 bits, decimals in 128, floats in doubles, ANSI intervals.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, cast::AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, StateField};
use rsql_expr::tree::Origin;
use rsql_expr::types::Repr;
use rsql_expr::{AggregateCall, EvalMode, Expr, SortKey, SqlType, Vector};

use super::decimal_sums::{DecimalSums, decimal_array};
use super::define::{add, aggregate, arg, arg_type, call, doc, field, one_argument};
use super::folding::{Fold, Folding};
use super::input::{for_all, for_each};
use crate::kernel::{cast, native_array, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&SUM, &TRY_SUM]);
}

/// `sum(expr)`
static SUM: AggregateFn = aggregate(
    "sum",
    &[],
    doc(
        "sum([DISTINCT] expr)",
        "Sum of the values.",
        "SELECT sum(a) FROM VALUES (1), (2) AS t(a)",
    ),
    |args, order, nulls, cx| resolve("sum", args, &order, nulls, cx),
    state,
    accumulator,
);

/// `try_sum(expr)`: NULL on overflow.
static TRY_SUM: AggregateFn = aggregate(
    "try_sum",
    &[],
    doc(
        "try_sum(expr)",
        "Sum of the values; NULL on overflow.",
        "SELECT try_sum(a) FROM VALUES (9223372036854775807L), (1L) AS t(a)",
    ),
    |args, order, nulls, cx| resolve("try_sum", args, &order, nulls, &cx.with_mode(EvalMode::Try)),
    state,
    accumulator,
);

/// Numeric and ANSI interval arguments, strings as DOUBLE; else `UNEXPECTED_INPUT_TYPE`.
pub(super) fn numeric_argument(args: Vec<Expr>, order: &[SortKey], cx: &ResolveCx<'_>) -> Result<Expr> {
    let arg = one_argument(args, order, cx)?;
    match arg.ty() {
        t if t.is_numeric() || t.is_ansi_interval() => Ok(arg),
        // A timestamp counts as its seconds since 1970.
        t if t.is_string() || t == SqlType::Void || t == SqlType::Timestamp => Ok(cast(arg, &SqlType::Double, cx)),
        _ => Err(unexpected_input(&[arg], 0, "(\"NUMERIC\" or \"ANSI INTERVAL\")", cx)),
    }
}

fn resolve(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = numeric_argument(args, order, cx)?;
    let ty = match arg.ty() {
        SqlType::Decimal(p, s) => SqlType::Decimal(38.min(p + 10), s),
        t if t.is_floating() => SqlType::Double,
        t if t.is_integral() => SqlType::Long,
        t => t,
    };
    let arg = if arg.ty() == SqlType::Float {
        cast(arg, &SqlType::Double, cx)
    } else {
        arg
    };
    Ok(call(name, vec![arg], ty, ignore_nulls, cx))
}

fn state(call: &AggregateCall) -> Vec<StateField> {
    let mut fields = vec![match &call.ty {
        SqlType::Decimal(_, s) => field("sum", SqlType::Decimal(38, *s)),
        SqlType::Double => field("sum", SqlType::Double),
        _ => field("sum", SqlType::Long),
    }];
    if !matches!(call.ty, SqlType::Double) {
        fields.push(field("overflow", SqlType::Boolean));
    }
    fields
}

fn accumulator(call: &AggregateCall) -> Result<Box<dyn Accumulator>> {
    let input = arg_type(call, 0);
    let (ty, mode, origin) = (call.ty.clone(), call.mode, call.origin);
    Ok(match (&call.ty, input.repr()) {
        (SqlType::Decimal(_, s), repr) => Box::new(DecimalSum {
            sums: DecimalSums::new(repr, &input),
            scale: *s,
            ty,
            mode,
            origin,
        }),
        (SqlType::Double, _) => Box::new(Folding::<DoubleSum>::new(DataType::Float64)),
        (_, repr) => Box::new(LongSum {
            repr,
            ty,
            mode,
            origin,
            ..LongSum::default_of()
        }),
    })
}

/// `ARITHMETIC_OVERFLOW`
pub(super) fn overflow(message: &str, instead: &str, origin: Origin) -> Error {
    Error::user("ARITHMETIC_OVERFLOW")
        .param("message", message)
        .param(
            "alternative",
            format!(" Use '{instead}' to tolerate overflow and return NULL instead."),
        )
        .param("config", "\"spark.sql.ansi.enabled\"")
        .at(origin.0)
}

/// Sums of integers and intervals.
struct LongSum {
    sums: Vec<i64>,
    seen: Vec<bool>,
    /// Groups that overflowed under `try_sum`; grows only when one did.
    overflowed: Vec<bool>,
    repr: Repr,
    ty: SqlType,
    mode: EvalMode,
    origin: Origin,
}

impl LongSum {
    fn default_of() -> Self {
        Self {
            sums: vec![],
            seen: vec![],
            overflowed: vec![],
            repr: Repr::I64,
            ty: SqlType::Long,
            mode: EvalMode::Ansi,
            origin: Origin::default(),
        }
    }

    /// The groups of the last step that overflowed, as the mode wants it.
    fn overflow_at(&mut self, groups: &[usize]) -> Result<()> {
        match self.mode {
            EvalMode::Ansi => Err(overflow("long overflow", "try_sum", self.origin)),
            EvalMode::Legacy if !self.ty.is_ansi_interval() => Ok(()),
            EvalMode::Legacy => Err(overflow("long overflow", "try_sum", self.origin)),
            EvalMode::Try => {
                self.overflowed.resize(self.sums.len(), false);
                groups.iter().for_each(|g| self.overflowed[*g] = true);
                Ok(())
            }
        }
    }

    fn update_as<T: arrow::datatypes::ArrowNativeType + Into<i64>>(
        &mut self,
        values: &Vector,
        group_of: &[u32],
    ) -> Result<()> {
        let (sums, seen) = (&mut self.sums, &mut self.seen);
        let mut overflowed = Vec::new();
        for_each::<T>(values, group_of, |g, v| {
            let (sum, over) = sums[g].overflowing_add(v.into());
            sums[g] = sum;
            seen[g] = true;
            if over {
                overflowed.push(g);
            }
        })?;
        if overflowed.is_empty() {
            Ok(())
        } else {
            self.overflow_at(&overflowed)
        }
    }

    fn update_one_as<T: arrow::datatypes::ArrowNativeType + Into<i64>>(
        &mut self,
        values: &Vector,
        rows: usize,
        group: usize,
    ) -> Result<()> {
        let mut sum = i128::from(self.sums[group]);
        let n = for_all::<T>(values, rows, |v| sum += i128::from(v.into()))?;
        self.seen[group] |= n > 0;
        self.sums[group] = sum as i64;
        if i64::try_from(sum).is_err() {
            self.overflow_at(&[group])?;
        }
        Ok(())
    }

    fn nulls(&self) -> NullBuffer {
        self.seen.iter().copied().collect()
    }
}

impl Accumulator for LongSum {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.seen.resize(groups, false);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let values = arg(args, 0)?;
        match self.repr {
            Repr::I8 => self.update_as::<i8>(values, group_of),
            Repr::I16 => self.update_as::<i16>(values, group_of),
            Repr::I32 => self.update_as::<i32>(values, group_of),
            _ => self.update_as::<i64>(values, group_of),
        }
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        let (values, group) = (arg(args, 0)?, group as usize);
        match self.repr {
            Repr::I8 => self.update_one_as::<i8>(values, rows, group),
            Repr::I16 => self.update_one_as::<i16>(values, rows, group),
            Repr::I32 => self.update_one_as::<i32>(values, rows, group),
            _ => self.update_one_as::<i64>(values, rows, group),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.update_as::<i64>(&Vector::Flat(Arc::clone(arg(states, 0)?)), group_of)?;
        let flags = arg(states, 1)?.as_boolean();
        let groups: Vec<usize> = flags.values().set_indices().map(|i| group_of[i] as usize).collect();
        if groups.is_empty() {
            Ok(())
        } else {
            self.overflow_at(&groups)
        }
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let flags: BooleanArray = (0..self.sums.len())
            .map(|g| Some(self.overflowed.get(g).copied().unwrap_or(false)))
            .collect();
        Ok(vec![
            Arc::new(Int64Array::new(self.sums.clone().into(), Some(self.nulls()))),
            Arc::new(flags),
        ])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let nulls: NullBuffer = (0..self.sums.len())
            .map(|g| self.seen[g] && !self.overflowed.get(g).copied().unwrap_or(false))
            .collect();
        match self.ty.repr() {
            Repr::I32 => {
                let narrow: Vec<Option<i32>> = self.sums.iter().map(|v| i32::try_from(*v).ok()).collect();
                if narrow.contains(&None) && self.mode != EvalMode::Try {
                    return Err(overflow("integer overflow", "try_sum", self.origin));
                }
                let fits = narrow.iter().map(Option::is_some).collect();
                let nulls = NullBuffer::union(Some(&nulls), Some(&fits));
                native_array(
                    narrow.into_iter().map(|v| v.unwrap_or(0)).collect(),
                    nulls,
                    &self.ty.arrow(),
                )
            }
            _ => native_array(self.sums.clone(), Some(nulls), &self.ty.arrow()),
        }
    }

    fn size(&self) -> usize {
        self.sums.capacity() * 8 + self.seen.capacity() + self.overflowed.capacity()
    }
}

/// Sums of floats.
struct DoubleSum;

impl Fold for DoubleSum {
    type Number = f64;
    const START: f64 = 0.0;

    #[inline]
    fn fold(held: f64, next: f64) -> f64 {
        held + next
    }
}

struct DecimalSum {
    sums: DecimalSums,
    scale: i8,
    ty: SqlType,
    mode: EvalMode,
    origin: Origin,
}

impl Accumulator for DecimalSum {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        self.sums.update(arg(args, 0)?, group_of)
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        self.sums.update_one(arg(args, 0)?, rows, group).map(|_| ())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.sums.merge(arg(states, 0)?, arg(states, 1)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        self.sums.state(self.scale)
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let SqlType::Decimal(p, _) = self.ty else {
            return Err(Error::internal("a decimal sum that is no decimal"));
        };
        let mut values: Vec<Option<i128>> = Vec::with_capacity(self.sums.sums.len());
        for (g, sum) in self.sums.sums.iter().enumerate() {
            let fits = !self.sums.has_overflowed(g) && sum.unsigned_abs() < 10u128.pow(u32::from(p));
            if !fits && self.mode == EvalMode::Ansi {
                return Err(overflow("Overflow in sum of decimals", "try_sum", self.origin));
            }
            values.push((fits && self.sums.seen[g]).then_some(*sum));
        }
        decimal_array(values, &self.ty)
    }

    fn size(&self) -> usize {
        self.sums.size()
    }
}
