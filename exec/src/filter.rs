//! Keeps rows for which a predicate is TRUE, by narrowing the selection.
//!
//! Chunks that keep few rows are copied together, so that what follows does not run over many tiny chunks.

use std::sync::Arc;

use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Expr};
use rsql_planner::physical::Filter;

use crate::build::Builder;
use crate::concat::concat_chunks;
use crate::pipeline::{Chain, Flow, LocalOperator, Operator, Output, TaskContext};

pub(crate) fn build(node: &Filter, b: &mut Builder) -> Result<Chain> {
    let types = node.input.schema().iter().map(|f| f.ty.arrow()).collect();
    let chain = b.chain(&node.input)?;
    Ok(chain.then(Arc::new(FilterOperator::new(node.predicate.clone(), types))))
}

/// See the module.
pub(crate) struct FilterOperator {
    predicate: Expr,
    types: Arc<[DataType]>,
}

impl FilterOperator {
    /// Filters chunks with columns of `types`.
    pub fn new(predicate: Expr, types: Arc<[DataType]>) -> Self {
        Self { predicate, types }
    }
}

struct LocalFilter {
    program: Program,
    cx: EvalCx,
    gather: Gather,
}

impl Operator for FilterOperator {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalFilter {
            program: cx.compile(&self.predicate)?,
            cx: cx.eval(),
            gather: Gather::new(Arc::clone(&self.types), cx.chunk_rows),
        }))
    }
}

impl LocalOperator for LocalFilter {
    fn push(&mut self, mut input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        if let Some(positions) = self.program.filter(&input, &self.cx)? {
            if positions.is_empty() {
                return Ok(Flow::Continue);
            }
            input.select(positions);
        }
        self.gather.push(input, out)
    }

    fn flush(&mut self, out: &mut dyn Output) -> Result<Flow> {
        self.gather.flush(out)
    }
}

/// Copies small chunks together. Order within a worker is kept; a gathered chunk carries its first sequence number, and
/// chunks of different morsels are never mixed.
pub(crate) struct Gather {
    types: Arc<[DataType]>,
    chunk_rows: usize,
    held: Vec<Chunk>,
    rows: usize,
}

impl Gather {
    pub fn new(types: Arc<[DataType]>, chunk_rows: usize) -> Self {
        Self {
            types,
            chunk_rows,
            held: Vec::new(),
            rows: 0,
        }
    }

    pub fn push(&mut self, chunk: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let rows = chunk.rows();
        let neighbour = self
            .held
            .last()
            .is_none_or(|last| chunk.sequence >= last.sequence && chunk.sequence - last.sequence <= 8);
        if rows * 8 > self.chunk_rows || self.rows + rows > self.chunk_rows || !neighbour {
            if self.flush(out)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            if rows * 8 > self.chunk_rows {
                return out.push(chunk);
            }
        }
        self.rows += rows;
        self.held.push(chunk.compact()?);
        Ok(Flow::Continue)
    }

    pub fn flush(&mut self, out: &mut dyn Output) -> Result<Flow> {
        self.rows = 0;
        match self.held.len() {
            0 => Ok(Flow::Continue),
            1 => match self.held.pop() {
                Some(only) => out.push(only),
                None => Ok(Flow::Continue),
            },
            _ => {
                let sequence = self.held[0].sequence;
                let chunk = concat_chunks(&self.held, &self.types)?.with_sequence(sequence);
                self.held.clear();
                out.push(chunk)
            }
        }
    }
}
