//! Applies a generator (`explode`, …) to each row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use rsql_common::{Error, Result};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, GeneratorFn, SqlType, Vector};
use rsql_planner::physical::Generate;

use crate::build::Builder;
use crate::pipeline::{Chain, Flow, LocalOperator, Operator, Output, TaskContext};

pub(crate) fn build(node: &Generate, b: &mut Builder) -> Result<Chain> {
    let func = b
        .cx()
        .registry
        .generator(&node.func)
        .ok_or_else(|| Error::internal(format!("no generator {}", node.func)))?;
    let mut input = node.clone();
    let chain = b.chain(&node.input)?;
    input.input = Box::new(rsql_planner::physical::PhysicalPlan::Values(
        rsql_planner::physical::Values {
            rows: Vec::new(),
            schema: Default::default(),
        },
    ));
    Ok(chain.then(Arc::new(GenerateOperator { node: input, func })))
}

/// The node without its input, and its function.
struct GenerateOperator {
    node: Generate,
    func: &'static GeneratorFn,
}

struct LocalGenerate {
    args: Vec<Program>,
    types: Vec<SqlType>,
    projection: Vec<usize>,
    outer: bool,
    func: &'static GeneratorFn,
    cx: EvalCx,
    chunk_rows: usize,
}

impl Operator for GenerateOperator {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalGenerate {
            args: cx.compile_all(&self.node.args)?,
            types: self.node.args.iter().map(rsql_expr::Expr::ty).collect(),
            projection: self.node.projection.clone(),
            outer: self.node.outer,
            func: self.func,
            cx: cx.eval(),
            chunk_rows: cx.chunk_rows,
        }))
    }
}

impl LocalOperator for LocalGenerate {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let input = input.compact()?;
        let args = self
            .args
            .iter()
            .map(|p| p.eval(&input, &self.cx)?.to_array())
            .collect::<Result<Vec<_>>>()?;
        let made = (self.func.eval)(&args, &self.types, input.len)?;
        let (row_of, generated) = if self.outer {
            with_missing_rows(&made.row_of, &made.columns, input.len)?
        } else {
            (made.row_of, made.columns)
        };
        let mut start = 0;
        while start < row_of.len() {
            let n = self.chunk_rows.min(row_of.len() - start);
            let rows = &row_of[start..start + n];
            let mut columns = self
                .projection
                .iter()
                .map(|i| input.columns[*i].take(rows))
                .collect::<Result<Vec<_>>>()?;
            columns.extend(generated.iter().map(|c| Vector::Flat(c.slice(start, n))));
            if out.push(Chunk::new(columns, n).with_sequence(input.sequence))? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            start += n;
        }
        Ok(Flow::Continue)
    }
}

/// Adds a row of NULLs for each input row that nothing was generated for.
fn with_missing_rows(row_of: &[u32], columns: &[ArrayRef], rows: usize) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
    let mut out_rows = Vec::with_capacity(row_of.len() + rows / 8);
    let mut indices: Vec<Option<u32>> = Vec::with_capacity(out_rows.capacity());
    let mut at = 0;
    for row in 0..rows as u32 {
        if row_of.get(at) != Some(&row) {
            out_rows.push(row);
            indices.push(None);
        }
        while row_of.get(at) == Some(&row) {
            out_rows.push(row);
            indices.push(Some(at as u32));
            at += 1;
        }
    }
    let indices = UInt32Array::from(indices);
    if indices.null_count() == 0 {
        return Ok((out_rows, columns.to_vec()));
    }
    let columns = columns
        .iter()
        .map(|c| Ok(arrow::compute::take(c, &indices, None)?))
        .collect::<Result<Vec<_>>>()?;
    Ok((out_rows, columns))
}
