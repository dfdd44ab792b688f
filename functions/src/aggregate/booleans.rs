//! `bool_and`, `bool_or`, `bit_and`, `bit_or`, `bit_xor`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::ArrowNativeType;
use rsql_common::Result;
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx, TypeSpec};
use rsql_expr::types::Repr;
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, one_argument};
use super::input::{booleans, for_each};
use crate::kernel::native_array;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&BOOL_AND, &BOOL_OR, &BIT_AND, &BIT_OR, &BIT_XOR]);
}

/// `bool_and(expr)`
static BOOL_AND: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bool_and",
        &["every"],
        doc(
            "bool_and(expr)",
            "True if all values are true.",
            "SELECT bool_and(a) FROM VALUES (true) AS t(a)",
        ),
        |args, order, nulls, cx| resolve_bool("bool_and", args, &order, nulls, cx),
        |_| vec![field("all", SqlType::Boolean)],
        |_| Ok(Box::new(Truth::new(false))),
    )
};

/// `bool_or(expr)`
static BOOL_OR: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bool_or",
        &["some", "any"],
        doc(
            "bool_or(expr)",
            "True if a value is true.",
            "SELECT bool_or(a) FROM VALUES (true) AS t(a)",
        ),
        |args, order, nulls, cx| resolve_bool("bool_or", args, &order, nulls, cx),
        |_| vec![field("any", SqlType::Boolean)],
        |_| Ok(Box::new(Truth::new(true))),
    )
};

/// `bit_and(expr)`
static BIT_AND: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bit_and",
        &[],
        doc(
            "bit_and(expr)",
            "Bitwise AND of the values.",
            "SELECT bit_and(a) FROM VALUES (3), (5) AS t(a)",
        ),
        |args, order, nulls, cx| resolve_bits("bit_and", args, &order, nulls, cx),
        |call| vec![field("bits", call.ty.clone())],
        |call| bits(call, -1, |a, b| a & b),
    )
};

/// `bit_or(expr)`
static BIT_OR: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "bit_or",
        &[],
        doc(
            "bit_or(expr)",
            "Bitwise OR of the values.",
            "SELECT bit_or(a) FROM VALUES (3), (5) AS t(a)",
        ),
        |args, order, nulls, cx| resolve_bits("bit_or", args, &order, nulls, cx),
        |call| vec![field("bits", call.ty.clone())],
        |call| bits(call, 0, |a, b| a | b),
    )
};

/// `bit_xor(expr)`
static BIT_XOR: AggregateFn = aggregate(
    "bit_xor",
    &[],
    doc(
        "bit_xor(expr)",
        "Bitwise XOR of the values.",
        "SELECT bit_xor(a) FROM VALUES (3), (5) AS t(a)",
    ),
    |args, order, nulls, cx| resolve_bits("bit_xor", args, &order, nulls, cx),
    |call| vec![field("bits", call.ty.clone())],
    |call| bits(call, 0, |a, b| a ^ b),
);

fn resolve_bool(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = rsql_expr::coerce::implicit_cast(one_argument(args, order, cx)?, TypeSpec::Boolean, 0, cx)?;
    Ok(call(name, vec![arg], SqlType::Boolean, ignore_nulls, cx))
}

fn resolve_bits(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = rsql_expr::coerce::implicit_cast(one_argument(args, order, cx)?, TypeSpec::Integral, 0, cx)?;
    let ty = arg.ty();
    Ok(call(name, vec![arg], ty, ignore_nulls, cx))
}

/// AND or OR of booleans.
struct Truth {
    values: Vec<bool>,
    seen: Vec<bool>,
    /// The value that decides: true for OR.
    decides: bool,
}

impl Truth {
    fn new(decides: bool) -> Self {
        Self {
            values: vec![],
            seen: vec![],
            decides,
        }
    }
}

impl Accumulator for Truth {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, !self.decides);
        self.seen.resize(groups, false);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let values = booleans(arg(args, 0)?)?;
        for (value, g) in values.iter().zip(group_of) {
            if let Some(v) = value {
                let g = *g as usize;
                self.seen[g] = true;
                if v == self.decides {
                    self.values[g] = v;
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.update(&[Vector::Flat(Arc::clone(arg(states, 0)?))], group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let nulls: NullBuffer = self.seen.iter().copied().collect();
        Ok(Arc::new(BooleanArray::new(self.values.clone().into(), Some(nulls))))
    }

    fn size(&self) -> usize {
        self.values.capacity() * 2
    }
}

/// Accumulator of a bit operation for the call's type.
fn bits(call: &AggregateCall, initial: i64, op: fn(i64, i64) -> i64) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Bits {
        values: vec![],
        seen: vec![],
        initial,
        op,
        ty: arg_type(call, 0),
    }))
}

struct Bits {
    values: Vec<i64>,
    seen: Vec<bool>,
    initial: i64,
    op: fn(i64, i64) -> i64,
    ty: SqlType,
}

impl Bits {
    fn add<T: ArrowNativeType + Into<i64>>(&mut self, vector: &Vector, group_of: &[u32]) -> Result<()> {
        let (values, seen, op) = (&mut self.values, &mut self.seen, self.op);
        for_each::<T>(vector, group_of, |g, v| {
            values[g] = op(values[g], v.into());
            seen[g] = true;
        })
    }
}

impl Accumulator for Bits {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, self.initial);
        self.seen.resize(groups, false);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let values = arg(args, 0)?;
        match self.ty.repr() {
            Repr::I8 => self.add::<i8>(values, group_of),
            Repr::I16 => self.add::<i16>(values, group_of),
            Repr::I32 => self.add::<i32>(values, group_of),
            _ => self.add::<i64>(values, group_of),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.update(&[Vector::Flat(Arc::clone(arg(states, 0)?))], group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let nulls: NullBuffer = self.seen.iter().copied().collect();
        let (values, ty) = (&self.values, self.ty.arrow());
        match self.ty.repr() {
            Repr::I8 => native_array(values.iter().map(|v| *v as i8).collect(), Some(nulls), &ty),
            Repr::I16 => native_array(values.iter().map(|v| *v as i16).collect(), Some(nulls), &ty),
            Repr::I32 => native_array(values.iter().map(|v| *v as i32).collect(), Some(nulls), &ty),
            _ => native_array(values.clone(), Some(nulls), &ty),
        }
    }

    fn size(&self) -> usize {
        self.values.capacity() * 9
    }
}
