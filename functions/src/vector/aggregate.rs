//! `vector_sum`, `vector_avg`: element by element over the vectors of a group. NULL vectors, and vectors with a NULL,
//! are skipped.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Int64Type};
use rsql_common::Result;
use rsql_expr::function::{Accumulator, Family, ResolveCx, StateField};
use rsql_expr::{AggregateCall, AggregateFn, Expr, SortKey, SqlType, Vector};

use super::measure::dimension_mismatch;
use crate::collection::Lists;
use crate::definition::doc;
use crate::kernel::check_count;

pub(super) static VECTOR_SUM: AggregateFn = AggregateFn {
    name: "vector_sum",
    aliases: &[],
    doc: doc(
        Family::Vector,
        "vector_sum(vector)",
        "The sum of the vectors, element by element.",
        "SELECT vector_sum(col) FROM VALUES (array(1.0F, 2.0F)), (array(3.0F, 4.0F)) AS tab(col)",
    ),
    resolve: |args, order, distinct, cx| resolve("vector_sum", args, order, distinct, cx),
    state,
    accumulator: |_| Ok(Box::new(VectorAccumulator::new("vector_sum", false))),
    duplicate_insensitive: false,
    order_sensitive: false,
};

pub(super) static VECTOR_AVG: AggregateFn = AggregateFn {
    name: "vector_avg",
    aliases: &[],
    doc: doc(
        Family::Vector,
        "vector_avg(vector)",
        "The mean of the vectors, element by element.",
        "SELECT vector_avg(col) FROM VALUES (array(1.0F, 2.0F)), (array(3.0F, 4.0F)) AS tab(col)",
    ),
    resolve: |args, order, distinct, cx| resolve("vector_avg", args, order, distinct, cx),
    state,
    accumulator: |_| Ok(Box::new(VectorAccumulator::new("vector_avg", true))),
    duplicate_insensitive: false,
    order_sensitive: false,
};

fn resolve(
    name: &str,
    args: Vec<Expr>,
    order_by: Vec<SortKey>,
    distinct: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    check_count(&args, 1, Some(1), cx)?;
    super::vector(&args, 0, cx)?;
    Ok(AggregateCall {
        func: name.into(),
        args,
        distinct,
        filter: None,
        order_by,
        ty: SqlType::array_of(SqlType::Float, false),
        nullable: true,
        ignore_nulls: false,
        mode: cx.mode,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    })
}

fn state(_: &AggregateCall) -> Vec<StateField> {
    vec![
        StateField {
            name: "sum",
            ty: SqlType::array(SqlType::Double),
        },
        StateField {
            name: "count",
            ty: SqlType::Long,
        },
    ]
}

/// Sums and numbers of vectors of all groups.
struct VectorAccumulator {
    name: &'static str,
    average: bool,
    sums: Vec<Vec<f64>>,
    counts: Vec<i64>,
}

impl VectorAccumulator {
    fn new(name: &'static str, average: bool) -> Self {
        Self {
            name,
            average,
            sums: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn add(&mut self, group: usize, vector: impl ExactSizeIterator<Item = f64>, count: i64) -> Result<()> {
        let sum = &mut self.sums[group];
        if self.counts[group] == 0 {
            sum.extend(vector);
        } else if sum.len() == vector.len() {
            sum.iter_mut().zip(vector).for_each(|(s, v)| *s += v);
        } else {
            return Err(dimension_mismatch(self.name, sum.len(), vector.len()));
        }
        self.counts[group] += count;
        Ok(())
    }
}

impl Accumulator for VectorAccumulator {
    fn resize(&mut self, groups: usize) {
        self.sums.resize_with(groups, Vec::new);
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(vectors) = args.first() else { return Ok(()) };
        let lists = Lists::new(&vectors.to_array()?)?;
        let values = lists.values.as_primitive::<Float32Type>().values();
        for (row, group) in group_of.iter().enumerate() {
            let range = lists.range(row);
            if !lists.is_null(row) && !range.clone().any(|i| lists.element_is_null(i)) {
                self.add(*group as usize, values[range].iter().map(|v| f64::from(*v)), 1)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let [sums, counts] = states else { return Ok(()) };
        let (lists, counts) = (Lists::new(sums)?, counts.as_primitive::<Int64Type>());
        let values = lists.values.as_primitive::<Float64Type>().values();
        for (row, group) in group_of.iter().enumerate() {
            if counts.value(row) > 0 {
                self.add(
                    *group as usize,
                    values[lists.range(row)].iter().copied(),
                    counts.value(row),
                )?;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        let field = Arc::new(Field::new("item", DataType::Float64, true));
        let offsets = OffsetBuffer::from_lengths(self.sums.iter().map(Vec::len));
        let values = Float64Array::from_iter_values(self.sums.iter().flatten().copied());
        Ok(vec![
            Arc::new(ListArray::try_new(field, offsets, Arc::new(values), None)?),
            Arc::new(Int64Array::from(self.counts.clone())),
        ])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let field = Arc::new(Field::new("item", DataType::Float32, true));
        let offsets = OffsetBuffer::from_lengths(self.sums.iter().map(Vec::len));
        let mut values = Vec::with_capacity(self.sums.iter().map(Vec::len).sum());
        for (sum, count) in self.sums.iter().zip(&self.counts) {
            let divisor = if self.average { *count as f64 } else { 1.0 };
            values.extend(sum.iter().map(|s| (s / divisor) as f32));
        }
        let values = arrow::array::Float32Array::from(values);
        let nulls: NullBuffer = self.counts.iter().map(|c| *c > 0).collect();
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            Arc::new(values),
            Some(nulls),
        )?))
    }

    fn size(&self) -> usize {
        self.sums.iter().map(|s| s.capacity() * 8 + 24).sum::<usize>() + self.counts.capacity() * 8
    }
}
