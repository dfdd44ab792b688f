//! Compiled expressions.

use std::sync::Arc;

use rsql_common::Result;

use super::EvalCx;
use super::compile::compile;
use super::frame::Frame;
use super::node::Node;
use crate::{Chunk, Expr, FunctionRegistry, SqlType, Vector};

/// An expression over slots, ready to run. One clone a worker: it caches what it computed for constants and
/// dictionaries.
#[derive(Debug, Clone)]
pub struct Program {
    root: Node,
}

impl Program {
    /// Prepares an expression whose columns are slots.
    pub fn compile(expr: &Expr, registry: &Arc<FunctionRegistry>) -> Result<Program> {
        Ok(Program {
            root: compile(expr, registry)?,
        })
    }

    /// The value for each selected row of `chunk`, dense.
    pub fn eval(&self, chunk: &Chunk, cx: &EvalCx) -> Result<Vector> {
        self.root.eval(&Frame::new(chunk, cx))
    }

    /// For a predicate: positions, relative to the selected rows, where it is TRUE; `None` if it is TRUE for all.
    pub fn filter(&self, chunk: &Chunk, cx: &EvalCx) -> Result<Option<Vec<u32>>> {
        self.root.filter(&Frame::new(chunk, cx))
    }

    /// Type of the value.
    pub fn ty(&self) -> &SqlType {
        &self.root.ty
    }

    /// Columns of the chunk that are read, ascending.
    pub fn slots(&self) -> &[usize] {
        &self.root.slots
    }
}
