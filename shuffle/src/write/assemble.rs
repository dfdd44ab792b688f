//! Blocks of all workers to the two files of an output.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use rsql_common::{Error, Result};
use rsql_exec::TaskContext;

use super::Shared;
use super::block::Block;
use super::order::in_sequence;
use crate::format::{Index, data_header, schema_hash};
use crate::output::{MapOutput, PartitionFigures, describe};
use crate::store::{Unfinished, io_error};

/// Writes the files and gives their figures.
pub(super) fn assemble(shared: &Arc<Shared>, cx: &TaskContext) -> Result<MapOutput> {
    let (mut blocks, rows, sample) = {
        let mut collected = shared.collected.lock();
        (
            std::mem::take(&mut collected.blocks),
            std::mem::take(&mut collected.rows),
            collected.sample.take(),
        )
    };
    blocks.sort_by_key(|b| (b.partition, b.first()));
    let mut partitions: Vec<PartitionFigures> = rows
        .into_iter()
        .map(|(rows, hash)| PartitionFigures {
            rows,
            hash,
            ..Default::default()
        })
        .collect();
    shared.query_dir()?;
    let files = shared.store.files(shared.spec.output);
    if files.index.exists() {
        return Err(Error::internal(format!(
            "{} was written before",
            describe(shared.spec.output)
        )));
    }
    let unfinished = Unfinished::new(&files);
    write_data(shared, &unfinished.temporary.data, blocks, &mut partitions, cx)?;
    // The memory of the blocks is free as soon as they are written.
    shared.collected.lock().memory.clear();
    let index = Index {
        id: shared.spec.output,
        tag: shared.tag,
        schema: schema_hash(&shared.types),
        encrypted: shared.cipher.is_some(),
        partitions,
    };
    let index_file = &unfinished.temporary.index;
    fs::write(index_file, index.to_bytes()).map_err(|e| io_error(&e, index_file))?;
    unfinished.publish()?;
    MapOutput::seal(index.id, index.tag, index.partitions, sample, index.encrypted)
}

fn write_data(
    shared: &Arc<Shared>,
    path: &Path,
    blocks: Vec<Block>,
    partitions: &mut [PartitionFigures],
    cx: &TaskContext,
) -> Result<()> {
    let failed = |e: std::io::Error| io_error(&e, path);
    let file = File::create_new(path).map_err(failed)?;
    let mut out = BufWriter::with_capacity(256 << 10, file);
    out.write_all(&data_header(shared.spec.output, shared.tag))
        .map_err(failed)?;
    let mut write = |block: Block| {
        cx.cancel.check()?;
        let figures = partitions
            .get_mut(block.partition as usize)
            .ok_or_else(|| Error::internal("a block of no partition"))?;
        figures.crc = crc32c::crc32c_append(figures.crc, &block.crc.to_le_bytes());
        let frame = block.into_frame()?;
        figures.bytes += frame.len() as u64;
        out.write_all(&frame).map_err(failed)
    };
    match shared.ordered {
        true => in_sequence(shared, blocks, cx, &mut write)?,
        false => blocks.into_iter().try_for_each(write)?,
    }
    out.flush().map_err(failed)
}
