//! Scans of files below a filter: what rules that leave files out have in common.

use std::sync::Arc;

use rsql_catalog::{FileSource, ScanSource, SourceKind};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Scan;

use crate::rule::Transformed;

/// Replaces the scan below a filter by what `prune` makes of it and the predicate; none if that leaves nothing out. Not applied
/// to a scan that stops after some rows: without some files it would take others.
pub(crate) fn prune_below_filter(
    plan: LogicalPlan,
    prune: impl FnOnce(&Scan, &FileSource, &Expr) -> Option<Scan>,
) -> Transformed<LogicalPlan> {
    let LogicalPlan::Filter(mut n) = plan else {
        return Transformed::no(plan);
    };
    let pruned = match n.input.as_ref() {
        LogicalPlan::Scan(scan) if scan.limit.is_none() => match &scan.source.kind {
            SourceKind::Files(files) => prune(scan, files, &n.predicate),
            _ => None,
        },
        _ => None,
    };
    match pruned {
        Some(scan) => {
            n.input = Arc::new(LogicalPlan::Scan(scan));
            Transformed::yes(LogicalPlan::Filter(n))
        }
        None => Transformed::no(LogicalPlan::Filter(n)),
    }
}

/// The scan of those of its files that are at `kept`; `of` says what else is known of them.
pub(crate) fn scan_of_files(scan: &Scan, of: FileSource, kept: &[usize]) -> Scan {
    let facts = scan.facts.as_ref();
    let facts = facts.map(|f| Arc::new(f.of_files(kept, &of.files, of.n_partition_columns)));
    let kind = SourceKind::Files(FileSource {
        files: kept.iter().map(|i| of.files[*i].clone()).collect(),
        ..of
    });
    Scan {
        source: Arc::new(ScanSource {
            kind,
            ..ScanSource::clone(&scan.source)
        }),
        facts,
        ..scan.clone()
    }
}
