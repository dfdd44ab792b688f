//! A worker of the shuffle sink.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rsql_common::metrics::Counter;
use rsql_common::{Reservation, Result};
use rsql_exec::TaskContext;
use rsql_exec::encoding::RowsEncoder;
use rsql_exec::pipeline::{Flow, LocalSink};
use rsql_expr::Chunk;

use super::Shared;
use super::block::{Block, Place, Run, RunFile, extend_runs};
use crate::buffer::{PartitionBuffers, Routes};
use crate::format::{FRAME_HEADER, NUMBER, TAG, seal_frame};
use crate::hash::{ROW_SEED, RowHasher};
use crate::output::RowSetHash;
use crate::partition::{KeySampler, Router, selected};

/// A block's frame is at most this long, unless a single row is longer.
pub(super) const BLOCK_CAP: usize = 4 << 20;
/// Blocks of many partitions are smaller than the target, but not by much more than this.
const BLOCK_FLOOR: usize = 64 << 10;
/// A jump of the sequence numbers ends a block of ordered rows that is at least so large.
const ORDERED_BLOCK: usize = 256 << 10;
/// Rows that a worker buffers over all partitions.
const BUFFER_BYTES: usize = 64 << 20;
/// Encoded blocks that a worker keeps in memory at most.
const KEPT_BYTES: usize = 256 << 20;
/// Once it has spilled.
const KEPT_AFTERWARDS: usize = 8 << 20;
/// Memory is asked for in steps.
const GRANT: usize = 1 << 20;

/// A worker's rows on their way to blocks.
pub(super) struct LocalWriter {
    shared: Arc<Shared>,
    router: Router,
    sampler: Option<KeySampler>,
    row_hasher: RowHasher,
    row_hashes: Vec<u64>,
    route: Vec<u32>,
    routes: Routes,
    buffers: PartitionBuffers,
    /// Sequence numbers of each partition's buffered rows; only the first one if order does not matter.
    runs: Vec<Vec<Run>>,
    rows: Vec<(u64, RowSetHash)>,
    encoder: BlockEncoder,
    blocks: Vec<Block>,
    block_bytes: usize,
    kept: usize,
    keep_at_most: usize,
    spill: Option<(Arc<RunFile>, u64)>,
    memory: Option<Reservation>,
    force_spill: bool,
    /// Bytes that the task has spilled.
    spilled: Counter,
}

impl LocalWriter {
    pub(super) fn new(shared: Arc<Shared>, cx: &Arc<TaskContext>) -> Result<Self> {
        let n = shared.partitions;
        let seed = u64::from(shared.spec.output.map) << 32 | u64::from(shared.spec.output.stage.0);
        let sampler = shared.spec.sample.as_ref().map(|keys| KeySampler::new(keys, seed, cx));
        let share = cx.memory.limit() / (8 * cx.threads.max(1));
        Ok(Self {
            router: Router::new(&shared.spec.partitioning, shared.spec.bounds.as_ref(), cx)?,
            sampler: sampler.transpose()?,
            row_hasher: RowHasher::new(ROW_SEED),
            row_hashes: Vec::new(),
            route: Vec::new(),
            routes: Routes::default(),
            buffers: PartitionBuffers::new(&shared.types, n),
            runs: vec![Vec::new(); n],
            rows: vec![Default::default(); n],
            encoder: BlockEncoder::new(Arc::clone(&shared))?,
            blocks: Vec::new(),
            block_bytes: shared.spec.options.block_bytes.min((BUFFER_BYTES / n).max(BLOCK_FLOOR)),
            kept: 0,
            keep_at_most: share.clamp(16 << 20, KEPT_BYTES),
            spill: None,
            memory: Some(cx.memory.register("shuffle write", true)),
            force_spill: cx.force_spill,
            spilled: cx.totals.spilled.clone(),
            shared,
        })
    }

    /// Counts the routed rows and buffers them.
    fn buffer(&mut self, chunk: &Chunk, routed: bool) -> Result<()> {
        if routed {
            for (p, hash) in self.route.iter().zip(&self.row_hashes) {
                let (rows, set) = &mut self.rows[*p as usize];
                *rows += 1;
                set.add(*hash);
            }
            self.routes.group(chunk, &self.route, self.shared.partitions);
        } else {
            let (rows, set) = &mut self.rows[0];
            *rows += self.row_hashes.len() as u64;
            self.row_hashes.iter().for_each(|h| set.add(*h));
            self.routes.all_to_first(chunk, self.shared.partitions);
        }
        self.buffers.append(chunk, &self.routes)?;
        for (p, runs) in self.runs.iter_mut().enumerate() {
            let rows = self.routes.of(p).len();
            if rows > 0 && (self.shared.ordered || runs.is_empty()) {
                extend_runs(runs, chunk.sequence, rows);
            }
        }
        Ok(())
    }

    /// True if a chunk must not follow what is buffered in one block.
    fn breaks_order(&self, chunk: &Chunk) -> bool {
        let Some(last) = self.runs[0].last().filter(|_| self.shared.ordered) else {
            return false;
        };
        chunk.sequence < last.sequence || (chunk.sequence > last.sequence + 1 && self.buffers.bytes(0) >= ORDERED_BLOCK)
    }

    /// Makes blocks of a partition's rows.
    fn flush(&mut self, partition: usize) -> Result<()> {
        if self.buffers.rows(partition) == 0 {
            return Ok(());
        }
        let runs = std::mem::take(&mut self.runs[partition]);
        let before = self.blocks.len();
        self.encoder.encode(&self.buffers, partition, runs, &mut self.blocks)?;
        self.buffers.clear(partition);
        self.kept += self.blocks[before..].iter().map(Block::memory).sum::<usize>();
        Ok(())
    }

    fn flush_all(&mut self) -> Result<()> {
        (0..self.shared.partitions).try_for_each(|p| self.flush(p))
    }

    /// Moves the blocks from memory to the worker's file.
    fn spill_blocks(&mut self) -> Result<()> {
        if self.kept == 0 {
            return Ok(());
        }
        let (file, end) = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert((RunFile::create(&self.shared.query_dir()?)?, 0)),
        };
        for block in &mut self.blocks {
            if let Place::Memory(frame) = &block.place {
                file.write(*end, frame)?;
                let len = frame.len();
                block.place = Place::Spilled {
                    file: Arc::clone(file),
                    offset: *end,
                    len,
                };
                *end += len as u64;
                self.spilled.add(len as u64);
            }
        }
        self.kept = 0;
        Ok(())
    }

    /// Keeps the reservation above what is held, or spills.
    fn account(&mut self) -> Result<()> {
        if self.kept > self.keep_at_most {
            self.spill_blocks()?;
            // The output is a large one. The room of a few blocks, used again, costs less than fresh room for many.
            self.keep_at_most = KEPT_AFTERWARDS;
        }
        let Some(memory) = &self.memory else { return Ok(()) };
        let wanted = (self.buffers.held() + self.kept).next_multiple_of(GRANT);
        let refused = wanted > memory.size() && memory.try_resize(wanted).is_err();
        if refused || memory.revoke_requested() || self.force_spill {
            self.flush_all()?;
            self.spill_blocks()?;
            self.buffers.release();
            if let Some(memory) = &self.memory {
                memory.free();
                memory.clear_revoke();
            }
        }
        Ok(())
    }
}

impl LocalSink for LocalWriter {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        if let Some(sampler) = &mut self.sampler {
            sampler.see(&chunk)?;
        }
        if self.shared.spec.sample_only {
            return Ok(Flow::Continue);
        }
        if self.breaks_order(&chunk) {
            self.flush(0)?;
        }
        self.row_hasher
            .hash(&chunk.columns, selected(&chunk), &mut self.row_hashes)?;
        let routed = self.router.route(&chunk, &self.row_hashes, &mut self.route)?;
        self.buffer(&chunk, routed)?;
        for p in 0..self.shared.partitions {
            if self.buffers.bytes(p) >= self.block_bytes {
                self.flush(p)?;
            }
        }
        self.account()?;
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.flush_all()?;
        let mut collected = self.shared.collected.lock();
        collected.blocks.append(&mut self.blocks);
        for ((rows, set), (more, other)) in collected.rows.iter_mut().zip(&self.rows) {
            *rows += more;
            set.merge(*other);
        }
        if let (Some(all), Some(sampler)) = (&mut collected.sample, self.sampler.take()) {
            all.merge(sampler.finish());
        }
        collected.memory.extend(self.memory.take());
        Ok(())
    }
}

/// Makes frames of rows.
pub(super) struct BlockEncoder {
    shared: Arc<Shared>,
    payloads: RowsEncoder,
    /// Where frames are made: there they are longer at times than at the end, before a column is compressed.
    frame: Vec<u8>,
}

impl BlockEncoder {
    pub(super) fn new(shared: Arc<Shared>) -> Result<Self> {
        Ok(Self {
            payloads: RowsEncoder::new(shared.types.len(), shared.spec.options.compression)?,
            shared,
            frame: Vec::new(),
        })
    }

    /// Appends the blocks of a partition's rows; more than one if they are many.
    pub(super) fn encode(
        &mut self,
        rows: &PartitionBuffers,
        partition: usize,
        runs: Vec<Run>,
        blocks: &mut Vec<Block>,
    ) -> Result<()> {
        self.encode_some(rows, partition, 0..rows.rows(partition), runs, blocks)
    }

    fn encode_some(
        &mut self,
        all: &PartitionBuffers,
        partition: usize,
        rows: Range<usize>,
        runs: Vec<Run>,
        blocks: &mut Vec<Block>,
    ) -> Result<()> {
        let bytes = all.bytes(partition) / all.rows(partition).max(1) * rows.len();
        if bytes <= BLOCK_CAP || rows.len() <= 1 {
            let frame = self.frame(all, partition, rows.clone())?;
            if frame.len() <= BLOCK_CAP || rows.len() <= 1 {
                blocks.push(self.seal(frame, partition as u32, runs)?);
                return Ok(());
            }
        }
        let middle = rows.start + rows.len() / 2;
        let (first, second) = split_runs(runs, rows.len() / 2);
        self.encode_some(all, partition, rows.start..middle, first, blocks)?;
        self.encode_some(all, partition, middle..rows.end, second, blocks)
    }

    /// A frame whose headers are left free.
    fn frame(&mut self, all: &PartitionBuffers, partition: usize, rows: Range<usize>) -> Result<Vec<u8>> {
        let head = FRAME_HEADER + self.number();
        self.frame.clear();
        self.frame.resize(head, 0);
        all.encode(partition, rows, &mut self.payloads, &mut self.frame)?;
        // The block waits in no more room than it needs; the cipher appends its tag.
        let mut frame = Vec::with_capacity(self.frame.len() + TAG);
        frame.extend_from_slice(&self.frame);
        Ok(frame)
    }

    /// Bytes of the number before an encrypted payload.
    fn number(&self) -> usize {
        self.shared.cipher.as_ref().map_or(0, |_| NUMBER)
    }

    fn seal(&self, mut frame: Vec<u8>, partition: u32, runs: Vec<Run>) -> Result<Block> {
        if let Some(cipher) = &self.shared.cipher {
            let number = self.shared.next_block.fetch_add(1, Ordering::Relaxed);
            cipher.seal(number, partition, &mut frame, FRAME_HEADER)?;
        }
        let crc = seal_frame(&mut frame);
        Ok(Block {
            partition,
            crc,
            runs,
            place: Place::Memory(frame),
        })
    }
}

/// The runs of the first `rows` rows, and of the rest. Where order does not matter only the first rows have a run; both
/// halves begin with it then.
fn split_runs(runs: Vec<Run>, rows: usize) -> (Vec<Run>, Vec<Run>) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut left = rows;
    for run in runs {
        let here = run.rows.min(left);
        left -= here;
        if here > 0 {
            first.push(Run { rows: here, ..run });
        }
        if here < run.rows {
            second.push(Run {
                rows: run.rows - here,
                ..run
            });
        }
    }
    if second.is_empty() {
        second.extend(first.last().copied());
    }
    (first, second)
}
