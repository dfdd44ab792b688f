//! Aggregates over long sliding frames, from partial states of spans.
//!
//! Level `k` holds for each row the state of the `2^k` rows from it on; it is the merge of level `k - 1` with itself,
//! shifted. A frame is the union of one span for each bit of its length, shortest first, left to right. All merges of a
//! level happen in one call, so the cost is a few vectorised merges a level, whatever the function.

use arrow::array::{ArrayRef, UInt32Array};
use rsql_common::Result;
use rsql_expr::Vector;

use super::aggregate::FrameAggregate;

/// The value of each frame.
pub(super) fn by_spans(aggregate: &FrameAggregate, args: &[ArrayRef], frames: &[(u32, u32)]) -> Result<ArrayRef> {
    let rows = frames.iter().map(|f| f.1 as usize).max().unwrap_or(0);
    let longest = frames.iter().map(|(s, e)| e.saturating_sub(*s)).max().unwrap_or(0);
    let mut result = aggregate.accumulator(frames.len())?;
    let mut level = aggregate.accumulator(rows)?;
    let args: Vec<Vector> = args.iter().map(|a| Vector::Flat(a.slice(0, rows))).collect();
    level.update(&args, &(0..rows as u32).collect::<Vec<u32>>())?;
    let mut at: Vec<u32> = frames.iter().map(|f| f.0).collect();
    let mut span = 1u32;
    loop {
        let states = level.state()?;
        let (mut from, mut groups) = (Vec::new(), Vec::new());
        for (group, (start, end)) in frames.iter().enumerate() {
            if end.saturating_sub(*start) & span != 0 {
                from.push(at[group]);
                groups.push(group as u32);
                at[group] += span;
            }
        }
        if !groups.is_empty() {
            result.merge(&pick(&states, from)?, &groups)?;
        }
        if longest / 2 < span {
            return result.finish();
        }
        // Rows whose span of twice the length lies within the partition.
        let count = (rows as u32).saturating_sub(2 * span - 1);
        let all: Vec<u32> = (0..count).collect();
        let mut next = aggregate.accumulator(count as usize)?;
        next.merge(&pick(&states, all.clone())?, &all)?;
        next.merge(&pick(&states, (span..span + count).collect())?, &all)?;
        level = next;
        span *= 2;
    }
}

fn pick(states: &[ArrayRef], rows: Vec<u32>) -> Result<Vec<ArrayRef>> {
    let index = UInt32Array::from(rows);
    states
        .iter()
        .map(|s| Ok(arrow::compute::take(s, &index, None)?))
        .collect()
}
