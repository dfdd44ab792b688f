//! Gives each input row once per projection (GROUPING SETS, distinct aggregates).

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Expr};
use rsql_planner::physical::Expand;

use crate::build::Builder;
use crate::pipeline::{Chain, Flow, LocalOperator, Operator, Output, TaskContext};

pub(crate) fn build(node: &Expand, b: &mut Builder) -> Result<Chain> {
    let chain = b.chain(&node.input)?;
    Ok(chain.then(Arc::new(ExpandOperator(node.projections.clone()))))
}

struct ExpandOperator(Vec<Vec<Expr>>);

struct LocalExpand {
    projections: Vec<Vec<Program>>,
    cx: EvalCx,
}

impl Operator for ExpandOperator {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalExpand {
            projections: self.0.iter().map(|p| cx.compile_all(p)).collect::<Result<_>>()?,
            cx: cx.eval(),
        }))
    }
}

impl LocalOperator for LocalExpand {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let input = input.compact()?;
        for projection in &self.projections {
            let columns = projection
                .iter()
                .map(|p| p.eval(&input, &self.cx))
                .collect::<Result<Vec<_>>>()?;
            let chunk = Chunk::new(columns, input.len).with_sequence(input.sequence);
            if out.push(chunk)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}
