//! Scans: rows of files and of batches in memory.
//!
//! The Parquet scan applies filters itself, while it decodes; other sources put out the columns they read, and the
//! filter and projection operators do the rest.

mod buckets;
mod memory;
mod parquet;
mod runtime;
mod text;

pub(crate) use parquet::{Member, SharedScan};

use std::sync::Arc;

use rsql_catalog::{FileFormat, SourceKind};
use rsql_common::Result;
use rsql_expr::Expr;
use rsql_planner::physical::Scan;

use crate::build::Builder;
use crate::filter::FilterOperator;
use crate::pipeline::{Chain, Source};
use crate::projection::Reorder;

pub(crate) fn build(node: &Scan, b: &mut Builder) -> Result<Chain> {
    match &node.source.kind {
        SourceKind::Memory(batches) => Ok(filtered(
            node,
            Arc::new(memory::MemorySource::new(node, batches, b.cx())),
        )),
        SourceKind::Files(files) => match files.format {
            FileFormat::Parquet => parquet::build(node, files, b),
            _ => Ok(filtered(node, Arc::new(text::TextSource::new(node, files, b.cx())?))),
        },
    }
}

/// A source of the read columns with the scan's filters and projection behind it.
fn filtered(node: &Scan, source: Arc<dyn Source>) -> Chain {
    let mut chain = Chain::new(source);
    let columns = node.columns.iter().filter_map(|c| node.source.column(*c));
    let types: Arc<[_]> = columns.map(|c| c.ty.arrow()).collect();
    if !node.consumes.is_empty() {
        chain = chain.then(Arc::new(runtime::RuntimeFilterOperator::new(&node.consumes)));
    }
    if !node.filters.is_empty() {
        chain = chain.then(Arc::new(FilterOperator::new(
            Expr::conjunction(node.filters.clone()),
            types,
        )));
    }
    let whole = node.projection.len() == node.columns.len() && node.projection.iter().enumerate().all(|(i, p)| i == *p);
    if whole {
        chain
    } else {
        chain.then(Arc::new(Reorder::new(&node.projection)))
    }
}
