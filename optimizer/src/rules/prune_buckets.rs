//! Leaves out the files of buckets that no row which passes a filter can be in.
//!
//! ```text
//! Filter (k = 3 AND v > 1)             Filter (k = 3 AND v > 1)
//!   Scan t [k, v] of 8 buckets    →      Scan t [k, v] of 1 bucket
//! ```
//! Sound: the bucket of a row is a function of its bucket column's value, and names of files say their bucket. The filter
//! stays. Takes comparisons of the bucket column with constants, IN, IS NULL, and what AND and OR make of them. Not applied
//! to tables with several bucket columns, to files whose names do not all say a bucket, behind a volatile conjunct, nor to a
//! scan that stops after some rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use rsql_catalog::buckets::bucket_of;
use rsql_catalog::{Buckets, FileSource};
use rsql_common::{ColumnId, Result};
use rsql_expr::{CompareOp, Expr, FunctionRegistry, Literal, Scalar, SqlType, fold};
use rsql_planner::LogicalPlan;
use rsql_planner::buckets::bucket_expr;
use rsql_planner::logical::Scan;

use crate::OptimizerContext;
use crate::filtered_scan::{prune_below_filter, scan_of_files};
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct PruneBuckets;

impl OptimizerRule for PruneBuckets {
    fn name(&self) -> &'static str {
        "PruneBuckets"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        Ok(prune_below_filter(plan, |scan, files, predicate| {
            pruned(scan, files, predicate, cx)
        }))
    }
}

/// The scan of fewer buckets, if some can be left out.
fn pruned(scan: &Scan, files: &FileSource, predicate: &Expr, cx: &OptimizerContext) -> Option<Scan> {
    let buckets = files.sound_buckets()?;
    let [column] = *buckets.columns else { return None };
    let at = scan.columns.iter().position(|c| *c == column)?;
    let key = Key {
        id: scan.schema.fields.get(at)?.id,
        count: buckets.count,
        registry: &cx.registry,
    };
    let conjuncts = predicate.clone().split_conjuncts();
    let of_conjuncts = conjuncts
        .iter()
        .take_while(|c| c.is_deterministic())
        .filter_map(|c| key.buckets(c));
    let wanted = of_conjuncts.reduce(|a, b| a.intersection(&b).copied().collect())?;
    let kept: Arc<[u32]> = match &buckets.kept {
        Some(before) => before.iter().copied().filter(|b| wanted.contains(b)).collect(),
        None => wanted.into_iter().collect(),
    };
    if kept.len() == buckets.n_kept() {
        return None;
    }
    let wanted = |path: &str| bucket_of(path).is_some_and(|b| kept.contains(&b));
    let left: Vec<usize> = (0..files.files.len())
        .filter(|i| wanted(&files.files[*i].path))
        .collect();
    let of = FileSource {
        buckets: Some(Buckets {
            kept: Some(Arc::clone(&kept)),
            ..buckets.clone()
        }),
        ..files.clone()
    };
    Some(scan_of_files(scan, of, &left))
}

/// The bucket column.
struct Key<'a> {
    id: ColumnId,
    count: u32,
    registry: &'a Arc<FunctionRegistry>,
}

impl Key<'_> {
    /// Buckets of the rows for which a predicate can be TRUE; none if it could be so in all of them.
    fn buckets(&self, predicate: &Expr) -> Option<BTreeSet<u32>> {
        match predicate {
            Expr::Compare { op, left, right } => {
                let value = match (left.as_ref(), right.as_ref()) {
                    (column, Expr::Literal(value)) | (Expr::Literal(value), column) if self.is_it(column) => value,
                    _ => return None,
                };
                match op {
                    CompareOp::Eq | CompareOp::NullSafeEq => self.of_values([value]),
                    _ => None,
                }
            }
            Expr::In { expr, list } if self.is_it(expr) => {
                let values: Option<Vec<&Literal>> = list.iter().map(Expr::as_literal).collect();
                self.of_values(values?)
            }
            Expr::IsNull(e) if self.is_it(e) => self.of_values([&Literal::new(Scalar::Null, e.ty())]),
            Expr::And(all) => {
                let sets = all.iter().filter_map(|e| self.buckets(e));
                sets.reduce(|a, b| a.intersection(&b).copied().collect())
            }
            Expr::Or(any) => any.iter().try_fold(BTreeSet::new(), |mut all, e| {
                all.extend(self.buckets(e)?);
                Some(all)
            }),
            _ => None,
        }
    }

    fn is_it(&self, e: &Expr) -> bool {
        matches!(e, Expr::Column(c) if c.id == self.id)
    }

    fn of_values<'v>(&self, values: impl IntoIterator<Item = &'v Literal>) -> Option<BTreeSet<u32>> {
        let bucket = |value: &Literal| match fold(
            &bucket_expr(vec![Expr::Literal(value.clone())], self.count),
            self.registry,
        ) {
            Ok(Literal {
                value: Scalar::I32(bucket),
                ty: SqlType::Int,
            }) => u32::try_from(bucket).ok(),
            _ => None,
        };
        values.into_iter().map(bucket).collect()
    }
}
