//! Leaves out the files whose partition values refute a filter.
//!
//! ```text
//! Filter (day = 'd2' AND v > 1)        Filter (day = 'd2' AND v > 1)
//!   Scan t [v, day] of 4 files    →      Scan t [v, day] of 1 file
//! ```
//! Sound: a file's rows all have its partition values. The filter stays, and tells joins above that the scan is selective.
//! Not applied to conjuncts that read other columns, may fail, or stand behind a volatile one, nor to a scan that stops
//! after some rows.

use std::sync::Arc;

use rsql_catalog::{FileSource, ScanSource, SourceKind};
use rsql_common::Result;
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Scan;

use crate::OptimizerContext;
use crate::partition_values::passing;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct PruneFileSourcePartitions;

impl OptimizerRule for PruneFileSourcePartitions {
    fn name(&self) -> &'static str {
        "PruneFileSourcePartitions"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        let pruned = match n.input.as_ref() {
            LogicalPlan::Scan(s) if s.limit.is_none() => pruned(s, &n.predicate, cx),
            _ => None,
        };
        Ok(match pruned {
            Some(scan) => {
                n.input = Arc::new(LogicalPlan::Scan(scan));
                Transformed::yes(LogicalPlan::Filter(n))
            }
            None => Transformed::no(LogicalPlan::Filter(n)),
        })
    }
}

/// The scan of fewer files, if there are.
fn pruned(scan: &Scan, predicate: &Expr, cx: &OptimizerContext) -> Option<Scan> {
    let SourceKind::Files(files) = &scan.source.kind else {
        return None;
    };
    if files.n_partition_columns == 0 {
        return None;
    }
    let mut pass = vec![true; files.files.len()];
    let conjuncts = predicate.clone().split_conjuncts();
    for conjunct in conjuncts.iter().take_while(|c| c.is_deterministic()) {
        if let Some(outcome) = passing(scan, conjunct, &cx.registry) {
            pass.iter_mut().zip(outcome).for_each(|(all, one)| *all &= one);
        }
    }
    let kept: Vec<usize> = (0..pass.len()).filter(|i| pass[*i]).collect();
    if kept.len() == pass.len() {
        return None;
    }
    let left: Arc<[_]> = kept.iter().map(|i| files.files[*i].clone()).collect();
    let facts = scan
        .facts
        .as_ref()
        .map(|f| f.of_files(&kept, &files.files, files.n_partition_columns));
    let kind = SourceKind::Files(FileSource {
        files: left,
        ..files.clone()
    });
    Some(Scan {
        source: Arc::new(ScanSource {
            kind,
            ..ScanSource::clone(&scan.source)
        }),
        facts: facts.map(Arc::new),
        ..scan.clone()
    })
}
