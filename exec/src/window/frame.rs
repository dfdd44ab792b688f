//! Peers and frames of one partition's rows.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, make_comparator};
use arrow::compute::SortOptions;

use rsql_common::{Error, Result};
use rsql_expr::tree::{FrameBound, FrameUnits};
use rsql_expr::{SortKey, WindowFrame};

/// First and one past the last row of each row's peer group.
pub(super) fn peers(changes: &[bool]) -> (Vec<u32>, Vec<u32>) {
    let rows = changes.len();
    let (mut start, mut end) = (vec![0u32; rows], vec![rows as u32; rows]);
    for row in 1..rows {
        start[row] = if changes[row] { row as u32 } else { start[row - 1] };
    }
    for row in (1..rows).rev() {
        end[row - 1] = if changes[row] { row as u32 } else { end[row] };
    }
    (start, end)
}

/// What bounds of a frame need to know about a partition.
pub(super) struct FrameInput<'a> {
    pub(super) rows: usize,
    pub(super) peer_start: &'a [u32],
    pub(super) peer_end: &'a [u32],
    /// The sort key, and the boundary values of the two bounds where they have some.
    pub(super) key: Option<(&'a ArrayRef, &'a SortKey)>,
    pub(super) start_values: Option<&'a ArrayRef>,
    pub(super) end_values: Option<&'a ArrayRef>,
}

/// The frame of each row.
pub(super) fn frames(frame: &WindowFrame, input: &FrameInput<'_>) -> Result<Vec<(u32, u32)>> {
    let starts = bound(frame.units, &frame.start, input, true)?;
    let ends = bound(frame.units, &frame.end, input, false)?;
    Ok(starts.into_iter().zip(ends).collect())
}

fn bound(units: FrameUnits, bound: &FrameBound, input: &FrameInput<'_>, start: bool) -> Result<Vec<u32>> {
    let rows = input.rows;
    Ok(match (bound, units) {
        (FrameBound::Unbounded, _) => vec![if start { 0 } else { rows as u32 }; rows],
        (FrameBound::CurrentRow, FrameUnits::Rows) => by_offset(rows, 0, start),
        (FrameBound::Rows(offset), _) => by_offset(rows, *offset, start),
        (FrameBound::CurrentRow, FrameUnits::Range) if start => input.peer_start.to_vec(),
        (FrameBound::CurrentRow, FrameUnits::Range) => input.peer_end.to_vec(),
        (FrameBound::Value(_), _) => {
            let values = if start { input.start_values } else { input.end_values };
            let (Some(values), Some((key, order))) = (values, input.key) else {
                return Err(Error::internal("RANGE frame without its sort key"));
            };
            by_value(input, values, key, order, start)?
        }
    })
}

fn by_offset(rows: usize, offset: i64, start: bool) -> Vec<u32> {
    (0..rows as i64)
        .map(|row| {
            let at = row.saturating_add(offset).saturating_add(i64::from(!start));
            at.clamp(0, rows as i64) as u32
        })
        .collect()
}

/// Bounds by comparing the sort key with a boundary value; rows whose key is NULL see their peers.
fn by_value(
    input: &FrameInput<'_>,
    values: &ArrayRef,
    key: &ArrayRef,
    order: &SortKey,
    start: bool,
) -> Result<Vec<u32>> {
    let options = SortOptions {
        descending: false,
        nulls_first: true,
    };
    let compare = make_comparator(key.as_ref(), values.as_ref(), options)?;
    // NULL keys stand together at one end; the others are what is searched.
    let first = (0..input.rows).find(|r| key.is_valid(*r)).unwrap_or(input.rows);
    let end = (first..input.rows).find(|r| key.is_null(*r)).unwrap_or(input.rows);
    let mut out = Vec::with_capacity(input.rows);
    for row in 0..input.rows {
        if key.is_null(row) || values.is_null(row) {
            out.push(if start {
                input.peer_start[row]
            } else {
                input.peer_end[row]
            });
            continue;
        }
        // Rows before the boundary: strictly before it for a start, up to and with it for an end.
        let before = |at: usize| {
            let mut ordering = compare(at, row);
            if order.descending {
                ordering = ordering.reverse();
            }
            ordering == Ordering::Less || (!start && ordering == Ordering::Equal)
        };
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low.midpoint(high);
            if before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        out.push(low as u32);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_expr::{Expr, Literal, SqlType};
    use std::sync::Arc;

    #[test]
    fn peers_are_runs() {
        let (start, end) = peers(&[true, false, true, true, false]);
        assert_eq!(start, [0, 0, 2, 3, 3]);
        assert_eq!(end, [2, 2, 3, 5, 5]);
    }

    #[test]
    fn range_bounds_follow_direction_and_nulls() {
        let value = || FrameBound::Value(Box::new(Expr::lit(Literal::int(0))));
        let order = |descending| SortKey {
            expr: Expr::lit(Literal::null(SqlType::Int)),
            descending,
            nulls_first: true,
        };
        // 1 PRECEDING AND 1 FOLLOWING, keys ascending and descending.
        for (keys, start, end, descending, want) in [
            (
                vec![None, Some(1), Some(2), Some(4)],
                -1,
                1,
                false,
                vec![(0, 1), (1, 3), (1, 3), (3, 4)],
            ),
            (
                vec![None, Some(4), Some(2), Some(1)],
                1,
                -1,
                true,
                vec![(0, 1), (1, 2), (2, 4), (2, 4)],
            ),
        ] {
            let array = |by: i32| {
                Arc::new(arrow::array::Int32Array::from_iter(
                    keys.iter().map(|k: &Option<i32>| k.map(|k| k + by)),
                )) as ArrayRef
            };
            let (key, starts, ends) = (array(0), array(start), array(end));
            let (peer_start, peer_end) = peers(&[true, true, true, true]);
            let order = order(descending);
            let input = FrameInput {
                rows: 4,
                peer_start: &peer_start,
                peer_end: &peer_end,
                key: Some((&key, &order)),
                start_values: Some(&starts),
                end_values: Some(&ends),
            };
            let frame = WindowFrame {
                units: FrameUnits::Range,
                start: value(),
                end: value(),
            };
            assert_eq!(frames(&frame, &input).unwrap(), want);
        }
    }
}
