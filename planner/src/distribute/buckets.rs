//! Bucketed scans: tasks that read a table by its buckets have equal bucket columns in one task, without an exchange.
//!
//! ```text
//!   HashJoin k = k                      HashJoin k = k
//!     Exchange hash [k]                   Scan l buckets 4 of 4
//!       Scan l                      =>    Scan r buckets 4 of 4
//!     Exchange hash [k]
//!       Scan r
//! ```
//!
//! Every scan that may be read by bucket is planned so; where that saves nothing it is read by shares of its rows
//! afterwards, which suits any number of tasks (Spark's `autoBucketedScan`).

use rsql_common::Result;
use rsql_expr::{Expr, Slot};

use super::ClusterShape;
use super::spread::{HashSpread, Spread};
use crate::PhysicalPlan;
use crate::physical::{HashFunction, Scan};

/// A bucketed exchange of a join's other side spreads it over as many tasks as there are buckets: at least so many of the
/// cluster's slots should have something to do then.
const BUSY_SLOTS: f64 = 0.5;

/// Where the rows of a scan lie.
pub(super) fn spread(scan: &Scan) -> Spread {
    let Some(buckets) = scan.by_buckets() else {
        return Spread::Any;
    };
    let outputs = |column: &usize| {
        let of = |(_, read): &(usize, &usize)| scan.columns.get(**read) == Some(column);
        let slot = |(index, _): (usize, &usize)| {
            let ty = scan.schema.fields.get(index)?.ty.clone();
            Some(Expr::Slot(Slot { index, ty }))
        };
        scan.projection
            .iter()
            .enumerate()
            .filter(of)
            .filter_map(slot)
            .collect::<Vec<_>>()
    };
    let keys: Vec<_> = buckets.columns.iter().map(outputs).collect();
    if keys.is_empty() || keys.iter().any(Vec::is_empty) {
        return Spread::Any;
    }
    Spread::Hash(HashSpread {
        keys,
        partitions: buckets.count as usize,
        function: HashFunction::Bucket,
    })
}

/// Whether a join's other side is spread like this one's buckets rather than both by the usual hash.
pub(super) fn worth_following(buckets: usize, shape: &ClusterShape) -> bool {
    buckets as f64 >= shape.slots as f64 * BUSY_SLOTS
}

/// Reads by shares what is read by bucket in vain: the plan stands without it.
pub(super) fn where_needed(
    mut plan: PhysicalPlan,
    shape: &ClusterShape,
    stands: &dyn Fn(&PhysicalPlan) -> Result<()>,
) -> PhysicalPlan {
    if !shape.auto_bucketed_scan {
        return plan;
    }
    let mut number = 0;
    while let Some(scan) = scan_at(&mut plan, &mut number.clone()) {
        if std::mem::take(&mut scan.by_bucket)
            && stands(&plan).is_err()
            && let Some(scan) = scan_at(&mut plan, &mut number.clone())
        {
            scan.by_bucket = true;
        }
        number += 1;
    }
    plan
}

/// The scan with `left` others before it.
fn scan_at<'a>(plan: &'a mut PhysicalPlan, left: &mut usize) -> Option<&'a mut Scan> {
    if let PhysicalPlan::Scan(scan) = plan {
        if *left == 0 {
            return Some(scan);
        }
        *left -= 1;
        return None;
    }
    plan.children_mut().into_iter().find_map(|c| scan_at(c, left))
}
