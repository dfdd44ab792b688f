//! WITH: each definition is materialized once and read by any number of scans.

use std::sync::Arc;

use rsql_common::{Error, Result};
use rsql_planner::physical::{CteScan, With};

use crate::build::{Builder, CteBinding};
use crate::hash_join::engine_types;
use crate::materialize::{ChunkTable, CollectSink, TableSource};
use crate::pipeline::Chain;

pub(crate) fn build_with(node: &With, b: &mut Builder) -> Result<Chain> {
    for (id, plan) in &node.defs {
        let chain = b.chain(plan)?;
        let table = ChunkTable::new();
        let types = engine_types(plan.schema()).into();
        let sink = CollectSink::new(Arc::clone(&table), types, b.usage());
        let pipeline = b.finish(chain, Arc::new(sink));
        let filled_by = Some(pipeline);
        b.bind_cte(*id, CteBinding { table, filled_by });
    }
    b.chain(&node.body)
}

pub(crate) fn build_scan(node: &CteScan, b: &mut Builder) -> Result<Chain> {
    let binding = b
        .cte(node.id)
        .ok_or_else(|| Error::internal(format!("{} is read outside its WITH", node.id)))?;
    let mut chain = Chain::new(Arc::new(TableSource::new(Arc::clone(&binding.table))));
    chain.dependencies.extend(binding.filled_by);
    Ok(chain)
}
