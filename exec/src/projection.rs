//! Computes columns. Columns that are only passed on keep their encoding, and the selection if nothing is computed.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Expr};
use rsql_planner::physical::Projection;

use crate::build::Builder;
use crate::pipeline::{Chain, Flow, LocalOperator, Operator, Output, TaskContext};

pub(crate) fn build(node: &Projection, b: &mut Builder) -> Result<Chain> {
    let chain = b.chain(&node.input)?;
    let slots: Option<Vec<usize>> = node.exprs.iter().map(slot).collect();
    Ok(chain.then(match slots {
        Some(slots) => Arc::new(Reorder::new(&slots)),
        None => Arc::new(ProjectionOperator(node.exprs.clone().into())),
    }))
}

fn slot(e: &Expr) -> Option<usize> {
    if let Expr::Slot(s) = e { Some(s.index) } else { None }
}

/// Projection of plain columns.
pub(crate) struct Reorder(Arc<[usize]>);

impl Reorder {
    /// Puts out the columns at these positions.
    pub fn new(columns: &[usize]) -> Self {
        Self(columns.into())
    }
}

struct LocalReorder(Arc<[usize]>);

impl Operator for Reorder {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalReorder(Arc::clone(&self.0))))
    }
}

impl LocalOperator for LocalReorder {
    fn push(&mut self, mut input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        input.columns = self.0.iter().map(|i| input.columns[*i].clone()).collect();
        out.push(input)
    }
}

struct ProjectionOperator(Arc<[Expr]>);

struct LocalProjection {
    programs: Vec<Program>,
    cx: EvalCx,
}

impl Operator for ProjectionOperator {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalProjection {
            programs: cx.compile_all(self.0.iter())?,
            cx: cx.eval(),
        }))
    }
}

impl LocalOperator for LocalProjection {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let columns = self
            .programs
            .iter()
            .map(|p| p.eval(&input, &self.cx))
            .collect::<Result<Vec<_>>>()?;
        out.push(Chunk {
            columns,
            selection: None,
            len: input.rows(),
            sequence: input.sequence,
        })
    }
}
