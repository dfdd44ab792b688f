//! Lambdas of higher-order functions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_empty_array, new_null_array};
use arrow::datatypes::DataType;
use rsql_common::Result;

use super::compile::{compile, outer_slots};
use super::frame::Frame;
use super::node::Node;
use crate::function::LambdaRef;
use crate::{FunctionRegistry, LambdaExpr, Vector};

/// A compiled lambda.
#[derive(Debug, Clone)]
pub(super) struct LambdaProgram {
    body: Node,
    first_slot: usize,
    params: usize,
    /// Outer columns the body reads.
    captured: Vec<usize>,
}

impl LambdaProgram {
    pub fn compile(l: &LambdaExpr, registry: &Arc<FunctionRegistry>) -> Result<Self> {
        Ok(Self {
            body: compile(&l.body, registry)?,
            first_slot: l.first_slot,
            params: l.params.len(),
            captured: outer_slots(&l.body, l.first_slot)
                .into_iter()
                .map(|(slot, _)| slot)
                .collect(),
        })
    }
}

/// A lambda over the rows of the call it is an argument of.
pub(super) struct BoundLambda<'a> {
    pub program: &'a LambdaProgram,
    pub frame: &'a Frame<'a>,
}

impl LambdaRef for BoundLambda<'_> {
    fn call(&self, params: &[ArrayRef], outer_rows: &[u32]) -> Result<ArrayRef> {
        let p = self.program;
        let rows = outer_rows.len();
        if rows == 0 {
            return Ok(new_empty_array(&p.body.ty.arrow()));
        }
        self.frame.cx.cancel.check()?;
        let absent = Vector::constant(new_null_array(&DataType::Null, 1), rows);
        let mut columns = vec![absent; p.first_slot];
        for slot in &p.captured {
            columns[*slot] = self.frame.column(*slot)?.take(outer_rows)?;
        }
        // A body with fewer parameters than the kernel offers (no index) reads the first ones.
        columns.extend(params.iter().take(p.params).map(|a| Vector::Flat(a.clone())));
        debug_assert!(params.iter().all(|a| a.len() == rows));
        let out = p.body.eval(&Frame::over(&columns, rows, self.frame.cx))?.to_array()?;
        if *out.data_type() == DataType::Null && p.body.ty.arrow() != DataType::Null {
            return Ok(new_null_array(&p.body.ty.arrow(), rows));
        }
        Ok(out)
    }
}
