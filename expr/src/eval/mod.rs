//! The evaluator: typed expressions compiled to programs that run over chunks.

mod literal;
mod program;

use std::sync::Arc;

use rsql_common::{CancelToken, MemoryPool, Result};

use crate::{Expr, FunctionRegistry, Literal};

pub use literal::{literal_array, map_array, scalar_at, scalars_to_array, struct_array};
pub use program::Program;

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
