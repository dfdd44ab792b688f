//! What a session wants of adaptive planning, under Spark's names.

use rsql_common::{Error, Result, Settings};

/// The settings below `spark.sql.adaptive` and `rsql.adaptive`.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptiveSettings {
    /// `enabled`.
    pub enabled: bool,
    /// `advisoryPartitionSizeInBytes`: what a task is to read, in stored bytes.
    pub advisory_bytes: u64,
    /// `coalescePartitions.enabled`.
    pub coalesce: bool,
    /// `coalescePartitions.parallelismFirst`: small partitions are joined only as long as all slots have something to do.
    pub parallelism_first: bool,
    /// `coalescePartitions.minPartitionSize`: and if a task would read less than this.
    pub min_partition_bytes: u64,
    /// `skewJoin.enabled`.
    pub skew_join: bool,
    /// `skewJoin.skewedPartitionFactor`: a skewed partition is so many times the median.
    pub skew_factor: f64,
    /// `skewJoin.skewedPartitionThresholdInBytes`: and at least so large.
    pub skew_bytes: u64,
    /// `optimizeSkewsInRebalancePartitions.enabled`.
    pub rebalance_skew: bool,
    /// `autoBroadcastJoinThreshold`, or the one that planning goes by: a side of a join up to this size is copied.
    pub broadcast_bytes: f64,
    /// `localShuffleReader.enabled`: the side that is not copied is read where it was written.
    pub local_read: bool,
    /// `rsql.adaptive.joinReorder.enabled`: joins may change their order.
    pub join_reorder: bool,
    /// `rsql.adaptive.joinReorder.costPercent`: if that costs at most this part of what was planned.
    pub reorder_cost: f64,
    /// `rsql.adaptive.joinReorder.minSavedRows`: and saves so many rows.
    pub reorder_saves: f64,
}

impl AdaptiveSettings {
    /// What a statement's settings say.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        let bytes = |key: &str| Ok::<u64, Error>(settings.usize(key)? as u64);
        let own = "spark.sql.adaptive.autoBroadcastJoinThreshold";
        let broadcast_bytes = match settings.get(own) {
            Some(set) if !set.is_empty() => settings.int(own)?,
            _ => settings.int("spark.sql.autoBroadcastJoinThreshold")?,
        };
        Ok(Self {
            enabled: settings.bool("spark.sql.adaptive.enabled"),
            advisory_bytes: bytes("spark.sql.adaptive.advisoryPartitionSizeInBytes")?.max(1),
            coalesce: settings.bool("spark.sql.adaptive.coalescePartitions.enabled"),
            parallelism_first: settings.bool("spark.sql.adaptive.coalescePartitions.parallelismFirst"),
            min_partition_bytes: bytes("spark.sql.adaptive.coalescePartitions.minPartitionSize")?,
            skew_join: settings.bool("spark.sql.adaptive.skewJoin.enabled"),
            skew_factor: settings.number("spark.sql.adaptive.skewJoin.skewedPartitionFactor")?,
            skew_bytes: bytes("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes")?,
            rebalance_skew: settings.bool("spark.sql.adaptive.optimizeSkewsInRebalancePartitions.enabled"),
            broadcast_bytes: broadcast_bytes as f64,
            local_read: settings.bool("spark.sql.adaptive.localShuffleReader.enabled"),
            join_reorder: settings.bool("rsql.adaptive.joinReorder.enabled"),
            reorder_cost: settings.int("rsql.adaptive.joinReorder.costPercent")? as f64 / 100.0,
            reorder_saves: settings.int("rsql.adaptive.joinReorder.minSavedRows")? as f64,
        })
    }

    /// Bytes that one task is to read, of `total` that are shared out over `slots`.
    pub(super) fn target_bytes(&self, total: u64, slots: usize) -> u64 {
        if !self.parallelism_first {
            return self.advisory_bytes;
        }
        let share = total.div_ceil(slots.max(1) as u64);
        share.max(self.min_partition_bytes).clamp(1, self.advisory_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_threshold_stands_in_for_the_adaptive_one() {
        let set = |pairs: &[(&str, &str)]| {
            let settings = pairs
                .iter()
                .fold(Settings::default(), |s, (k, v)| s.with(k, v).unwrap());
            AdaptiveSettings::from_settings(&settings).unwrap()
        };
        let usual = ("spark.sql.autoBroadcastJoinThreshold", "5");
        assert_eq!(set(&[usual]).broadcast_bytes, 5.0);
        let own = ("spark.sql.adaptive.autoBroadcastJoinThreshold", "-1");
        assert_eq!(set(&[usual, own]).broadcast_bytes, -1.0);
        let bad = Settings::default().with("spark.sql.adaptive.skewJoin.skewedPartitionFactor", "x");
        assert!(bad.is_err());
    }

    #[test]
    fn parallelism_comes_first_unless_partitions_get_tiny() {
        let mut settings = AdaptiveSettings::from_settings(&Settings::default()).unwrap();
        assert!(settings.enabled);
        settings.advisory_bytes = 1_000;
        settings.min_partition_bytes = 100;
        assert_eq!(settings.target_bytes(2_000, 4), 500);
        assert_eq!(settings.target_bytes(200, 4), 100);
        assert_eq!(settings.target_bytes(1 << 30, 4), 1_000);
        settings.parallelism_first = false;
        assert_eq!(settings.target_bytes(200, 4), 1_000);
    }
}
