//! What planning knows about the cluster.

use super::size::row_bytes;
use crate::physical::Values;
use rsql_common::{Result, Settings};
use serde::{Deserialize, Serialize};

/// The cluster's size and the limits that decide between ways to distribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterShape {
    /// Executors; with one no exchange is planned.
    pub executors: usize,
    /// Tasks that run at the same time, all executors together.
    pub slots: usize,
    /// Partitions of a shuffle (`spark.sql.shuffle.partitions`).
    pub partitions: usize,
    /// Up to so many expected bytes a join's side goes to every task (`spark.sql.autoBroadcastJoinThreshold`).
    pub broadcast_bytes: f64,
    /// Up to so many expected bytes it does if that moves less than spreading both sides
    /// (`rsql.cluster.copiedJoinBytes`; not above a threshold that was set by hand).
    pub copied_bytes: f64,
    /// And up to so many expected rows.
    pub broadcast_rows: f64,
    /// Up to so many expected rows a join's side tells scans in other stages which keys it has
    /// (`rsql.cluster.runtimeFilterRows`).
    pub filter_rows: f64,
    /// A task of a scanning stage gets at least so many bytes of files (`rsql.cluster.scanTaskBytes`).
    pub scan_task_bytes: u64,
    /// Up to so many expected rows are sorted in one task (`rsql.cluster.sortInOneTaskRows`).
    pub sort_in_one_task_rows: f64,
    /// Bucketed tables are read by bucket only where that saves an exchange
    /// (`spark.sql.sources.bucketing.autoBucketedScan.enabled`).
    pub auto_bucketed_scan: bool,
}

/// A hash table of so many rows is better spread than copied.
const BROADCAST_ROWS: f64 = 4e6;

impl ClusterShape {
    /// Whether several tasks give shares of literal rows.
    pub(crate) fn divides(&self, values: &Values) -> bool {
        values.rows.len() > 1 && values.rows.len() as f64 * row_bytes(&values.schema) > self.scan_task_bytes as f64
    }

    /// The same cluster, whose leaves are read by one task each.
    pub(crate) fn undivided(&self) -> Self {
        Self {
            slots: 1,
            ..self.clone()
        }
    }

    /// A cluster's shape under a statement's settings.
    pub fn from_settings(settings: &Settings, executors: usize, slots: usize) -> Result<Self> {
        let partitions = match settings.is_set("spark.sql.shuffle.partitions") {
            true => settings.usize("spark.sql.shuffle.partitions")?,
            false => slots,
        };
        Ok(Self {
            executors,
            slots: slots.max(1),
            partitions: partitions.max(1),
            broadcast_bytes: settings.int("spark.sql.autoBroadcastJoinThreshold")? as f64,
            copied_bytes: match settings.is_set("spark.sql.autoBroadcastJoinThreshold") {
                true => 0.0,
                false => settings.usize("rsql.cluster.copiedJoinBytes")? as f64,
            },
            broadcast_rows: BROADCAST_ROWS,
            filter_rows: settings.int("rsql.cluster.runtimeFilterRows")? as f64,
            scan_task_bytes: settings.usize("rsql.cluster.scanTaskBytes")?.max(1) as u64,
            sort_in_one_task_rows: settings.int("rsql.cluster.sortInOneTaskRows")? as f64,
            auto_bucketed_scan: settings.bool("spark.sql.sources.bucketing.autoBucketedScan.enabled"),
        })
    }
}
