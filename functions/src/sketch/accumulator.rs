//! One sketch a group, with its serialized form as the only state column.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewBuilder, cast::AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{Accumulator, StateField};
use rsql_expr::{SqlType, Vector};

/// What an aggregate over sketches does with them.
pub(super) trait Family: Send + 'static {
    /// A group's sketch.
    type Sketch: Send;

    /// The sketch of a group without rows.
    fn fresh(&self) -> Result<Self::Sketch>;

    /// Adds rows; a group's sketch is got from `groups`.
    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()>;

    /// Adds a sketch that [`Family::state`] wrote.
    fn merge(&self, sketch: &mut Self::Sketch, state: &[u8]) -> Result<()>;

    /// A sketch as the state column holds it; it may tidy itself for that.
    fn state(&self, sketch: &mut Self::Sketch) -> Result<Vec<u8>>;

    /// The results of all groups: by default each sketch as it is stored.
    fn finish(&self, sketches: &mut [Self::Sketch]) -> Result<ArrayRef> {
        binaries(sketches.iter_mut().map(|s| self.state(s)))
    }

    /// Bytes a sketch holds.
    fn size(&self, sketch: &Self::Sketch) -> usize;
}

/// The sketches of all groups, made when their first row comes.
pub(super) struct Groups<'a, F: Family + ?Sized> {
    family: &'a F,
    sketches: &'a mut [Option<F::Sketch>],
}

impl<F: Family + ?Sized> Groups<'_, F> {
    /// A group's sketch.
    pub(super) fn get(&mut self, group: u32) -> Result<&mut F::Sketch> {
        let slot = self
            .sketches
            .get_mut(group as usize)
            .ok_or_else(|| Error::internal("a group without a place for its sketch"))?;
        match slot {
            Some(sketch) => Ok(sketch),
            None => Ok(slot.insert(self.family.fresh()?)),
        }
    }
}

/// The state column.
pub(super) fn state_field() -> Vec<StateField> {
    vec![StateField {
        name: "sketch",
        ty: SqlType::Binary,
    }]
}

/// [`Accumulator`] of a [`Family`].
pub(super) struct Sketches<F: Family> {
    family: F,
    sketches: Vec<Option<F::Sketch>>,
}

impl<F: Family> Sketches<F> {
    /// An accumulator over no groups yet.
    pub(super) fn boxed(family: F) -> Box<dyn Accumulator> {
        Box::new(Self {
            family,
            sketches: Vec::new(),
        })
    }
}

impl<F: Family> Accumulator for Sketches<F> {
    fn resize(&mut self, groups: usize) {
        self.sketches.resize_with(groups, || None);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let mut groups = Groups {
            family: &self.family,
            sketches: &mut self.sketches,
        };
        self.family.update(&mut groups, args, group_of)
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        let states = states
            .first()
            .and_then(|s| s.as_binary_view_opt())
            .ok_or_else(|| Error::internal("the state of a sketch is a BINARY"))?;
        let mut groups = Groups {
            family: &self.family,
            sketches: &mut self.sketches,
        };
        for (row, group) in group_of.iter().enumerate() {
            if states.is_valid(row) {
                self.family.merge(groups.get(*group)?, states.value(row))?;
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        // A group without rows has no sketch to hand on.
        let mut builder = BinaryViewBuilder::with_capacity(self.sketches.len());
        for sketch in &mut self.sketches {
            match sketch {
                Some(s) => builder.append_value(self.family.state(s)?),
                None => builder.append_null(),
            }
        }
        Ok(vec![Arc::new(builder.finish())])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let mut sketches = Vec::with_capacity(self.sketches.len());
        for sketch in std::mem::take(&mut self.sketches) {
            sketches.push(match sketch {
                Some(s) => s,
                None => self.family.fresh()?,
            });
        }
        let result = self.family.finish(&mut sketches);
        self.sketches = sketches.into_iter().map(Some).collect();
        result
    }

    fn size(&self) -> usize {
        let held: usize = self.sketches.iter().flatten().map(|s| self.family.size(s)).sum();
        held + self.sketches.capacity() * size_of::<Option<F::Sketch>>()
    }
}

/// A BINARY column.
pub(super) fn binaries(rows: impl Iterator<Item = Result<Vec<u8>>>) -> Result<ArrayRef> {
    let mut builder = BinaryViewBuilder::new();
    for row in rows {
        builder.append_value(row?);
    }
    Ok(Arc::new(builder.finish()))
}
