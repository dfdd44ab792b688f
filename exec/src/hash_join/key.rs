//! Evaluates join keys and says which rows can have a partner at all.

use arrow::buffer::NullBuffer;
use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Expr, Vector};

use crate::hashing::{KeyColumn, KeyReader};
use crate::pipeline::TaskContext;

/// Key expressions of one side.
pub(super) struct JoinKeys {
    programs: Vec<Program>,
    readers: Vec<KeyReader>,
    null_safe: Vec<bool>,
    eval: EvalCx,
}

impl JoinKeys {
    pub(super) fn new(exprs: &[Expr], null_safe: &[bool], cx: &TaskContext) -> Result<Self> {
        Ok(Self {
            programs: cx.compile_all(exprs)?,
            readers: exprs.iter().map(|_| KeyReader::default()).collect(),
            null_safe: null_safe.to_vec(),
            eval: cx.eval(),
        })
    }

    /// Key vectors of the selected rows.
    pub(super) fn vectors(&self, chunk: &Chunk) -> Result<Vec<Vector>> {
        self.programs.iter().map(|p| p.eval(chunk, &self.eval)).collect()
    }

    /// Their comparable forms.
    pub(super) fn columns(&mut self, vectors: &[Vector]) -> Result<Vec<KeyColumn>> {
        self.readers.iter_mut().zip(vectors).map(|(r, v)| r.read(v)).collect()
    }

    /// Rows that can have a partner: no key without `<=>` is NULL. `None`: all.
    pub(super) fn matchable(&self, vectors: &[Vector]) -> Option<NullBuffer> {
        vectors
            .iter()
            .zip(&self.null_safe)
            .filter(|(_, safe)| !**safe)
            .fold(None, |all, (v, _)| NullBuffer::union(all.as_ref(), v.nulls().as_ref()))
            .filter(|n| n.null_count() > 0)
    }
}
