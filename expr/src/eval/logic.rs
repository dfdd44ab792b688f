//! AND and OR as values: three-valued, later members only for rows still undecided.

use arrow::array::{Array, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use rsql_common::Result;

use super::frame::Frame;
use super::node::Node;

/// Conjunction (`all`) or disjunction of `parts`.
pub(super) fn connect(parts: &[Node], all: bool, f: &Frame<'_>) -> Result<BooleanArray> {
    if parts.iter().skip(1).any(|p| p.fallible || !p.deterministic) {
        return connect_undecided(parts, all, f);
    }
    let rows = f.rows();
    let mut out: Option<BooleanArray> = None;
    for part in parts {
        let next = part.eval_boolean(f)?;
        let both = match out {
            None => next,
            Some(out) if all => arrow::compute::and_kleene(&out, &next)?,
            Some(out) => arrow::compute::or_kleene(&out, &next)?,
        };
        let decided = if all {
            both.true_count() + both.null_count() == 0
        } else {
            both.true_count() == rows
        };
        out = Some(both);
        if decided {
            break;
        }
    }
    Ok(out.unwrap_or_else(|| constant(all, rows)))
}

fn constant(value: bool, rows: usize) -> BooleanArray {
    let bits = if value {
        BooleanBuffer::new_set(rows)
    } else {
        BooleanBuffer::new_unset(rows)
    };
    BooleanArray::new(bits, None)
}

/// A row is decided by FALSE in a conjunction, by TRUE in a disjunction; NULL leaves it open.
fn connect_undecided(parts: &[Node], all: bool, f: &Frame<'_>) -> Result<BooleanArray> {
    let rows = f.rows();
    let mut decided = vec![false; rows];
    let mut unknown = vec![false; rows];
    let mut open: Vec<u32> = (0..rows as u32).collect();
    for part in parts {
        if open.is_empty() {
            break;
        }
        let values = if open.len() == rows {
            part.eval_boolean(f)?
        } else {
            part.eval_boolean(&f.narrow(open.clone()))?
        };
        let mut at = 0;
        open.retain(|row| {
            let i = at;
            at += 1;
            if values.is_null(i) {
                unknown[*row as usize] = true;
            } else if values.value(i) != all {
                decided[*row as usize] = true;
                return false;
            }
            true
        });
    }
    let bits = BooleanBuffer::collect_bool(rows, |i| decided[i] != all);
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, |i| decided[i] || !unknown[i]));
    Ok(BooleanArray::new(bits, (nulls.null_count() > 0).then_some(nulls)))
}
