//! Puts ordered rows that several workers took turns in writing back into sequence.
//!
//! A block whose sequence numbers do not overlap with its neighbours' is copied as it is. Blocks that overlap are decoded,
//! merged by sequence number and encoded again; what lies before the next block's first row is written at once, so only
//! blocks that overlap each other are held, not a chain of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rsql_common::{Error, Reservation, Result};
use rsql_exec::TaskContext;
use rsql_exec::encoding::RowsDecoder;
use rsql_expr::Chunk;

use super::Shared;
use super::block::{Block, Run, extend_runs};
use super::local::BlockEncoder;
use crate::buffer::{PartitionBuffers, Routes};
use crate::format::open_frame;

/// Writes the same rows in blocks whose order is the rows'. The blocks come sorted by their first sequence number.
pub(super) fn in_sequence(
    shared: &Arc<Shared>,
    blocks: Vec<Block>,
    cx: &TaskContext,
    write: &mut dyn FnMut(Block) -> Result<()>,
) -> Result<()> {
    let mut merge: Option<Merge> = None;
    let mut blocks = blocks.into_iter().peekable();
    while let Some(block) = blocks.next() {
        cx.cancel.check()?;
        let next = blocks.peek().map(Block::first);
        let waiting = merge.as_ref().is_some_and(|m| !m.waiting.is_empty());
        // A chunk whose rows were cut over two blocks of one worker is in order already.
        if !waiting && next.is_none_or(|next| block.last() <= next) {
            write(block)?;
            continue;
        }
        let merge = match &mut merge {
            Some(merge) => merge,
            None => merge.insert(Merge::new(shared, cx)?),
        };
        merge.take(block)?;
        merge.give(next, write)?;
    }
    Ok(())
}

/// Rows of blocks that overlap.
struct Merge {
    shared: Arc<Shared>,
    memory: Reservation,
    decoder: RowsDecoder,
    encoder: BlockEncoder,
    /// By sequence number, then by arrival.
    waiting: BTreeMap<(u64, usize), Piece>,
    arrived: usize,
    /// Rows in sequence that are not yet a block.
    buffers: PartitionBuffers,
    runs: Vec<Run>,
    routes: Routes,
}

/// Rows of one sequence number.
struct Piece {
    rows: Chunk,
    /// Bytes that are free with this piece: those of its block, if it is the block's last.
    frees: usize,
}

impl Merge {
    fn new(shared: &Arc<Shared>, cx: &TaskContext) -> Result<Self> {
        Ok(Self {
            memory: cx.memory.register("shuffle order", false),
            decoder: RowsDecoder::new(&shared.types),
            encoder: BlockEncoder::new(Arc::clone(shared))?,
            waiting: BTreeMap::new(),
            arrived: 0,
            buffers: PartitionBuffers::new(&shared.types, 1),
            runs: Vec::new(),
            routes: Routes::default(),
            shared: Arc::clone(shared),
        })
    }

    fn take(&mut self, block: Block) -> Result<()> {
        let runs = block.runs.clone();
        let chunk = decode(&self.shared, &self.decoder, block)?;
        let bytes = chunk.memory_size();
        self.memory.try_grow(bytes)?;
        let (mut from, last) = (0, runs.len().saturating_sub(1));
        for (i, Run { sequence, rows }) in runs.into_iter().enumerate() {
            let piece = Piece {
                rows: chunk.slice(from, rows),
                frees: if i == last { bytes } else { 0 },
            };
            self.waiting.insert((sequence, self.arrived), piece);
            self.arrived += 1;
            from += rows;
        }
        Ok(())
    }

    /// Writes what comes before sequence number `until`; everything, if no block follows.
    fn give(&mut self, until: Option<u64>, write: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        while let Some(first) = self.waiting.first_entry() {
            let (sequence, _) = *first.key();
            if until.is_some_and(|until| sequence >= until) {
                break;
            }
            let piece = first.remove();
            self.routes.all_to_first(&piece.rows, 1);
            self.buffers.append(&piece.rows, &self.routes)?;
            extend_runs(&mut self.runs, sequence, piece.rows.len);
            self.memory.shrink(piece.frees);
            if self.buffers.bytes(0) >= self.shared.spec.options.block_bytes {
                self.flush(write)?;
            }
        }
        match self.waiting.is_empty() && self.buffers.rows(0) > 0 {
            true => self.flush(write),
            false => Ok(()),
        }
    }

    fn flush(&mut self, write: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let mut blocks = Vec::new();
        self.encoder
            .encode(&self.buffers, 0, std::mem::take(&mut self.runs), &mut blocks)?;
        self.buffers.clear(0);
        blocks.into_iter().try_for_each(write)
    }
}

fn decode(shared: &Shared, decoder: &RowsDecoder, block: Block) -> Result<Chunk> {
    let damaged = || Error::io("a spilled shuffle block does not match its checksum");
    let partition = block.partition;
    let (mut payload, _) = open_frame(&Bytes::from(block.into_frame()?)).ok_or_else(damaged)?;
    if let Some(cipher) = &shared.cipher {
        payload = cipher.open(partition, &payload).ok_or_else(damaged)?.into();
    }
    decoder.decode(payload)
}
