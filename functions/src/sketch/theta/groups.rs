//! The aggregates over theta sketches.

use arrow::array::{Array, AsArray};
use datasketches::theta::ThetaIntersection;
use rsql_common::{Error, Result};
use rsql_expr::{Origin, Vector};

use super::sketch::{add, fresh_union, from_table, internal, read, read_for, refused, write};
use crate::sketch::accumulator::{Family, Groups};
use crate::sketch::keys::for_each_key;
use crate::sketch::murmur::hash128;
use crate::sketch::tuple::compact::{Compact, Union};
use crate::sketch::tuple::summary::{KeyOnly, Mode};
use crate::sketch::tuple::table::Table;

/// `theta_sketch_agg`
pub(super) struct Build {
    pub(super) lg: u8,
}

/// Values of a group: those seen here, and the union of what was merged.
pub(super) struct Built {
    seen: Table<KeyOnly>,
    merged: Option<Union<KeyOnly>>,
}

impl Family for Build {
    type Sketch = Built;

    fn fresh(&self) -> Result<Built> {
        Ok(Built {
            seen: Table::new(self.lg),
            merged: None,
        })
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(values) = args.first() else { return Ok(()) };
        for_each_key(values, |row, bytes| {
            let hash = hash128(bytes).0 >> 1;
            groups.get(group_of[row])?.seen.update(hash, KeyOnly, Mode::Sum);
            Ok(())
        })
    }

    fn merge(&self, sketch: &mut Built, state: &[u8]) -> Result<()> {
        let union = sketch.merged.get_or_insert_with(|| fresh_union(self.lg));
        add(union, &read(state)?);
        Ok(())
    }

    fn state(&self, sketch: &mut Built) -> Result<Vec<u8>> {
        let kept = match &sketch.merged {
            None => {
                sketch.seen.trim();
                sketch.seen.compact()
            }
            Some(merged) if sketch.seen.is_empty() => merged.result(),
            Some(merged) => {
                let mut all = fresh_union(self.lg);
                all.add(&sketch.seen.compact());
                all.add(&merged.result());
                all.result()
            }
        };
        Ok(write(&from_table(&kept)?))
    }

    fn size(&self, sketch: &Built) -> usize {
        sketch.seen.size() + sketch.merged.as_ref().map_or(0, Union::size)
    }
}

/// `theta_union_agg`
pub(super) struct Unite {
    pub(super) lg: u8,
    pub(super) origin: Origin,
}

impl Family for Unite {
    type Sketch = Union<KeyOnly>;

    fn fresh(&self) -> Result<Self::Sketch> {
        Ok(fresh_union(self.lg))
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        for_each_sketch(args, group_of, |group, bytes| {
            let sketch = read_for(bytes, "theta_union_agg", self.origin)?;
            add(groups.get(group)?, &sketch);
            Ok(())
        })
    }

    fn merge(&self, union: &mut Self::Sketch, state: &[u8]) -> Result<()> {
        add(union, &read(state)?);
        Ok(())
    }

    fn state(&self, union: &mut Self::Sketch) -> Result<Vec<u8>> {
        Ok(write(&from_table(&union.result())?))
    }

    fn size(&self, union: &Self::Sketch) -> usize {
        union.size()
    }
}

/// `theta_intersection_agg`
pub(super) struct Intersect {
    pub(super) origin: Origin,
}

impl Family for Intersect {
    /// Everything, until the first sketch.
    type Sketch = ThetaIntersection;

    fn fresh(&self) -> Result<ThetaIntersection> {
        Ok(ThetaIntersection::default())
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        for_each_sketch(args, group_of, |group, bytes| {
            let sketch = read_for(bytes, "theta_intersection_agg", self.origin)?;
            let both = groups.get(group)?;
            both.update(&sketch)
                .map_err(|_| refused("theta_intersection_agg", bytes, self.origin))
        })
    }

    fn merge(&self, both: &mut ThetaIntersection, state: &[u8]) -> Result<()> {
        both.update(&read(state)?).map_err(internal)
    }

    fn state(&self, both: &mut ThetaIntersection) -> Result<Vec<u8>> {
        match both.to_sketch(true) {
            Some(sketch) => Ok(write(&sketch)),
            // As Spark: no sketches intersect in nothing.
            None => Ok(write(&from_table(&Compact::nothing())?)),
        }
    }

    fn size(&self, both: &ThetaIntersection) -> usize {
        both.estimated_size()
    }
}

/// Calls `f(group, bytes)` for every row whose sketch is not NULL.
pub(in crate::sketch) fn for_each_sketch(
    args: &[Vector],
    group_of: &[u32],
    mut f: impl FnMut(u32, &[u8]) -> Result<()>,
) -> Result<()> {
    let Some(sketches) = args.first() else { return Ok(()) };
    let array = sketches.to_array()?;
    let sketches = array
        .as_binary_view_opt()
        .ok_or_else(|| Error::internal("a sketch is a BINARY"))?;
    for (row, group) in group_of.iter().enumerate() {
        if sketches.is_valid(row) {
            f(*group, sketches.value(row))?;
        }
    }
    Ok(())
}
