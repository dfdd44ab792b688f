//! What the stages of a query wrote so far.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::StageId;

use crate::stages::Stage;

/// One partition of one task's output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes as they are stored.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
}

/// What a stage wrote, by task and partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageStats {
    maps: Vec<Vec<Written>>,
}

impl StageStats {
    /// Figures of all tasks, in their order.
    pub fn new(maps: Vec<Vec<Written>>) -> Self {
        Self { maps }
    }

    /// Rows of all partitions.
    pub fn rows(&self) -> u64 {
        self.maps.iter().flatten().map(|w| w.rows).sum()
    }

    /// Bytes of all partitions.
    pub fn bytes(&self) -> u64 {
        self.maps.iter().flatten().map(|w| w.bytes).sum()
    }

    /// Bytes of one task's part of a partition.
    pub(super) fn part(&self, map: usize, partition: usize) -> u64 {
        let part = self.maps.get(map).and_then(|m| m.get(partition));
        part.map_or(0, |w| w.bytes)
    }

    /// Bytes of a partition.
    pub(super) fn partition(&self, partition: usize) -> u64 {
        (0..self.maps.len()).map(|map| self.part(map, partition)).sum()
    }

    /// Whether these are the figures of all tasks of `stage`.
    fn are_of(&self, stage: &Stage) -> bool {
        let partitions = stage.partitioning.partitions_written();
        self.maps.len() == stage.tasks && self.maps.iter().all(|m| m.len() == partitions)
    }
}

/// How far the stages of a query are.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    started: BTreeSet<StageId>,
    finished: BTreeMap<StageId, StageStats>,
}

impl Progress {
    /// Notes that tasks of a stage were started: it stays as it is.
    pub fn start(&mut self, stage: StageId) {
        self.started.insert(stage);
    }

    /// Notes what a stage wrote.
    pub fn finish(&mut self, stage: StageId, stats: StageStats) {
        self.started.insert(stage);
        self.finished.insert(stage, stats);
    }

    /// Whether a stage may not be changed any more.
    pub fn has_started(&self, stage: StageId) -> bool {
        self.started.contains(&stage)
    }

    /// What a stage wrote, if it is done; figures of a part of its tasks (it was stopped) do not count.
    pub(super) fn stats(&self, stage: &Stage) -> Option<&StageStats> {
        self.finished.get(&stage.id).filter(|s| s.are_of(stage))
    }
}
