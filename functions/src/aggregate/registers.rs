//! Accumulators whose state is a few doubles a group: moments, covariances, regressions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, cast::AsArray};
use arrow::datatypes::Float64Type;
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, StateField};
use rsql_expr::{SqlType, Vector};

use super::define::{arg, field};
use super::input::{for_all, for_each};

/// `N` doubles a group and what is done with them.
pub(super) struct Registers<const N: usize> {
    values: Vec<[f64; N]>,
    rules: Rules<N>,
}

/// How registers take in a row (of one or two arguments) and each other, and what they say in the end.
#[derive(Clone, Copy)]
pub(super) struct Rules<const N: usize> {
    /// One argument or two; rows with a NULL are left out.
    pub(super) two: bool,
    pub(super) update: fn(&mut [f64; N], f64, f64),
    pub(super) merge: fn(&mut [f64; N], &[f64; N]),
    pub(super) result: fn(&[f64; N]) -> Option<f64>,
    /// The result is a BIGINT.
    pub(super) integral: bool,
}

/// Names of state columns.
pub(super) fn state_fields(names: &'static [&'static str]) -> Vec<StateField> {
    names.iter().map(|n| field(n, SqlType::Double)).collect()
}

impl<const N: usize> Registers<N> {
    pub(super) fn boxed(rules: Rules<N>) -> Box<dyn Accumulator> {
        Box::new(Self { values: vec![], rules })
    }

    fn doubles(array: &ArrayRef) -> Result<&Float64Array> {
        array
            .as_primitive_opt::<Float64Type>()
            .ok_or_else(|| Error::internal(format!("{} where DOUBLE was expected", array.data_type())))
    }
}

impl<const N: usize> Accumulator for Registers<N> {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, [0.0; N]);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let (values, update) = (&mut self.values, self.rules.update);
        if !self.rules.two {
            return for_each::<f64>(arg(args, 0)?, group_of, |g, v| update(&mut values[g], v, 0.0));
        }
        let (x, y) = (arg(args, 0)?.to_array()?, arg(args, 1)?.to_array()?);
        let (x, y) = (Self::doubles(&x)?, Self::doubles(&y)?);
        for (i, g) in group_of.iter().enumerate() {
            if x.is_valid(i) && y.is_valid(i) {
                update(&mut values[*g as usize], x.value(i), y.value(i));
            }
        }
        Ok(())
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        if self.rules.two {
            return self.update(args, &vec![group; rows]);
        }
        let mut registers = self.values[group as usize];
        let update = self.rules.update;
        for_all::<f64>(arg(args, 0)?, rows, |v| update(&mut registers, v, 0.0))?;
        self.values[group as usize] = registers;
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let columns = states.iter().map(Self::doubles).collect::<Result<Vec<_>>>()?;
        if columns.len() != N {
            return Err(Error::internal(format!(
                "{} state columns where there are {N}",
                columns.len()
            )));
        }
        for (i, g) in group_of.iter().enumerate() {
            let other: [f64; N] = std::array::from_fn(|k| columns[k].value(i));
            (self.rules.merge)(&mut self.values[*g as usize], &other);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok((0..N)
            .map(|k| Arc::new(self.values.iter().map(|r| Some(r[k])).collect::<Float64Array>()) as ArrayRef)
            .collect())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let results = self.values.iter().map(self.rules.result);
        Ok(if self.rules.integral {
            Arc::new(results.map(|r| r.map(|v| v as i64)).collect::<Int64Array>())
        } else {
            Arc::new(results.collect::<Float64Array>())
        })
    }

    fn size(&self) -> usize {
        self.values.capacity() * N * 8
    }
}
