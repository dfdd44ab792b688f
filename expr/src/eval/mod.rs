//! The evaluator: typed expressions compiled to programs that run over chunks.
//!
//! Reading order: [`Program`] (the face), `node` (the compiled tree) and `compile`, `frame` (the rows a node sees),
//! `run` (values), `filter` (positions), `logic`, `branch`, `call`, `lambda` (the operators with rules of their own),
//! `dictionary` (computing once a dictionary entry).

mod branch;
mod call;
mod compile;
mod dictionary;
mod filter;
mod frame;
mod lambda;
mod literal;
mod logic;
mod node;
mod program;
mod run;
mod scatter;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rsql_common::{CancelToken, MemoryPool, Result};

use crate::{Expr, FunctionRegistry, Literal};

pub(crate) use literal::retype;
pub use literal::{literal_array, map_array, scalar_at, scalars_to_array, struct_array};
pub use program::Program;
pub use scatter::{Piece, scatter};

/// What a running evaluation may use and must watch.
#[derive(Debug, Clone)]
pub struct EvalCx {
    /// Where large intermediate results are accounted.
    pub memory: Arc<MemoryPool>,
    /// Read between chunks and inside long loops.
    pub cancel: CancelToken,
}

impl EvalCx {
    /// A context without limits; for constant folding and tests.
    pub fn detached() -> Self {
        Self {
            memory: MemoryPool::unbounded(),
            cancel: CancelToken::default(),
        }
    }
}

/// The value of an expression without columns.
pub fn fold(expr: &Expr, registry: &Arc<FunctionRegistry>) -> Result<Literal> {
    if let Expr::Literal(l) = expr {
        return Ok(l.clone());
    }
    let program = Program::compile(expr, registry)?;
    let chunk = crate::Chunk::new(Vec::new(), 1);
    let value = program.eval(&chunk, &EvalCx::detached())?.to_array()?;
    let ty = expr.ty();
    Ok(Literal::new(scalar_at(value.as_ref(), 0, &ty)?, ty))
}
