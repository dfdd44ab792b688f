//! The aggregates over KLL sketches.

use std::marker::PhantomData;

use datasketches::kll::KllSketch;
use rsql_common::{Error, Result};
use rsql_expr::{Origin, Vector};

use super::bytes::{merge, refused};
use super::item::Item;
use crate::sketch::accumulator::{Family, Groups};
use crate::sketch::theta::for_each_sketch;

/// Size if none is given.
pub(super) const DEFAULT_K: u16 = 200;

fn fresh<I: Item>(k: u16) -> Result<KllSketch<I>> {
    KllSketch::new(k).map_err(|e| Error::internal(format!("a KLL sketch: {e}")))
}

fn size<I: Item>(sketch: &KllSketch<I>) -> usize {
    sketch.num_retained() * I::WIDTH + 256
}

/// `kll_sketch_agg_*`
pub(super) struct Build<I> {
    pub(super) k: u16,
    pub(super) items: PhantomData<fn() -> I>,
}

impl<I: Item> Family for Build<I> {
    type Sketch = KllSketch<I>;

    fn fresh(&self) -> Result<KllSketch<I>> {
        fresh(self.k)
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(values) = args.first() else { return Ok(()) };
        I::for_each(&values.to_array()?, |row, value| {
            groups.get(group_of[row])?.update(value);
            Ok(())
        })
    }

    fn merge(&self, sketch: &mut KllSketch<I>, state: &[u8]) -> Result<()> {
        merge(sketch, state)
    }

    fn state(&self, sketch: &mut KllSketch<I>) -> Result<Vec<u8>> {
        Ok(sketch.serialize())
    }

    fn size(&self, sketch: &KllSketch<I>) -> usize {
        size(sketch)
    }
}

/// `kll_merge_agg_*`
pub(super) struct Merge<I> {
    /// Absent: the size of the first sketch.
    pub(super) k: Option<u16>,
    pub(super) function: &'static str,
    pub(super) origin: Origin,
    pub(super) items: PhantomData<fn() -> I>,
}

impl<I: Item> Merge<I> {
    fn add(&self, all: &mut Option<KllSketch<I>>, bytes: &[u8]) -> Result<()> {
        let all = match all {
            Some(a) => a,
            None => {
                let k = match self.k {
                    Some(k) => k,
                    None => super::bytes::read::<I>(bytes)?.k(),
                };
                all.insert(fresh(k)?)
            }
        };
        merge(all, bytes)
    }
}

impl<I: Item> Family for Merge<I> {
    type Sketch = Option<KllSketch<I>>;

    fn fresh(&self) -> Result<Self::Sketch> {
        Ok(None)
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        for_each_sketch(args, group_of, |group, bytes| {
            self.add(groups.get(group)?, bytes)
                .map_err(|_| refused(self.function).at(self.origin.0))
        })
    }

    fn merge(&self, all: &mut Self::Sketch, state: &[u8]) -> Result<()> {
        self.add(all, state)
    }

    fn state(&self, all: &mut Self::Sketch) -> Result<Vec<u8>> {
        match all {
            Some(sketch) => Ok(sketch.serialize()),
            None => Ok(fresh::<I>(self.k.unwrap_or(DEFAULT_K))?.serialize()),
        }
    }

    fn size(&self, all: &Self::Sketch) -> usize {
        all.as_ref().map_or(0, size)
    }
}
