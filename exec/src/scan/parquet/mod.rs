//! The Parquet scan.
//!
//! ```text
//!   files ── prune by footer ──> row groups ── cut at pages ──> morsels ──> per morsel:
//!     prune again (runtime filters) → filter columns, cheapest first → key columns with runtime filters → the rest
//! ```
//!
//! Each column is decoded only for the rows that are left. Morsels are page-aligned row ranges within a row group, so
//! that files of a single row group keep all workers busy. See [`morsel`] for the order of work inside a morsel,
//! [`shared`] for scans that are read together, [`native`] for the page decoder, [`prune`] for what statistics rule out, [`rebase`] for timestamps of old writers, [`mod@file`] for how a source's columns are found in a file.

mod arrow_column;
mod conform;
mod file;
mod morsel;
mod native;
mod plan;
mod prune;
mod rebase;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rsql_catalog::FileSource;
use rsql_common::Result;
use rsql_planner::physical::Scan;

use crate::build::Builder;
use crate::metrics::Usage;
use crate::pipeline::{Chain, LocalSource, Source, TaskContext};
use morsel::LocalScan;
use plan::ScanPlan;
pub(crate) use shared::{Member, SharedScan};

pub(super) fn build(node: &Scan, files: &FileSource, b: &mut Builder) -> Result<Chain> {
    let usage = b.usage();
    if let Some(id) = node.shared {
        let scan = b.shared_scan(id);
        let view = scan.add(node, usage);
        let mut chain = Chain::new(Arc::new(scan.source(vec![view])));
        chain.member = Some(Member { scan, view });
        return Ok(chain);
    }
    let plan = ScanPlan::new(std::slice::from_ref(node), files, b.cx(), std::slice::from_ref(&usage))?;
    let reading = Arc::new(Reading {
        plan: Arc::new(plan),
        usages: vec![usage],
        views: vec![0],
        cursor: AtomicUsize::new(0),
    });
    Ok(Chain::new(Arc::new(ParquetSource(reading))))
}

/// What the workers of a scan share.
pub(super) struct Reading {
    plan: Arc<ScanPlan>,
    /// By view.
    usages: Vec<Usage>,
    /// The views that are read for, by branch of the pipeline.
    views: Vec<usize>,
    /// Next morsel.
    cursor: AtomicUsize,
}

struct ParquetSource(Arc<Reading>);

impl Source for ParquetSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalScan::new(Arc::clone(&self.0), Arc::clone(cx))?))
    }

    fn parallelism(&self) -> usize {
        self.0.plan.morsels.len().max(1)
    }

    fn ascending(&self) -> bool {
        self.0.plan.is_read_in_order()
    }
}

impl Reading {
    fn next_morsel(&self) -> Option<usize> {
        self.plan.nth(self.cursor.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests;
