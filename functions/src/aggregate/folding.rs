//! Aggregates that fold a group's numbers into one of the same type: sums of floats, smallest and largest numbers.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowNativeType, DataType};
use rsql_common::Result;
use rsql_expr::Vector;
use rsql_expr::function::Accumulator;

use super::define::arg;
use super::input::{for_all, for_each};
use crate::kernel::native_array;

/// How two numbers become one, in whatever order.
pub(super) trait Fold: Send {
    /// The numbers.
    type Number: ArrowNativeType;
    /// What changes no number.
    const START: Self::Number;
    /// What is held, with one more number.
    fn fold(held: Self::Number, next: Self::Number) -> Self::Number;
}

/// A group's numbers folded; NULL if there are none. The state is the value itself.
pub(super) struct Folding<F: Fold> {
    held: Vec<F::Number>,
    seen: Vec<bool>,
    ty: DataType,
}

impl<F: Fold> Folding<F> {
    /// Of numbers of type `ty`.
    pub(super) fn new(ty: DataType) -> Self {
        Self {
            held: vec![],
            seen: vec![],
            ty,
        }
    }
}

impl<F: Fold> Accumulator for Folding<F> {
    fn resize(&mut self, groups: usize) {
        self.held.resize(groups, F::START);
        self.seen.resize(groups, false);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let (held, seen) = (&mut self.held, &mut self.seen);
        for_each::<F::Number>(arg(args, 0)?, group_of, |g, v| {
            held[g] = F::fold(held[g], v);
            seen[g] = true;
        })
    }

    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        let g = group as usize;
        let mut held = self.held[g];
        let n = for_all::<F::Number>(arg(args, 0)?, rows, |v| held = F::fold(held, v))?;
        self.held[g] = held;
        self.seen[g] |= n > 0;
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
        native_array(self.held.clone(), Some(nulls), &self.ty)
    }

    fn size(&self) -> usize {
        self.held.capacity() * (size_of::<F::Number>() + 1)
    }
}
