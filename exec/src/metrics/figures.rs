//! What counters stood at: plain numbers that travel between processes and are added up over the tasks of a stage.

use serde::{Deserialize, Serialize};

use super::{NodeMetrics, ScanMetrics};

/// What a node did, in one task or in several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFigures {
    /// Rows put out.
    pub rows: u64,
    /// Bytes of the rows put out.
    pub bytes: u64,
    /// Nanoseconds of all workers.
    pub nanos: u64,
    /// The most memory that one task had reserved at one time.
    pub memory: u64,
    /// Bytes written to spill files.
    pub spilled: u64,
    /// What a scan read and skipped.
    pub scan: ScanFigures,
}

/// What a scan read and skipped: what the counters of [`ScanMetrics`] stood at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanFigures {
    /// Files.
    pub files: u64,
    /// Files that runtime filters ruled out.
    pub files_pruned: u64,
    /// Row groups.
    pub groups: u64,
    /// Row groups that statistics ruled out.
    pub groups_pruned: u64,
    /// Page ranges of the other row groups.
    pub ranges: u64,
    /// Page ranges that statistics ruled out.
    pub ranges_pruned: u64,
    /// Rows that statistics ruled out.
    pub rows_pruned: u64,
    /// Rows that conditions dropped.
    pub rows_filtered: u64,
    /// Rows that runtime filters dropped.
    pub rows_by_runtime: u64,
    /// Bytes of pages read, as stored.
    pub bytes_read: u64,
    /// The same after decompression.
    pub bytes_decompressed: u64,
}

impl NodeFigures {
    /// Adds what the node did in another task.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.nanos += other.nanos;
        self.memory = self.memory.max(other.memory);
        self.spilled += other.spilled;
        self.scan.add(&other.scan);
    }
}

impl ScanFigures {
    fn add(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.files, other.files),
            (&mut self.files_pruned, other.files_pruned),
            (&mut self.groups, other.groups),
            (&mut self.groups_pruned, other.groups_pruned),
            (&mut self.ranges, other.ranges),
            (&mut self.ranges_pruned, other.ranges_pruned),
            (&mut self.rows_pruned, other.rows_pruned),
            (&mut self.rows_filtered, other.rows_filtered),
            (&mut self.rows_by_runtime, other.rows_by_runtime),
            (&mut self.bytes_read, other.bytes_read),
            (&mut self.bytes_decompressed, other.bytes_decompressed),
        ] {
            *own += more;
        }
    }
}

impl From<&NodeMetrics> for NodeFigures {
    fn from(node: &NodeMetrics) -> Self {
        Self {
            rows: node.rows.get(),
            bytes: node.bytes.get(),
            nanos: node.nanos.get(),
            memory: node.memory.peak() as u64,
            spilled: node.spilled.get(),
            scan: ScanFigures::from(&node.scan),
        }
    }
}

impl From<&ScanMetrics> for ScanFigures {
    fn from(scan: &ScanMetrics) -> Self {
        Self {
            files: scan.files.get(),
            files_pruned: scan.files_pruned.get(),
            groups: scan.groups.get(),
            groups_pruned: scan.groups_pruned.get(),
            ranges: scan.ranges.get(),
            ranges_pruned: scan.ranges_pruned.get(),
            rows_pruned: scan.rows_pruned.get(),
            rows_filtered: scan.rows_filtered.get(),
            rows_by_runtime: scan.rows_by_runtime.get(),
            bytes_read: scan.bytes_read.get(),
            bytes_decompressed: scan.bytes_decompressed.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_add_up_and_memory_is_that_of_the_largest() {
        let node = NodeMetrics::default();
        node.rows.add(3);
        node.memory.rise(50);
        node.memory.fall(50);
        node.memory.rise(20);
        node.scan.groups.add(2);
        let one = NodeFigures::from(&node);
        assert_eq!((one.rows, one.memory, one.scan.groups), (3, 50, 2));
        let mut sum = NodeFigures {
            memory: 40,
            ..NodeFigures::default()
        };
        sum.add(&one);
        sum.add(&one);
        assert_eq!((sum.rows, sum.memory, sum.scan.groups), (6, 50, 4));
    }
}
