//! Sums of decimals, unscaled, in 128 bits.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, cast::AsArray};
use arrow::buffer::NullBuffer;
use rsql_common::Result;
use rsql_expr::types::Repr;
use rsql_expr::{SqlType, Vector};

use super::few_groups::{FewSums, are_few};
use super::input::{for_all, for_each};
use crate::kernel::native_array;

/// Unscaled sums of decimals by group, for `sum` and `avg`.
pub(super) struct DecimalSums {
    pub(super) sums: Vec<i128>,
    pub(super) seen: Vec<bool>,
    /// Groups whose sum left 128 bits; grows only when one did.
    pub(super) overflowed: Vec<bool>,
    wide: bool,
    /// Values are so small that no number of rows in memory overflows 128 bits.
    safe: bool,
    /// Values are so small that no few rows overflow 64 bits.
    narrow: bool,
}

impl DecimalSums {
    pub(super) fn new(repr: Repr, input: &SqlType) -> Self {
        Self {
            sums: vec![],
            seen: vec![],
            overflowed: vec![],
            wide: repr == Repr::I128,
            safe: matches!(input, SqlType::Decimal(p, _) if *p <= 26),
            narrow: matches!(input, SqlType::Decimal(p, _) if *p <= 15),
        }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.seen.resize(groups, false);
    }

    pub(super) fn update(&mut self, values: &Vector, group_of: &[u32]) -> Result<()> {
        if are_few(self.sums.len(), group_of.len()) {
            if self.wide && (self.safe || are_small(values, group_of.len())?) {
                let mut few = FewSums::<i128>::new();
                for_each::<i128>(values, group_of, |g, v| few.add(g, v))?;
                self.add(few.sums());
                return Ok(());
            }
            if self.narrow && !self.wide {
                let mut few = FewSums::<i64>::new();
                for_each::<i64>(values, group_of, |g, v| few.add(g, v))?;
                self.add(few.sums().map(|(g, sum)| (g, i128::from(sum))));
                return Ok(());
            }
        }
        let (sums, seen) = (&mut self.sums, &mut self.seen);
        if !self.wide {
            return for_each::<i64>(values, group_of, |g, v| {
                sums[g] = sums[g].wrapping_add(i128::from(v));
                seen[g] = true;
            });
        }
        if self.safe {
            return for_each::<i128>(values, group_of, |g, v| {
                sums[g] = sums[g].wrapping_add(v);
                seen[g] = true;
            });
        }
        self.update_checked(values, group_of)
    }

    /// Adds sums of rows to groups that had some.
    fn add(&mut self, sums: impl Iterator<Item = (usize, i128)>) {
        let mut overflowed = Vec::new();
        for (g, more) in sums {
            let (sum, over) = self.sums[g].overflowing_add(more);
            self.sums[g] = sum;
            self.seen[g] = true;
            if over {
                overflowed.push(g);
            }
        }
        self.mark(&overflowed);
    }

    fn update_checked(&mut self, values: &Vector, group_of: &[u32]) -> Result<()> {
        let (sums, seen) = (&mut self.sums, &mut self.seen);
        let mut overflowed = Vec::new();
        for_each::<i128>(values, group_of, |g, v| {
            let (sum, over) = sums[g].overflowing_add(v);
            sums[g] = sum;
            seen[g] = true;
            if over {
                overflowed.push(g);
            }
        })?;
        self.mark(&overflowed);
        Ok(())
    }

    pub(super) fn update_one(&mut self, values: &Vector, rows: usize, group: u32) -> Result<usize> {
        let g = group as usize;
        let mut sum = self.sums[g];
        let mut over = false;
        let n = if self.wide {
            for_all::<i128>(values, rows, |v| {
                let (s, o) = sum.overflowing_add(v);
                sum = s;
                over |= o;
            })?
        } else {
            for_all::<i64>(values, rows, |v| sum = sum.wrapping_add(i128::from(v)))?
        };
        self.sums[g] = sum;
        self.seen[g] |= n > 0;
        if over {
            self.mark(&[g]);
        }
        Ok(n)
    }

    fn mark(&mut self, groups: &[usize]) {
        if !groups.is_empty() {
            self.overflowed.resize(self.sums.len(), false);
            groups.iter().for_each(|g| self.overflowed[*g] = true);
        }
    }

    pub(super) fn has_overflowed(&self, g: usize) -> bool {
        self.overflowed.get(g).copied().unwrap_or(false)
    }

    pub(super) fn merge(&mut self, sums: &ArrayRef, overflowed: &ArrayRef, group_of: &[u32]) -> Result<()> {
        self.update_checked(&Vector::Flat(Arc::clone(sums)), group_of)?;
        let flags = overflowed.as_boolean();
        let groups: Vec<usize> = flags.values().set_indices().map(|i| group_of[i] as usize).collect();
        self.mark(&groups);
        Ok(())
    }

    /// The sums as DECIMAL(38, scale), and which ones overflowed.
    pub(super) fn state(&self, scale: i8) -> Result<Vec<ArrayRef>> {
        let nulls = self.seen.iter().copied().collect();
        let flags: BooleanArray = (0..self.sums.len()).map(|g| Some(self.has_overflowed(g))).collect();
        Ok(vec![
            native_array(self.sums.clone(), Some(nulls), &SqlType::Decimal(38, scale).arrow())?,
            Arc::new(flags),
        ])
    }

    pub(super) fn size(&self) -> usize {
        self.sums.capacity() * 17 + self.overflowed.capacity()
    }
}

/// Whether values are so small that no few of them overflow 128 bits together.
fn are_small(values: &Vector, rows: usize) -> Result<bool> {
    let mut bits = 0i128;
    for_all::<i128>(values, rows, |v| bits |= v ^ (v >> 127))?;
    Ok(bits >> 100 == 0)
}

/// Unscaled values, known to fit, as an array of the decimal type `ty`.
pub(crate) fn decimal_array(values: Vec<Option<i128>>, ty: &SqlType) -> Result<ArrayRef> {
    let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
    match ty.repr() {
        Repr::I64 => native_array(
            values.iter().map(|v| v.unwrap_or(0) as i64).collect(),
            Some(nulls),
            &ty.arrow(),
        ),
        _ => native_array(
            values.iter().map(|v| v.unwrap_or(0)).collect(),
            Some(nulls),
            &ty.arrow(),
        ),
    }
}
