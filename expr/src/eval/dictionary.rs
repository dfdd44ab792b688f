//! Expressions over one dictionary column, computed once an entry instead of once a row.
//!
//! A dictionary's results are kept by its id, since the chunks of a scan share dictionaries. Large dictionaries wait
//! until as many rows as half their entries have come. If an entry raises an error the expression is computed by
//! rows, because the entry may belong to no selected row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_null_array};
use rsql_common::{DictId, Result};

use super::frame::Frame;
use super::node::Node;
use crate::kernel::select_codes;
use crate::vector::{Dict, DictVector};
use crate::{Codes, Vector};

/// Most dictionaries remembered by a node.
const REMEMBERED: usize = 4;

/// What a node knows of the dictionaries it met lately.
#[derive(Debug, Clone, Default)]
pub(super) struct DictCache {
    entries: Vec<(DictId, State)>,
}

#[derive(Debug, Clone)]
enum State {
    /// Not computed yet; rows seen.
    Waiting(usize),
    /// An entry raised an error.
    Failed,
    Known(Known),
}

#[derive(Debug, Clone)]
struct Known {
    /// The value for each entry, under a dictionary of its own if none is NULL.
    values: ArrayRef,
    dict: Option<Arc<Dict>>,
    /// The value for NULL (one row).
    null: ArrayRef,
    /// For predicates: which entries are TRUE, and whether NULL is.
    table: Option<(Arc<[bool]>, bool)>,
}

impl DictCache {
    fn state(&mut self, id: DictId) -> &mut State {
        let at = match self.entries.iter().position(|(known, _)| *known == id) {
            Some(at) => at,
            None => {
                if self.entries.len() >= REMEMBERED {
                    self.entries.remove(0);
                }
                self.entries.push((id, State::Waiting(0)));
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].1
    }
}

fn lookup(node: &Node, slot: usize, d: &DictVector, f: &Frame<'_>) -> Option<Known> {
    match node.dicts.borrow_mut().state(d.dict.id) {
        State::Failed => return None,
        State::Known(known) => return Some(known.clone()),
        State::Waiting(rows) => {
            *rows += f.rows();
            if *rows * 2 < d.dict.values.len() {
                return None;
            }
        }
    }
    let known = compute(node, slot, d, f).ok();
    let state = known.clone().map_or(State::Failed, State::Known);
    *node.dicts.borrow_mut().state(d.dict.id) = state;
    known
}

fn compute(node: &Node, slot: usize, d: &DictVector, f: &Frame<'_>) -> Result<Known> {
    let over = |values: ArrayRef| -> Result<ArrayRef> {
        let rows = values.len();
        let absent = Vector::constant(new_null_array(&arrow::datatypes::DataType::Null, 1), rows);
        let mut columns = vec![absent; f.width()];
        columns[slot] = Vector::Flat(values);
        node.eval(&Frame::over(&columns, rows, f.cx))?.to_array()
    };
    let values = over(d.dict.values.clone())?;
    let null = over(new_null_array(d.dict.values.data_type(), 1))?;
    let table = values.as_boolean_opt().map(|b| {
        let null = null.as_boolean_opt().is_some_and(|n| n.is_valid(0) && n.value(0));
        let table: Arc<[bool]> = (0..b.len()).map(|i| b.is_valid(i) && b.value(i)).collect();
        (table, null)
    });
    let dict = (values.logical_null_count() == 0).then(|| Dict::new(values.clone(), false));
    Ok(Known {
        values,
        dict,
        null,
        table,
    })
}

/// The node's value over dictionary column `slot`; `None` if it must be computed by rows.
pub(super) fn eval(node: &Node, slot: usize, d: &DictVector, f: &Frame<'_>) -> Result<Option<Vector>> {
    let Some(known) = lookup(node, slot, d, f) else {
        return Ok(None);
    };
    let Vector::Dictionary(rows) = f.column(slot)? else {
        return Ok(None);
    };
    let has_nulls = rows.validity.as_ref().is_some_and(|v| v.null_count() > 0);
    let null_is_null = known.null.logical_null_count() > 0;
    if let Some(dict) = &known.dict
        && (!has_nulls || null_is_null)
    {
        return Ok(Some(Vector::Dictionary(DictVector {
            codes: rows.codes,
            validity: rows.validity,
            dict: Arc::clone(dict),
        })));
    }
    if known.values.is_empty() {
        return Ok(Some(Vector::constant(known.null, f.rows())));
    }
    let codes = match rows.codes {
        Codes::U32(c) => c,
        codes => codes.to_u32(),
    };
    let out = if has_nulls && !null_is_null {
        // NULL's value stands behind the entries'.
        let all = arrow::compute::concat(&[known.values.as_ref(), known.null.as_ref()])?;
        let last = known.values.len() as u32;
        let valid = |i: usize| rows.validity.as_ref().is_none_or(|v| v.is_valid(i));
        let at: Vec<u32> = (0..codes.len())
            .map(|i| if valid(i) { codes[i] } else { last })
            .collect();
        arrow::compute::take(&all, &UInt32Array::from(at), None)?
    } else {
        arrow::compute::take(&known.values, &UInt32Array::new(codes, rows.validity), None)?
    };
    Ok(Some(Vector::Flat(out)))
}

/// Positions where the predicate is TRUE; `None` if it must be computed by rows.
pub(super) fn filter(node: &Node, slot: usize, d: &DictVector, f: &Frame<'_>) -> Result<Option<Vec<u32>>> {
    let Some(Known {
        table: Some((table, null)),
        ..
    }) = lookup(node, slot, d, f)
    else {
        return Ok(None);
    };
    Ok(Some(select_codes(
        &d.codes,
        d.validity.as_ref(),
        f.selection(),
        f.rows(),
        &table,
        null,
    )))
}
