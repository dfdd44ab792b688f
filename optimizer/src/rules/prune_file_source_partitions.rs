//! Leaves out the files whose partition values refute a filter.
//!
//! ```text
//! Filter (day = 'd2' AND v > 1)        Filter (day = 'd2' AND v > 1)
//!   Scan t [v, day] of 4 files    →      Scan t [v, day] of 1 file
//! ```
//! Sound: a file's rows all have its partition values. The filter stays, and tells joins above that the scan is selective.
//! Not applied to conjuncts that read other columns, may fail, or stand behind a volatile one, nor to a scan that stops
//! after some rows.

use rsql_catalog::FileSource;
use rsql_common::Result;
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Scan;

use crate::OptimizerContext;
use crate::filtered_scan::{prune_below_filter, scan_of_files};
use crate::partition_values::passing;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct PruneFileSourcePartitions;

impl OptimizerRule for PruneFileSourcePartitions {
    fn name(&self) -> &'static str {
        "PruneFileSourcePartitions"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        Ok(prune_below_filter(plan, |scan, files, predicate| {
            pruned(scan, files, predicate, cx)
        }))
    }
}

/// The scan of fewer files, if there are.
fn pruned(scan: &Scan, files: &FileSource, predicate: &Expr, cx: &OptimizerContext) -> Option<Scan> {
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
    Some(scan_of_files(scan, files.clone(), &kept))
}
