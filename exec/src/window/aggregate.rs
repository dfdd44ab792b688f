//! Aggregates over frames.
//!
//! Growing frames (all start at the partition's first row, ends never go back) are fed to one accumulator that is asked
//! after each step, in row order, so that sums of doubles come out as Spark's. Other frames are computed row by row
//! while they are short in sum, else from spans (see [`super::sliding`]).

use arrow::array::{Array, ArrayRef, UInt32Array};
use rsql_common::Result;
use rsql_expr::function::Accumulator;
use rsql_expr::{AggregateCall, AggregateFn, Vector};

use super::sliding::by_spans;

/// Frames may have this many rows in all per row of the partition to be computed row by row.
const ROWS_A_FRAME: usize = 32;
/// Rows fed to an accumulator at a time.
const BATCH: usize = 1 << 16;

/// An aggregate function over frames.
pub(super) struct FrameAggregate {
    function: &'static AggregateFn,
    call: AggregateCall,
}

impl FrameAggregate {
    pub(super) fn new(function: &'static AggregateFn, call: AggregateCall) -> Self {
        Self { function, call }
    }

    pub(super) fn accumulator(&self, groups: usize) -> Result<Box<dyn Accumulator>> {
        let mut a = (self.function.accumulator)(&self.call)?;
        a.resize(groups);
        Ok(a)
    }

    /// Over whole partitions, many at once.
    pub(super) fn whole(&self, args: &[Vector], starts: &[usize], filter: Option<&[u32]>) -> Result<ArrayRef> {
        let partitions = starts.len() - 1;
        let partition_of: Vec<u32> = starts
            .windows(2)
            .enumerate()
            .flat_map(|(p, w)| std::iter::repeat_n(p as u32, w[1] - w[0]))
            .collect();
        let mut accumulator = self.accumulator(partitions)?;
        match filter {
            None if partitions == 1 => accumulator.update_one(args, partition_of.len(), 0)?,
            None => accumulator.update(args, &partition_of)?,
            Some([]) => {}
            Some(passing) => {
                let args = args.iter().map(|a| a.take(passing)).collect::<Result<Vec<_>>>()?;
                let groups: Vec<u32> = passing.iter().map(|p| partition_of[*p as usize]).collect();
                accumulator.update(&args, &groups)?;
            }
        }
        let values = accumulator.finish()?;
        Ok(arrow::compute::take(&values, &UInt32Array::from(partition_of), None)?)
    }

    /// Over the frames of one partition.
    pub(super) fn over_frames(&self, args: &[ArrayRef], frames: &[(u32, u32)]) -> Result<ArrayRef> {
        if is_growing(frames) {
            return growing(self.accumulator(1)?.as_mut(), args, frames);
        }
        let total: usize = frames.iter().map(|(s, e)| e.saturating_sub(*s) as usize).sum();
        if total <= frames.len() * ROWS_A_FRAME || total <= BATCH {
            self.row_by_row(args, frames)
        } else {
            by_spans(self, args, frames)
        }
    }

    fn row_by_row(&self, args: &[ArrayRef], frames: &[(u32, u32)]) -> Result<ArrayRef> {
        let mut accumulator = self.accumulator(frames.len())?;
        let (mut rows, mut groups) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        let mut flush = |rows: &mut Vec<u32>, groups: &mut Vec<u32>| -> Result<()> {
            if groups.is_empty() {
                return Ok(());
            }
            let index = UInt32Array::from(std::mem::take(rows));
            let taken = args
                .iter()
                .map(|a| Ok(Vector::Flat(arrow::compute::take(a, &index, None)?)))
                .collect::<Result<Vec<_>>>()?;
            accumulator.update(&taken, groups)?;
            groups.clear();
            Ok(())
        };
        for (group, (start, end)) in frames.iter().enumerate() {
            for row in *start..*end {
                rows.push(row);
                groups.push(group as u32);
            }
            if rows.len() >= BATCH {
                flush(&mut rows, &mut groups)?;
            }
        }
        flush(&mut rows, &mut groups)?;
        accumulator.finish()
    }
}

/// Feeds an accumulator with the rows up to each frame's end. Rows it was fed before belong to every frame.
pub(super) fn growing(accumulator: &mut dyn Accumulator, args: &[ArrayRef], frames: &[(u32, u32)]) -> Result<ArrayRef> {
    let mut values: Vec<ArrayRef> = Vec::new();
    let mut value_of = Vec::with_capacity(frames.len());
    let mut seen = 0usize;
    for (_, end) in frames {
        let end = *end as usize;
        if end > seen {
            let rows = end - seen;
            let new: Vec<Vector> = args.iter().map(|a| Vector::Flat(a.slice(seen, rows))).collect();
            accumulator.update_one(&new, rows, 0)?;
            seen = end;
            values.push(accumulator.finish()?);
        } else if values.is_empty() {
            values.push(accumulator.finish()?);
        }
        value_of.push(values.len() as u32 - 1);
    }
    let refs: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    let values = arrow::compute::concat(&refs)?;
    if values.len() == frames.len() {
        return Ok(values);
    }
    Ok(arrow::compute::take(&values, &UInt32Array::from(value_of), None)?)
}

fn is_growing(frames: &[(u32, u32)]) -> bool {
    frames.iter().all(|(start, _)| *start == 0) && frames.windows(2).all(|w| w[0].1 <= w[1].1)
}
