//! Buckets of written rows: which one a row belongs to, and whether rows come sorted by it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::Int32Type;
use rsql_catalog::SourceColumn;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, EvalCx, Expr, FunctionRegistry, Program, Slot, Vector};
use rsql_planner::buckets::bucket_expr;
use serde::{Deserialize, Serialize};

use super::WriteSpec;

/// More buckets than this are not held open at the same time: rows are sorted by bucket first.
const MOST_OPEN: u32 = 64;

/// CLUSTERED BY of the table that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketSpec {
    /// Positions of the bucket columns among the table's.
    pub columns: Vec<usize>,
    /// Positions of the columns by which a bucket's rows are sorted.
    pub sorted: Vec<usize>,
    /// Buckets.
    pub count: u32,
}

impl WriteSpec {
    /// Whether rows have to come sorted by partition, bucket and the columns of SORTED BY: because that was asked for, or
    /// because there could be too many files to write them at the same time.
    pub fn in_order(&self) -> bool {
        let many = |b: &BucketSpec| b.count > MOST_OPEN || self.n_partition_columns > 0;
        self.buckets.as_ref().is_some_and(|b| many(b) || !b.sorted.is_empty())
    }
}

/// Finds rows' buckets.
pub(super) struct Bucketer {
    program: Program,
    eval: EvalCx,
}

impl Bucketer {
    pub(super) fn new(
        spec: &BucketSpec,
        columns: &[SourceColumn],
        eval: EvalCx,
        registry: &Arc<FunctionRegistry>,
    ) -> Result<Self> {
        let key = |index: &usize| {
            let column = columns.get(*index)?;
            let ty = column.ty.clone();
            Some(Expr::Slot(Slot { index: *index, ty }))
        };
        let keys: Option<Vec<Expr>> = spec.columns.iter().map(key).collect();
        let keys = keys.ok_or_else(|| Error::internal("a bucket column that the table does not have"))?;
        Ok(Self {
            program: Program::compile(&bucket_expr(keys, spec.count), registry)?,
            eval,
        })
    }

    /// One bucket a row of the table's columns.
    pub(super) fn buckets(&self, columns: &[ArrayRef]) -> Result<Vec<u32>> {
        let rows = columns.first().map_or(0, |c| c.len());
        let chunk = Chunk::new(columns.iter().cloned().map(Vector::Flat).collect(), rows);
        let buckets = self.program.eval(&chunk, &self.eval)?.to_array()?;
        Ok(buckets
            .as_primitive::<Int32Type>()
            .values()
            .iter()
            .map(|b| *b as u32)
            .collect())
    }
}
