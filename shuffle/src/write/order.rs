//! Puts ordered rows that several workers took turns in writing back into sequence.
//!
//! A block whose sequence numbers do not overlap with its neighbours' is copied as it is. Blocks that overlap are
//! decoded, their rows sorted by sequence number and encoded again; workers end blocks at jumps of the sequence, so these
//! are few or small.

use std::sync::Arc;

use bytes::Bytes;
use rsql_common::{Error, Result};
use rsql_exec::TaskContext;
use rsql_exec::encoding::RowsDecoder;
use rsql_expr::Chunk;

use super::Shared;
use super::block::{Block, Run, extend_runs};
use super::local::BlockEncoder;
use crate::buffer::{PartitionBuffers, Routes};
use crate::format::open_frame;

/// The same rows in blocks whose order is the rows'. The blocks come sorted by their first sequence number.
pub(super) fn in_sequence(shared: &Arc<Shared>, blocks: Vec<Block>, cx: &TaskContext) -> Result<Vec<Block>> {
    let mut out: Vec<Block> = Vec::with_capacity(blocks.len());
    let mut group: Vec<Block> = Vec::new();
    let mut last = 0;
    for block in blocks {
        if !group.is_empty() && block.first() > last {
            close(shared, std::mem::take(&mut group), &mut out, cx)?;
        }
        last = if group.is_empty() {
            block.last()
        } else {
            last.max(block.last())
        };
        group.push(block);
    }
    close(shared, group, &mut out, cx)?;
    Ok(out)
}

/// Appends a group of blocks that overlap.
fn close(shared: &Arc<Shared>, group: Vec<Block>, out: &mut Vec<Block>, cx: &TaskContext) -> Result<()> {
    // A chunk whose rows were cut over two blocks of one worker is in order already.
    if group.windows(2).all(|w| w[0].last() <= w[1].first()) {
        out.extend(group);
        return Ok(());
    }
    let memory = cx.memory.register("shuffle order", false);
    let decoder = RowsDecoder::new(&shared.types);
    let mut encoder = BlockEncoder::new(Arc::clone(shared))?;
    let mut pieces: Vec<(u64, Chunk)> = Vec::new();
    for block in group {
        cx.cancel.check()?;
        let runs = block.runs.clone();
        let chunk = decode(shared, &decoder, block)?;
        memory.try_grow(chunk.memory_size())?;
        let mut from = 0;
        for Run { sequence, rows } in runs {
            pieces.push((sequence, chunk.slice(from, rows)));
            from += rows;
        }
    }
    pieces.sort_by_key(|(sequence, _)| *sequence);
    let mut buffers = PartitionBuffers::new(&shared.types, 1);
    let (mut routes, mut runs) = (Routes::default(), Vec::new());
    let mut pieces = pieces.into_iter().peekable();
    while let Some((sequence, chunk)) = pieces.next() {
        routes.all_to_first(&chunk, 1);
        buffers.append(&chunk, &routes)?;
        extend_runs(&mut runs, sequence, chunk.len);
        if buffers.bytes(0) >= shared.spec.options.block_bytes || pieces.peek().is_none() {
            encoder.encode(&buffers, 0, std::mem::take(&mut runs), out)?;
            buffers.clear(0);
        }
    }
    Ok(())
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
