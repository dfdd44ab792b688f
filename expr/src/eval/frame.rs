//! The rows a node is evaluated for.

use std::cell::RefCell;

use rsql_common::Result;

use super::EvalCx;
use crate::{Chunk, Vector};

/// Columns and the rows of them that count. Columns are gathered when first read, once.
pub(super) struct Frame<'a> {
    columns: &'a [Vector],
    selection: Option<Rows<'a>>,
    rows: usize,
    gathered: RefCell<Vec<Option<Vector>>>,
    pub cx: &'a EvalCx,
}

enum Rows<'a> {
    Shared(&'a [u32]),
    Own(Vec<u32>),
}

impl<'a> Frame<'a> {
    pub fn new(chunk: &'a Chunk, cx: &'a EvalCx) -> Self {
        Self {
            columns: &chunk.columns,
            selection: chunk.selection.as_ref().map(|s| Rows::Shared(s.rows())),
            rows: chunk.rows(),
            gathered: RefCell::default(),
            cx,
        }
    }

    pub fn over(columns: &'a [Vector], rows: usize, cx: &'a EvalCx) -> Self {
        Self {
            columns,
            selection: None,
            rows,
            gathered: RefCell::default(),
            cx,
        }
    }

    /// Only the rows at `positions` of this frame.
    pub fn narrow(&self, positions: Vec<u32>) -> Frame<'a> {
        let selection = match self.selection() {
            Some(s) => positions.iter().map(|p| s[*p as usize]).collect(),
            None => positions,
        };
        Frame {
            columns: self.columns,
            rows: selection.len(),
            selection: Some(Rows::Own(selection)),
            gathered: RefCell::default(),
            cx: self.cx,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Physical rows of the frame's rows; `None` if they are all in order.
    pub fn selection(&self) -> Option<&[u32]> {
        match &self.selection {
            Some(Rows::Shared(s)) => Some(s),
            Some(Rows::Own(s)) => Some(s),
            None => None,
        }
    }

    /// The column as it lies in the chunk, without regard to the selection.
    pub fn physical(&self, slot: usize) -> Result<&'a Vector> {
        self.columns.get(slot).ok_or_else(|| {
            rsql_common::Error::internal(format!("slot {slot} of a chunk of {} columns", self.columns.len()))
        })
    }

    /// The column's values for the frame's rows.
    pub fn column(&self, slot: usize) -> Result<Vector> {
        let physical = self.physical(slot)?;
        let Some(selection) = self.selection() else {
            return Ok(physical.clone());
        };
        if let Vector::Constant { value, .. } = physical {
            return Ok(Vector::constant(value.clone(), self.rows));
        }
        if let Some(Some(v)) = self.gathered.borrow().get(slot) {
            return Ok(v.clone());
        }
        let v = physical.take(selection)?;
        let mut gathered = self.gathered.borrow_mut();
        if gathered.is_empty() {
            gathered.resize(self.columns.len(), None);
        }
        gathered[slot] = Some(v.clone());
        Ok(v)
    }
}
