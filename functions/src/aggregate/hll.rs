//! `approx_count_distinct`: HyperLogLog++ with Spark's hash, registers and bias correction, so that the estimates agree.
//!
//! Heule, Nunkesser, Hall: "HyperLogLog in Practice", 2013. The bias table is the paper's.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, BinaryViewArray, Int64Array, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, Literal, Scalar, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order};
use crate::hash::xxhash64_rows;
use crate::kernel::{cast, check_count, constant, mismatch, non_foldable};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&APPROX_COUNT_DISTINCT]);
}

/// `approx_count_distinct(expr[, relativeSD])`
static APPROX_COUNT_DISTINCT: AggregateFn = AggregateFn {
    duplicate_insensitive: true,
    ..aggregate(
        "approx_count_distinct",
        &[],
        doc(
            "approx_count_distinct(expr[, relativeSD])",
            "Estimated number of distinct values.",
            "SELECT approx_count_distinct(a) FROM VALUES (1), (1), (2) AS t(a)",
        ),
        resolve,
        |_| vec![field("registers", SqlType::Binary)],
        |call| {
            let deviation = match call.args.get(1).and_then(Expr::as_literal).map(|l| &l.value) {
                Some(Scalar::F64(v)) => *v,
                _ => 0.05,
            };
            let bits = (2.0 * (1.106 / deviation).ln() / 2f64.ln()).ceil() as u32;
            Ok(Box::new(HyperLogLog {
                bits,
                size: 1 << bits,
                registers: vec![],
                ty: arg_type(call, 0),
            }))
        },
    )
};

fn resolve(args: Vec<Expr>, order: Vec<SortKey>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    no_order(&order, cx)?;
    check_count(&args, 1, Some(2), cx)?;
    let mut bound = args.clone();
    if let Some(deviation) = args.get(1) {
        let value = constant(&cast(deviation.clone(), &SqlType::Double, cx), cx);
        let Some(Literal {
            value: Scalar::F64(v), ..
        }) = value
        else {
            return Err(non_foldable(&args, 1, "relativeSD", cx));
        };
        if v > 0.39 || v <= 0.0 {
            return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
                .param("exprName", "relativeSD")
                .param("valueRange", "[0.0, 0.39]")
                .param("currentValue", format!("{v:?}")));
        }
        bound.truncate(1);
        bound.push(Expr::lit(Literal::double(v)));
    }
    Ok(AggregateCall {
        nullable: false,
        ..call("approx_count_distinct", bound, SqlType::Long, ignore_nulls, cx)
    })
}

struct HyperLogLog {
    bits: u32,
    size: usize,
    /// One byte a register, `size` of them a group.
    registers: Vec<u8>,
    ty: SqlType,
}

impl Accumulator for HyperLogLog {
    fn resize(&mut self, groups: usize) {
        self.registers.resize(groups * self.size, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let array = arg(args, 0)?.to_array()?;
        let nulls = array.logical_nulls();
        let mut hashes = vec![42i64; array.len()];
        xxhash64_rows(&array, &self.ty, &mut hashes)?;
        for (i, g) in group_of.iter().enumerate() {
            if nulls.as_ref().is_some_and(|n| n.is_null(i)) {
                continue;
            }
            let hash = hashes[i] as u64;
            let index = (hash >> (64 - self.bits)) as usize;
            let rank = ((hash << self.bits) | (1 << (self.bits - 1))).leading_zeros() as u8 + 1;
            let register = &mut self.registers[*g as usize * self.size + index];
            *register = (*register).max(rank);
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let states = arg(states, 0)?.as_binary_view();
        for (i, g) in group_of.iter().enumerate() {
            let other = states.value(i);
            let start = *g as usize * self.size;
            let Some(mine) = self
                .registers
                .get_mut(start..start + self.size)
                .filter(|m| m.len() == other.len())
            else {
                return Err(Error::internal("a sketch of another size"));
            };
            mine.iter_mut().zip(other).for_each(|(a, b)| *a = (*a).max(*b));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(
            self.registers.chunks(self.size).map(Some).collect::<BinaryViewArray>(),
        )])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let estimates = self.registers.chunks(self.size).map(|r| Some(estimate(r, self.bits)));
        Ok(Arc::new(estimates.collect::<Int64Array>()))
    }

    fn size(&self) -> usize {
        self.registers.capacity()
    }
}

/// The estimate the registers stand for.
fn estimate(registers: &[u8], bits: u32) -> i64 {
    const THRESHOLDS: [f64; 15] = [
        10.0, 20.0, 40.0, 80.0, 220.0, 400.0, 900.0, 1800.0, 3100.0, 6500.0, 11500.0, 20000.0, 50000.0, 120000.0,
        350000.0,
    ];
    let m = registers.len() as f64;
    let alpha = match bits {
        4 => 0.673,
        5 => 0.697,
        6 => 0.709,
        _ => 0.7213 / (1.0 + 1.079 / m),
    };
    let inverse: f64 = registers.iter().map(|r| 1.0 / (1u64 << r) as f64).sum();
    let zeros = registers.iter().filter(|r| **r == 0).count() as f64;
    let raw = alpha * m * m / inverse;
    let corrected = || {
        if bits < 19 && raw < 5.0 * m {
            raw - bias(raw, bits)
        } else {
            raw
        }
    };
    let result = if zeros > 0.0 {
        let linear = m * (m / zeros).ln();
        let small = THRESHOLDS.get(bits as usize - 4).is_some_and(|t| linear <= *t);
        if small || raw <= 2.5 * m { linear } else { corrected() }
    } else {
        corrected()
    };
    (result + 0.5).floor() as i64
}

/// Mean bias of the six raw estimates of the table nearest to `raw`.
fn bias(raw: f64, bits: u32) -> f64 {
    const NEAREST: usize = 6;
    let Some(table) = bias_table()
        .get((bits as usize).saturating_sub(4))
        .filter(|t| t.len() >= NEAREST)
    else {
        return 0.0;
    };
    let near = table.partition_point(|(estimate, _)| *estimate < raw);
    let distance = |i: usize| (raw - table[i].0) * (raw - table[i].0);
    let mut low = near.saturating_sub(NEAREST - 1);
    let mut high = (low + NEAREST).min(table.len());
    while high < table.len() && distance(high) < distance(low) {
        low += 1;
        high += 1;
    }
    table[low..high].iter().map(|(_, bias)| bias).sum::<f64>() / (high - low) as f64
}

/// Raw estimates and their biases, by register bits from 4 on.
fn bias_table() -> &'static Vec<Vec<(f64, f64)>> {
    static TABLE: OnceLock<Vec<Vec<(f64, f64)>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut tables: Vec<Vec<(f64, f64)>> = Vec::new();
        for line in include_str!("hll_bias.tsv").lines() {
            let mut parts = line.split('\t');
            let bits = parts.next().and_then(|p| p.parse::<usize>().ok());
            let estimate = parts.next().and_then(|p| p.parse().ok());
            let bias = parts.next().and_then(|p| p.parse().ok());
            if let (Some(bits), Some(estimate), Some(bias)) = (bits, estimate, bias) {
                tables.resize(tables.len().max(bits - 3), Vec::new());
                tables[bits - 4].push((estimate, bias));
            }
        }
        tables
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(values: ArrayRef, ty: SqlType, bits: u32) -> i64 {
        let mut sketch = HyperLogLog {
            bits,
            size: 1 << bits,
            registers: vec![],
            ty,
        };
        sketch.resize(1);
        let rows = values.len();
        sketch.update(&[Vector::Flat(values)], &vec![0; rows]).unwrap();
        sketch
            .finish()
            .unwrap()
            .as_primitive::<arrow::datatypes::Int64Type>()
            .value(0)
    }

    #[test]
    fn sparks_estimates() {
        let longs = |n: i64, m: i64| Arc::new(Int64Array::from_iter_values((0..n).map(|v| v % m))) as ArrayRef;
        assert_eq!(count(longs(10_000, i64::MAX), SqlType::Long, 9), 9571);
        assert_eq!(count(longs(100_000, 300), SqlType::Long, 9), 296);
        assert_eq!(count(longs(100_000, i64::MAX), SqlType::Long, 14), 100_425);
        let texts: arrow::array::StringViewArray = (0..100_000).map(|v| Some(v.to_string())).collect();
        assert_eq!(count(Arc::new(texts), SqlType::String, 9), 97_299);
    }
}
