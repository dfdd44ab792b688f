//! CASE and COALESCE: each value is computed only for the rows that take it.

use arrow::array::new_null_array;
use rsql_common::Result;

use super::frame::Frame;
use super::node::Node;
use super::scatter::{Piece, scatter};
use crate::{SqlType, Vector};

pub(super) fn case(branches: &[(Node, Node)], otherwise: Option<&Node>, ty: &SqlType, f: &Frame<'_>) -> Result<Vector> {
    let rows = f.rows();
    let mut pieces: Vec<Piece> = Vec::new();
    // Rows not taken yet; `None` while that is all of them.
    let mut open: Option<Vec<u32>> = None;
    for (condition, value) in branches {
        let taken = match &open {
            None => condition.filter(f)?,
            Some(open) => condition.filter(&f.narrow(open.clone()))?,
        };
        match (taken, open) {
            (None, None) => return value.eval(f),
            (None, Some(rest)) => {
                let values = value.eval(&f.narrow(rest.clone()))?;
                pieces.push(Piece { rows: rest, values });
                open = Some(Vec::new());
                break;
            }
            (Some(taken), rest) => {
                let (hits, misses) = split(&taken, rest.as_deref(), rows);
                if !hits.is_empty() {
                    let values = value.eval(&f.narrow(hits.clone()))?;
                    pieces.push(Piece { rows: hits, values });
                }
                open = Some(misses);
            }
        }
        if open.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
    }
    let whole = pieces.is_empty();
    match (otherwise, open) {
        (Some(e), _) if whole => return e.eval(f),
        (None, _) if whole => return Ok(Vector::constant(new_null_array(&ty.arrow(), 1), rows)),
        (Some(e), Some(rest)) if !rest.is_empty() => {
            let values = e.eval(&f.narrow(rest.clone()))?;
            pieces.push(Piece { rows: rest, values });
        }
        _ => {}
    }
    Ok(Vector::Flat(scatter(&pieces, rows, ty)?))
}

/// Rows of `open` (all `rows` if `None`) at the ascending positions `taken`, and the others.
fn split(taken: &[u32], open: Option<&[u32]>, rows: usize) -> (Vec<u32>, Vec<u32>) {
    let len = open.map_or(rows, <[u32]>::len);
    let mut misses = Vec::with_capacity(len - taken.len());
    let mut next = taken.iter().copied().peekable();
    for at in 0..len as u32 {
        if next.peek() == Some(&at) {
            next.next();
        } else {
            misses.push(at);
        }
    }
    match open {
        None => (taken.to_vec(), misses),
        Some(open) => {
            let at = |p: &u32| open[*p as usize];
            (taken.iter().map(at).collect(), misses.iter().map(at).collect())
        }
    }
}

pub(super) fn coalesce(args: &[Node], ty: &SqlType, f: &Frame<'_>) -> Result<Vector> {
    let rows = f.rows();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open: Option<Vec<u32>> = None;
    for arg in args {
        let here: Vec<u32> = open.clone().unwrap_or_else(|| (0..rows as u32).collect());
        let values = match &open {
            None => arg.eval(f)?,
            Some(open) => arg.eval(&f.narrow(open.clone()))?,
        };
        let nulls = values.nulls().filter(|n| n.null_count() > 0);
        let Some(nulls) = nulls else {
            if open.is_none() {
                return Ok(values);
            }
            pieces.push(Piece { rows: here, values });
            break;
        };
        let null_at = |i: usize| nulls.is_null(i);
        let rest: Vec<u32> = here
            .iter()
            .enumerate()
            .filter(|(i, _)| null_at(*i))
            .map(|(_, r)| *r)
            .collect();
        if rest.len() < here.len() {
            // Later pieces overwrite what is NULL here.
            pieces.push(Piece { rows: here, values });
        }
        open = Some(rest);
    }
    if pieces.is_empty() {
        return Ok(Vector::constant(new_null_array(&ty.arrow(), 1), rows));
    }
    // Each piece holds only rows that are not NULL in it, so that no row stands in two.
    let pieces = pieces
        .into_iter()
        .map(|p| match p.values.nulls().filter(|n| n.null_count() > 0) {
            None => Ok(p),
            Some(n) => {
                let kept: Vec<u32> = n.inner().set_indices_u32().collect();
                Ok(Piece {
                    rows: kept.iter().map(|k| p.rows[*k as usize]).collect(),
                    values: p.values.take(&kept)?,
                })
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Vector::Flat(scatter(&pieces, rows, ty)?))
}
