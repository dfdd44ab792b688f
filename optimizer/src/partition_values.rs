//! What files' partition values say of a predicate, without a look into the files.

use std::sync::Arc;

use rsql_catalog::{FileSource, SourceKind};
use rsql_expr::eval::{EvalCx, Program, scalar_at, scalars_to_array};
use rsql_expr::{Chunk, Expr, FunctionRegistry, Scalar, Slot, SqlType, Vector};
use rsql_planner::logical::Scan;

use crate::predicate::is_movable;

/// By file of the scan: whether `predicate` is TRUE for its rows. None if it reads anything but partition columns, or may
/// fail.
pub(crate) fn passing(scan: &Scan, predicate: &Expr, registry: &Arc<FunctionRegistry>) -> Option<Vec<bool>> {
    let SourceKind::Files(files) = &scan.source.kind else {
        return None;
    };
    let read = predicate.columns();
    if read.is_empty() || !is_movable(predicate) {
        return None;
    }
    let mut slots = Vec::new();
    let mut columns = Vec::new();
    for id in read {
        let source = *scan.columns.get(scan.schema.index_of(id)?)?;
        let value = partition_index(scan, files, source)?;
        let values: Vec<Scalar> = files.files.iter().map(|f| f.partition_values[value].clone()).collect();
        let array = scalars_to_array(&values, &scan.source.columns[source].ty).ok()?;
        slots.push(id);
        columns.push(Vector::Flat(array));
    }
    let bound = predicate.clone().replace_columns(&|c| {
        let index = slots.iter().position(|id| *id == c.id)?;
        let ty = c.ty.clone();
        Some(Expr::Slot(Slot { index, ty }))
    });
    let program = Program::compile(&bound, registry).ok()?;
    let chunk = Chunk::new(columns, files.files.len());
    let outcome = program.eval(&chunk, &EvalCx::detached()).ok()?.to_array().ok()?;
    let holds = |i: usize| Some(scalar_at(outcome.as_ref(), i, &SqlType::Boolean).ok()?.as_bool() == Some(true));
    (0..files.files.len()).map(holds).collect()
}

/// Which of the partition columns a source column is.
fn partition_index(scan: &Scan, files: &FileSource, source: usize) -> Option<usize> {
    let first = scan.source.columns.len() - files.n_partition_columns;
    source.checked_sub(first).filter(|i| *i < files.n_partition_columns)
}
