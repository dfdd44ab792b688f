//! Compiled expressions.

use std::sync::Arc;

use rsql_common::{Error, Result};

use super::EvalCx;
use crate::{Chunk, Expr, FunctionRegistry, Vector};

/// An expression over slots, ready to run. One clone a worker: it may cache what it computed for a dictionary.
#[derive(Debug, Clone)]
pub struct Program {
    _expr: Expr,
}

impl Program {
    /// Prepares an expression whose columns are slots.
    pub fn compile(expr: &Expr, _registry: &Arc<FunctionRegistry>) -> Result<Program> {
        Ok(Program { _expr: expr.clone() })
    }

    /// The value for each selected row of `chunk`, dense.
    pub fn eval(&self, _chunk: &Chunk, _cx: &EvalCx) -> Result<Vector> {
        Err(Error::unsupported("evaluation"))
    }

    /// For a predicate: positions, relative to the selected rows, where it is TRUE; `None` if it is TRUE for all.
    pub fn filter(&self, _chunk: &Chunk, _cx: &EvalCx) -> Result<Option<Vec<u32>>> {
        Err(Error::unsupported("evaluation"))
    }
}
