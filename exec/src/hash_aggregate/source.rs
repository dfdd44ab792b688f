//! Hands out the groups; merges hash partitions of them where that was left to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::{Chunk, Vector};

use super::partial::Partial;
use super::sink::SharedAggregate;
use super::spilled::{PartitionGroups, SpilledGroups};
use super::state::GroupedState;
use crate::pipeline::{LocalSource, Source, SourceStatus, TaskContext};

/// What the sink left.
pub(super) enum Groups {
    /// Output columns.
    Finished { columns: Vec<ArrayRef>, rows: usize },
    /// Workers' states, each with its groups by partition.
    Partitioned {
        partials: Vec<(Partial, Vec<Vec<u32>>)>,
        partitions: usize,
    },
    /// All states are in the spill files.
    Spilled,
}

pub(super) struct AggregateSource {
    shared: Arc<SharedAggregate>,
    cursor: Arc<AtomicUsize>,
}

impl AggregateSource {
    pub(super) fn new(shared: Arc<SharedAggregate>) -> Self {
        Self {
            shared,
            cursor: Arc::default(),
        }
    }
}

/// Rows a morsel of finished groups has.
const MORSEL_ROWS: usize = 1 << 16;

struct LocalGroups {
    shared: Arc<SharedAggregate>,
    cursor: Arc<AtomicUsize>,
    cx: Arc<TaskContext>,
    columns: Vec<ArrayRef>,
    next: usize,
    end: usize,
    sequence: u64,
    begun: bool,
    /// A spilled partition being merged.
    partition: Option<PartitionGroups>,
}

impl Source for AggregateSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalGroups {
            shared: Arc::clone(&self.shared),
            cursor: Arc::clone(&self.cursor),
            cx: Arc::clone(cx),
            columns: Vec::new(),
            next: 0,
            end: 0,
            sequence: 0,
            begun: false,
            partition: None,
        }))
    }

    fn parallelism(&self) -> usize {
        match self.shared.groups.get() {
            Some(Groups::Finished { rows, .. }) => rows.div_ceil(MORSEL_ROWS).max(1),
            Some(Groups::Partitioned { partitions, .. }) => *partitions,
            Some(Groups::Spilled) => self.shared.spill_files().map_or(1, SpilledGroups::count),
            None => 1,
        }
    }
}

impl LocalGroups {
    /// Prepares some more groups of a spilled partition. True, with no rows perhaps: a partition may be empty.
    fn next_pass(&mut self) -> Result<bool> {
        (self.columns, self.next, self.end) = (Vec::new(), 0, 0);
        match self
            .partition
            .as_mut()
            .map(PartitionGroups::next)
            .transpose()?
            .flatten()
        {
            Some(state) => (self.columns, self.end) = state.finish()?,
            None => self.partition = None,
        }
        Ok(true)
    }

    /// Prepares the next morsel; false if there is none.
    fn next_morsel(&mut self) -> Result<bool> {
        let morsel = self.cursor.fetch_add(1, Ordering::Relaxed);
        self.sequence = (morsel as u64) << 32;
        let shared = Arc::clone(&self.shared);
        let state = match shared.groups.get() {
            None => return Ok(false),
            Some(Groups::Finished { columns, rows }) => {
                (self.next, self.end) = (morsel * MORSEL_ROWS, rows.min(&((morsel + 1) * MORSEL_ROWS)).to_owned());
                if self.columns.is_empty() {
                    self.columns = columns.clone();
                }
                return Ok(self.next < self.end);
            }
            Some(Groups::Partitioned { partials, partitions }) => {
                if morsel >= *partitions {
                    return Ok(false);
                }
                let most = partials.iter().map(|(_, groups)| groups[morsel].len()).sum();
                let mut state = GroupedState::of_partition(&shared.spec, most, self.cx.hash_zero)?;
                for (partial, groups) in partials {
                    state.merge(&partial.select(&groups[morsel])?)?;
                }
                state
            }
            Some(Groups::Spilled) => match shared.spill_files() {
                Some(files) if morsel < files.count() => {
                    self.partition = Some(files.open(morsel, &self.cx)?);
                    return self.next_pass();
                }
                _ => return Ok(false),
            },
        };
        let rows;
        (self.columns, rows) = state.finish()?;
        (self.next, self.end) = (0, rows);
        Ok(true)
    }
}

impl LocalSource for LocalGroups {
    fn next(&mut self) -> Result<SourceStatus> {
        self.cx.cancel.check()?;
        while self.next >= self.end {
            if self.partition.is_some() {
                self.next_pass()?;
                continue;
            }
            let begun = std::mem::replace(&mut self.begun, true);
            if !self.next_morsel()? {
                return Ok(SourceStatus::Finished);
            }
            if begun {
                return Ok(SourceStatus::MorselDone);
            }
        }
        let len = self.cx.chunk_rows.min(self.end - self.next);
        let columns = self.columns.iter().map(|c| Vector::Flat(c.slice(self.next, len)));
        let chunk = Chunk::new(columns.collect(), len).with_sequence(self.sequence);
        self.next += len;
        self.sequence += 1;
        Ok(SourceStatus::Chunk(chunk))
    }
}
