//! Sorted runs on disk: blocks of rows in order, each with the key of its first row in memory.

use std::ops::Range;

use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::Chunk;

use super::gather::{Gather, Pick};
use super::key::OwnedKey;
use super::run::Ordered;
use super::sorter::Batch;
use crate::concat::chunk_bytes;
use crate::encoding::StringsBuffer;
use crate::metrics::Usage;
use crate::pipeline::TaskContext;
use crate::spill::{SpillFile, SpillWriter};

/// A block has, roughly, at most so many bytes: a merge has one of each run in memory.
const BLOCK_BYTES: usize = 512 << 10;

/// A sorted run.
#[derive(Clone)]
pub(super) struct SpilledRun {
    pub file: SpillFile,
    /// Key of each block's first row.
    firsts: Vec<OwnedKey>,
    /// Bytes of the largest block in memory, roughly.
    pub block_bytes: usize,
}

/// A run being written.
pub(super) struct RunWriter {
    file: SpillWriter,
    firsts: Vec<OwnedKey>,
    block_bytes: usize,
}

/// Rows of a block; few under `rsql.exec.force_spill`, so that little data has many.
pub(super) fn block_rows(cx: &TaskContext) -> usize {
    if cx.force_spill { 16 } else { 1024 }
}

impl RunWriter {
    /// For rows of these engine types, which are followed by where each stood in the source.
    pub fn new(types: &[DataType], usage: &Usage, cx: &TaskContext) -> Self {
        let place = [DataType::UInt64, DataType::UInt64];
        let types: Vec<DataType> = types.iter().cloned().chain(place).collect();
        Self {
            file: SpillWriter::new(&cx.spill_dir, &types, usage),
            firsts: Vec::new(),
            block_bytes: 0,
        }
    }

    /// Sorts and appends the rows of some batches: a run of its own.
    pub fn sort(mut self, batches: Vec<Batch>, fetch: Option<u64>, cx: &TaskContext) -> Result<SpilledRun> {
        let sorted = Ordered::sort(batches, fetch)?;
        let bytes: usize = sorted.batches.iter().map(|b| chunk_bytes(&b.chunk)).sum();
        let rows: usize = sorted.batches.iter().map(|b| b.chunk.len).sum();
        let width = bytes / rows.max(1) + 16;
        let chunks: Vec<_> = sorted.batches.iter().map(|b| &b.chunk).collect();
        let gather = Gather::new(&chunks)?;
        let mut strings = StringsBuffer::default();
        let mut picks: Vec<Pick> = Vec::new();
        for rows in sorted.order.chunks((BLOCK_BYTES / width).clamp(1, block_rows(cx))) {
            cx.cancel.check()?;
            picks.clear();
            picks.extend(rows.iter().map(|r| sorted.pick(*r)));
            self.firsts
                .extend(picks.first().map(|(b, r)| sorted.batches[*b].keys.owned(*r)));
            self.block_bytes = self.block_bytes.max(width * picks.len());
            let columns = gather.columns();
            self.file.block(picks.len(), |encoder, out| {
                encoder.encode(picks.len(), out, |i, to| match i.checked_sub(columns) {
                    None => gather.encode(i, &picks, &mut strings, to),
                    Some(n) => {
                        let number = |pick: &Pick| {
                            let place = sorted.place(*pick);
                            (if n == 0 { place.sequence } else { place.arrival }) as i64
                        };
                        to.ints(&picks.iter().map(number).collect::<Vec<i64>>(), None)
                    }
                })
            })?;
        }
        self.finish()
    }

    /// Appends a block of rows, which follow those before.
    pub fn write(&mut self, chunk: &Chunk, first: OwnedKey) -> Result<()> {
        self.block_bytes = self.block_bytes.max(chunk_bytes(chunk));
        self.file.write_block(chunk)?;
        self.firsts.push(first);
        Ok(())
    }

    pub fn finish(self) -> Result<SpilledRun> {
        Ok(SpilledRun {
            file: self.file.finish()?,
            firsts: self.firsts,
            block_bytes: self.block_bytes,
        })
    }
}

impl SpilledRun {
    /// Blocks that hold rows between two keys, the first one included; rows outside may be among them.
    pub fn blocks(&self, from: Option<&OwnedKey>, to: Option<&OwnedKey>) -> Range<usize> {
        let start = from.map_or(0, |k| self.firsts.partition_point(|f| f < k).saturating_sub(1));
        let end = to.map_or(self.firsts.len(), |k| self.firsts.partition_point(|f| f < k));
        start..end.max(start)
    }

    /// Keys that cut the rows of runs into parts of about so many blocks.
    pub fn cuts(runs: &[SpilledRun], blocks: usize) -> Vec<OwnedKey> {
        let mut firsts: Vec<&OwnedKey> = runs.iter().flat_map(|r| &r.firsts).collect();
        firsts.sort_unstable();
        let mut cuts: Vec<OwnedKey> = firsts.chunks(blocks).skip(1).map(|c| c[0].clone()).collect();
        cuts.dedup();
        cuts
    }
}
