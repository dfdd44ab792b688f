//! Literal rows.

use rsql_common::Result;
use rsql_expr::eval::scalars_to_array;
use rsql_expr::{Chunk, Scalar, Vector};
use rsql_planner::physical::Values;
use std::sync::Arc;

use crate::build::Builder;
use crate::materialize::{ChunkTable, TableSource};
use crate::pipeline::Chain;

pub(crate) fn build(node: &Values, b: &mut Builder) -> Result<Chain> {
    let mut chunks = Vec::new();
    let share = b.cx().share(node.rows.len() as u64);
    let rows = &node.rows[share.start as usize..share.end as usize];
    for rows in rows.chunks(b.cx().chunk_rows) {
        let columns = node
            .schema
            .iter()
            .enumerate()
            .map(|(i, f)| {
                let column: Vec<Scalar> = rows.iter().map(|r| r[i].value.clone()).collect();
                Ok(Vector::Flat(scalars_to_array(&column, &f.ty)?))
            })
            .collect::<Result<Vec<_>>>()?;
        chunks.push(Chunk::new(columns, rows.len()));
    }
    Ok(Chain::new(Arc::new(TableSource::new(ChunkTable::of(chunks)))))
}
