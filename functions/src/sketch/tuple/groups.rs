//! The aggregates over tuple sketches.

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray};
use rsql_common::{Error, Result};
use rsql_expr::{Origin, Vector};

use super::compact::{Compact, Intersection, Union};
use super::summary::{Mode, Number};
use super::table::Table;
use crate::sketch::accumulator::{Family, Groups};
use crate::sketch::keys::for_each_key;
use crate::sketch::murmur::hash128;
use crate::sketch::theta::for_each_sketch;

/// A sketch from a state column.
fn read_state<N: Number>(state: &[u8]) -> Result<Compact<N>> {
    Compact::read(state).ok_or_else(|| Error::internal("a broken state of a tuple sketch"))
}

/// `tuple_sketch_agg_*`; `P` is Arrow's type of the summaries.
pub(super) struct Build<P> {
    pub(super) lg: u8,
    pub(super) mode: Mode,
    pub(super) numbers: std::marker::PhantomData<fn() -> P>,
}

/// Keys of a group: those seen here, and the union of what was merged.
pub(super) struct Built<N> {
    seen: Table<N>,
    merged: Option<Union<N>>,
}

impl<P: ArrowPrimitiveType> Family for Build<P>
where
    P::Native: Number,
{
    type Sketch = Built<P::Native>;

    fn fresh(&self) -> Result<Self::Sketch> {
        Ok(Built {
            seen: Table::new(self.lg),
            merged: None,
        })
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let [keys, numbers, ..] = args else { return Ok(()) };
        let numbers = numbers.to_array()?;
        let numbers: &PrimitiveArray<P> = numbers
            .as_primitive_opt()
            .ok_or_else(|| Error::internal(format!("{} as a summary", numbers.data_type())))?;
        for_each_key(keys, |row, bytes| {
            if numbers.is_valid(row) {
                let sketch = groups.get(group_of[row])?;
                sketch.seen.update(hash128(bytes).0 >> 1, numbers.value(row), self.mode);
            }
            Ok(())
        })
    }

    fn merge(&self, sketch: &mut Self::Sketch, state: &[u8]) -> Result<()> {
        let other = read_state(state)?;
        sketch
            .merged
            .get_or_insert_with(|| Union::new(self.lg, self.mode))
            .add(&other);
        Ok(())
    }

    fn state(&self, sketch: &mut Self::Sketch) -> Result<Vec<u8>> {
        Ok(match &sketch.merged {
            None => sketch.seen.compact().write(),
            Some(merged) if sketch.seen.is_empty() => merged.result().write(),
            Some(merged) => {
                let mut all = Union::new(self.lg, self.mode);
                all.add(&sketch.seen.compact());
                all.add(&merged.result());
                all.result().write()
            }
        })
    }

    fn size(&self, sketch: &Self::Sketch) -> usize {
        sketch.seen.size() + sketch.merged.as_ref().map_or(0, Union::size)
    }
}

/// `tuple_union_agg_*`
pub(super) struct Unite<N> {
    pub(super) lg: u8,
    pub(super) mode: Mode,
    pub(super) function: &'static str,
    pub(super) origin: Origin,
    pub(super) numbers: std::marker::PhantomData<fn() -> N>,
}

impl<N: Number> Family for Unite<N> {
    type Sketch = Union<N>;

    fn fresh(&self) -> Result<Union<N>> {
        Ok(Union::new(self.lg, self.mode))
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        for_each_sketch(args, group_of, |group, bytes| {
            let sketch = Compact::read_for(bytes, self.function, self.origin)?;
            groups.get(group)?.add(&sketch);
            Ok(())
        })
    }

    fn merge(&self, union: &mut Union<N>, state: &[u8]) -> Result<()> {
        union.add(&read_state(state)?);
        Ok(())
    }

    fn state(&self, union: &mut Union<N>) -> Result<Vec<u8>> {
        Ok(union.result().write())
    }

    fn size(&self, union: &Union<N>) -> usize {
        union.size()
    }
}

/// `tuple_intersection_agg_*`
pub(super) struct Intersect<N> {
    pub(super) mode: Mode,
    pub(super) function: &'static str,
    pub(super) origin: Origin,
    pub(super) numbers: std::marker::PhantomData<fn() -> N>,
}

impl<N: Number> Family for Intersect<N> {
    type Sketch = Intersection<N>;

    fn fresh(&self) -> Result<Intersection<N>> {
        Ok(Intersection::new(self.mode))
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        for_each_sketch(args, group_of, |group, bytes| {
            let sketch = Compact::read_for(bytes, self.function, self.origin)?;
            groups.get(group)?.add(&sketch);
            Ok(())
        })
    }

    fn merge(&self, both: &mut Intersection<N>, state: &[u8]) -> Result<()> {
        both.add(&read_state(state)?);
        Ok(())
    }

    fn state(&self, both: &mut Intersection<N>) -> Result<Vec<u8>> {
        Ok(both.result().write())
    }

    fn size(&self, both: &Intersection<N>) -> usize {
        both.size()
    }
}
