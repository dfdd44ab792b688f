//! `min` and `max` of every type that can be sorted.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, StringViewArray};
use arrow::datatypes::ArrowNativeType;
use arrow::row::{RowConverter, SortField};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::types::Repr;
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, one_argument};
use super::folding::{Fold, Folding};
use crate::kernel::mismatch;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&MIN, &MAX]);
}

/// `min(expr)`
static MIN: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "min",
        &[],
        doc(
            "min(expr)",
            "Smallest value.",
            "SELECT min(a) FROM VALUES (2), (1) AS t(a)",
        ),
        |args, order, nulls, cx| resolve("min", args, &order, nulls, cx),
        |call| vec![field("min", call.ty.clone())],
        accumulator::<false>,
    )
};

/// `max(expr)`
static MAX: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "max",
        &[],
        doc(
            "max(expr)",
            "Largest value.",
            "SELECT max(a) FROM VALUES (2), (1) AS t(a)",
        ),
        |args, order, nulls, cx| resolve("max", args, &order, nulls, cx),
        |call| vec![field("max", call.ty.clone())],
        accumulator::<true>,
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
    orderable(std::slice::from_ref(&arg), 0, cx)?;
    let ty = arg.ty();
    Ok(call(name, vec![arg], ty, ignore_nulls, cx))
}

/// `INVALID_ORDERING_TYPE` unless argument `index` can be sorted.
pub(super) fn orderable(args: &[Expr], index: usize, cx: &ResolveCx<'_>) -> Result<()> {
    let ty = args.get(index).map_or(SqlType::Void, Expr::ty);
    if ty.is_orderable() {
        return Ok(());
    }
    Err(mismatch("INVALID_ORDERING_TYPE", args, cx)
        .param("functionName", quoted_name([&cx.called_as]))
        .param("dataType", ty.quoted()))
}

fn accumulator<const MAX: bool>(call: &AggregateCall) -> Result<Box<dyn Accumulator>> {
    let ty = arg_type(call, 0);
    Ok(match ty.repr() {
        Repr::I8 => Box::new(Folding::<Best<i8, MAX>>::new(ty.arrow())),
        Repr::I16 => Box::new(Folding::<Best<i16, MAX>>::new(ty.arrow())),
        Repr::I32 => Box::new(Folding::<Best<i32, MAX>>::new(ty.arrow())),
        Repr::I64 => Box::new(Folding::<Best<i64, MAX>>::new(ty.arrow())),
        Repr::I128 => Box::new(Folding::<Best<i128, MAX>>::new(ty.arrow())),
        Repr::F32 => Box::new(Folding::<Best<f32, MAX>>::new(ty.arrow())),
        Repr::F64 => Box::new(Folding::<Best<f64, MAX>>::new(ty.arrow())),
        Repr::Str | Repr::Bin => Box::new(BytesExtreme::<MAX> {
            text: ty.repr() == Repr::Str,
            best: vec![],
            held: 0,
        }),
        _ => Box::new(RowExtreme::<MAX> {
            rows: RowConverter::new(vec![SortField::new(ty.arrow())])?,
            best: vec![],
            held: 0,
        }),
    })
}

/// Numbers that have a smallest and a largest value; NaN is the largest.
trait Extreme: ArrowNativeType {
    const LOWEST: Self;
    const HIGHEST: Self;
    fn below(self, other: Self) -> bool;
}
macro_rules! integer_extreme {
    ($($t:ty),*) => { $(impl Extreme for $t {
        const LOWEST: Self = <$t>::MIN;
        const HIGHEST: Self = <$t>::MAX;
        #[inline]
        fn below(self, other: Self) -> bool { self < other }
    })* };
}
macro_rules! float_extreme {
    ($($t:ty),*) => { $(impl Extreme for $t {
        const LOWEST: Self = <$t>::NEG_INFINITY;
        const HIGHEST: Self = <$t>::NAN;
        #[inline]
        fn below(self, other: Self) -> bool { self < other || (other.is_nan() && !self.is_nan()) }
    })* };
}
integer_extreme!(i8, i16, i32, i64, i128);
float_extreme!(f32, f64);

/// The smallest or largest number.
struct Best<T, const MAX: bool>(PhantomData<T>);

impl<T: Extreme, const MAX: bool> Fold for Best<T, MAX> {
    type Number = T;
    const START: T = if MAX { T::LOWEST } else { T::HIGHEST };

    #[inline]
    fn fold(held: T, next: T) -> T {
        let next_wins = if MAX { held.below(next) } else { next.below(held) };
        if next_wins { next } else { held }
    }
}

/// Text and binary, by bytes.
struct BytesExtreme<const MAX: bool> {
    text: bool,
    best: Vec<Option<Box<[u8]>>>,
    held: usize,
}

fn keep_better<const MAX: bool>(best: &mut Option<Box<[u8]>>, held: &mut usize, value: &[u8]) {
    let wins = best.as_deref().is_none_or(|b| if MAX { b < value } else { value < b });
    if wins {
        *held += value.len() - best.as_ref().map_or(0, |b| b.len().min(value.len()));
        *best = Some(value.into());
    }
}

impl<const MAX: bool> BytesExtreme<MAX> {
    fn add(&mut self, array: &ArrayRef, group: impl Fn(usize) -> u32) -> Result<()> {
        let any = array.as_any();
        if let Some(a) = any.downcast_ref::<StringViewArray>() {
            for i in 0..a.len() {
                if a.is_valid(i) {
                    keep_better::<MAX>(&mut self.best[group(i) as usize], &mut self.held, a.value(i).as_bytes());
                }
            }
        } else if let Some(a) = any.downcast_ref::<BinaryViewArray>() {
            for i in 0..a.len() {
                if a.is_valid(i) {
                    keep_better::<MAX>(&mut self.best[group(i) as usize], &mut self.held, a.value(i));
                }
            }
        } else {
            return Err(Error::internal(format!(
                "{} where text or binary was expected",
                array.data_type()
            )));
        }
        Ok(())
    }
}

impl<const MAX: bool> Accumulator for BytesExtreme<MAX> {
    fn resize(&mut self, groups: usize) {
        self.best.resize(groups, None);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let vector = arg(args, 0)?;
        if let Vector::Constant { value, .. } = vector {
            return group_of.iter().try_for_each(|g| self.add(value, |_| *g));
        }
        self.add(&vector.to_array()?, |i| group_of[i])
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        match arg(args, 0)? {
            Vector::Constant { value, .. } if rows > 0 => self.add(value, |_| group),
            vector => self.add(&vector.to_array()?, |_| group),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.add(arg(states, 0)?, |i| group_of[i])
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        if !self.text {
            return Ok(Arc::new(
                self.best.iter().map(Option::as_deref).collect::<BinaryViewArray>(),
            ));
        }
        let texts = self
            .best
            .iter()
            .map(|b| b.as_deref().map(std::str::from_utf8).transpose());
        let texts = texts.collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(|_| Error::internal("text that is not UTF-8"))?;
        Ok(Arc::new(StringViewArray::from(texts)))
    }

    fn size(&self) -> usize {
        self.best.capacity() * 16 + self.held
    }
}

/// Booleans and nested values, by their row encoding.
struct RowExtreme<const MAX: bool> {
    rows: RowConverter,
    best: Vec<Option<Box<[u8]>>>,
    held: usize,
}

impl<const MAX: bool> Accumulator for RowExtreme<MAX> {
    fn resize(&mut self, groups: usize) {
        self.best.resize(groups, None);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        self.merge(&[arg(args, 0)?.to_array()?], group_of)
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let array = arg(states, 0)?;
        let rows = self.rows.convert_columns(std::slice::from_ref(array))?;
        for (i, g) in group_of.iter().enumerate() {
            if array.is_valid(i) {
                keep_better::<MAX>(&mut self.best[*g as usize], &mut self.held, rows.row(i).as_ref());
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        decode_rows(&self.rows, &self.best)
    }

    fn size(&self) -> usize {
        self.best.capacity() * 16 + self.held
    }
}

/// Encoded rows of one column, absent ones as NULL.
pub(super) fn decode_rows(rows: &RowConverter, encoded: &[Option<Box<[u8]>>]) -> Result<ArrayRef> {
    let parser = rows.parser();
    // Any row stands in where there is none; it is masked afterwards.
    let Some(filler) = encoded.iter().flatten().next() else {
        let empty = rows.convert_rows(std::iter::empty::<arrow::row::Row<'_>>())?;
        return Ok(arrow::array::new_null_array(arg(&empty, 0)?.data_type(), encoded.len()));
    };
    let all = encoded.iter().map(|r| parser.parse(r.as_ref().unwrap_or(filler)));
    let columns = rows.convert_rows(all)?;
    let absent = encoded.iter().map(|r| Some(r.is_none())).collect();
    Ok(arrow::compute::nullif(arg(&columns, 0)?, &absent)?)
}
