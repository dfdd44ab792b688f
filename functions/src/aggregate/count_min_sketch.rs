//! `count_min_sketch`: Spark's count-min sketch, in Spark's serialized form.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, BinaryViewBuilder, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, Scalar, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order};
use super::input::for_each;
use crate::hash::murmur3_bytes;
use crate::kernel::{cast, check_count, constant, mismatch, non_foldable, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&COUNT_MIN_SKETCH]);
}

/// `count_min_sketch(column, epsilon, confidence, seed)`
static COUNT_MIN_SKETCH: AggregateFn = aggregate(
    "count_min_sketch",
    &[],
    doc(
        "count_min_sketch(column, epsilon, confidence, seed)",
        "Count-min sketch of the values.",
        "SELECT hex(count_min_sketch(a, 0.5d, 0.5d, 1)) FROM VALUES (1), (2), (1) AS t(a)",
    ),
    resolve,
    |_| vec![field("sketch", SqlType::Binary)],
    |call| {
        let number = |i: usize| match call.args.get(i).and_then(Expr::as_literal).map(|l| &l.value) {
            Some(Scalar::F64(v)) => *v,
            Some(v) => v.as_i64().unwrap_or(0) as f64,
            None => 0.0,
        };
        let seed = call
            .args
            .get(3)
            .and_then(Expr::as_literal)
            .and_then(|l| l.value.as_i64())
            .unwrap_or(0);
        let depth = (-(1.0 - number(2)).ln() / 2f64.ln()).ceil().max(1.0) as usize;
        let mut random = JavaRandom::new(seed);
        Ok(Box::new(Sketches {
            width: (2.0 / number(1)).ceil().max(1.0) as usize,
            factors: (0..depth).map(|_| random.next_below(i32::MAX)).collect(),
            sketches: vec![],
            ty: arg_type(call, 0),
        }))
    },
);

fn resolve(args: Vec<Expr>, order: Vec<SortKey>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    no_order(&order, cx)?;
    check_count(&args, 4, Some(4), cx)?;
    let ty = args[0].ty();
    if !(ty.is_integral() || ty.is_string() || ty == SqlType::Binary) {
        return Err(unexpected_input(
            &args,
            0,
            "(\"INTEGRAL\" or \"STRING\" or \"BINARY\")",
            cx,
        ));
    }
    let mut bound = vec![args[0].clone()];
    for (i, name, ty) in [
        (1, "eps", SqlType::Double),
        (2, "confidence", SqlType::Double),
        (3, "seed", SqlType::Long),
    ] {
        let quoted = ty.quoted();
        let given = args[i].ty();
        if !(given == ty || given == SqlType::Void || i == 3 && given == SqlType::Int) {
            return Err(unexpected_input(
                &args,
                i,
                if i == 3 { "(\"INT\" or \"BIGINT\")" } else { &quoted },
                cx,
            ));
        }
        let Some(l) = constant(&cast(args[i].clone(), &ty, cx), cx) else {
            return Err(non_foldable(&args, i, name, cx));
        };
        let wrong = match l.value {
            Scalar::Null => return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", name)),
            Scalar::F64(v) => v <= 0.0 || i == 2 && v >= 1.0,
            _ => false,
        };
        if wrong {
            return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx).param("exprName", name).param(
                "valueRange",
                if i == 1 {
                    "(0.0, 1.7976931348623157E308]"
                } else {
                    "(0.0, 1.0)"
                },
            ));
        }
        bound.push(Expr::lit(l));
    }
    Ok(AggregateCall {
        nullable: false,
        ..call("count_min_sketch", bound, SqlType::Binary, ignore_nulls, cx)
    })
}

/// `java.util.Random`.
struct JavaRandom(u64);

impl JavaRandom {
    fn new(seed: i64) -> Self {
        Self((seed as u64 ^ 0x5_DEEC_E66D) & ((1 << 48) - 1))
    }

    fn next(&mut self) -> i32 {
        self.0 = self.0.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & ((1 << 48) - 1);
        (self.0 >> 17) as i32
    }

    /// Uniform in `0..bound`; the bound is no power of two.
    fn next_below(&mut self, bound: i32) -> i64 {
        loop {
            let bits = self.next();
            let value = bits % bound;
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return i64::from(value);
            }
        }
    }
}

struct Sketches {
    width: usize,
    /// One factor a row of the table.
    factors: Vec<i64>,
    /// Total and table of each group.
    sketches: Vec<(i64, Vec<i64>)>,
    ty: SqlType,
}

/// Columns of an integer in each row of the table.
fn add_long(sketch: &mut (i64, Vec<i64>), factors: &[i64], width: usize, item: i64) {
    for (row, factor) in factors.iter().enumerate() {
        let mut hash = factor.wrapping_mul(item);
        hash = hash.wrapping_add(hash >> 32) & 0x7fff_ffff;
        sketch.1[row * width + hash as usize % width] += 1;
    }
    sketch.0 += 1;
}

impl Sketches {
    fn add_bytes(&mut self, group: usize, item: &[u8]) {
        let first = murmur3_bytes(item, 0);
        let second = murmur3_bytes(item, first);
        let sketch = &mut self.sketches[group];
        for row in 0..self.factors.len() {
            let hash = first.wrapping_add((row as i32).wrapping_mul(second)) % self.width as i32;
            sketch.1[row * self.width + hash.unsigned_abs() as usize] += 1;
        }
        sketch.0 += 1;
    }
}

impl Accumulator for Sketches {
    fn resize(&mut self, groups: usize) {
        let cells = self.width * self.factors.len();
        self.sketches.resize_with(groups, || (0, vec![0; cells]));
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        use rsql_expr::types::Repr;
        let vector = arg(args, 0)?;
        let (width, factors, sketches) = (self.width, &self.factors, &mut self.sketches);
        match self.ty.repr() {
            Repr::I8 => for_each::<i8>(vector, group_of, |g, v| {
                add_long(&mut sketches[g], factors, width, v.into())
            }),
            Repr::I16 => for_each::<i16>(vector, group_of, |g, v| {
                add_long(&mut sketches[g], factors, width, v.into())
            }),
            Repr::I32 => for_each::<i32>(vector, group_of, |g, v| {
                add_long(&mut sketches[g], factors, width, v.into())
            }),
            Repr::I64 => for_each::<i64>(vector, group_of, |g, v| add_long(&mut sketches[g], factors, width, v)),
            _ => {
                let array = arrow::compute::cast(&vector.to_array()?, &arrow::datatypes::DataType::BinaryView)?;
                let items: &BinaryViewArray = array.as_binary_view();
                for (i, g) in group_of.iter().enumerate() {
                    if items.is_valid(i) {
                        self.add_bytes(*g as usize, items.value(i));
                    }
                }
                Ok(())
            }
        }
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let states = arg(states, 0)?.as_binary_view();
        let header = 20 + 8 * self.factors.len();
        for (i, g) in group_of.iter().enumerate() {
            let (words, _) = states.value(i).get(header..).unwrap_or_default().as_chunks::<8>();
            let sketch = &mut self.sketches[*g as usize];
            if words.len() != sketch.1.len() {
                return Err(Error::internal("a sketch of another size"));
            }
            sketch
                .1
                .iter_mut()
                .zip(words)
                .for_each(|(cell, word)| *cell += i64::from_be_bytes(*word));
            let total = states
                .value(i)
                .get(4..12)
                .and_then(|b| b.try_into().ok())
                .map_or(0, i64::from_be_bytes);
            sketch.0 += total;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let mut builder = BinaryViewBuilder::with_capacity(self.sketches.len());
        for (total, cells) in &self.sketches {
            let mut bytes = Vec::with_capacity(20 + 8 * (self.factors.len() + cells.len()));
            bytes.extend(1i32.to_be_bytes());
            bytes.extend(total.to_be_bytes());
            bytes.extend((self.factors.len() as i32).to_be_bytes());
            bytes.extend((self.width as i32).to_be_bytes());
            self.factors
                .iter()
                .chain(cells)
                .for_each(|v| bytes.extend(v.to_be_bytes()));
            builder.append_value(&bytes);
        }
        Ok(Arc::new(builder.finish()))
    }

    fn size(&self) -> usize {
        self.sketches.len() * (32 + 8 * self.width * self.factors.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_random() {
        assert_eq!(JavaRandom::new(1).next_below(i32::MAX), 0x5D8D_6AB9);
    }
}
