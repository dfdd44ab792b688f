//! A pipeline source over a [`BlockQueue`]: a block is a morsel.

use std::sync::Arc;

use rsql_common::Result;
use rsql_exec::TaskContext;
use rsql_exec::pipeline::{LocalSource, Source, SourceStatus};
use rsql_expr::Chunk;

use super::queue::{BlockQueue, Taken};

/// Gives the rows of a stage's output.
pub(super) struct ShuffleSource {
    queue: Arc<BlockQueue>,
}

impl ShuffleSource {
    pub(super) fn new(queue: Arc<BlockQueue>) -> Self {
        Self { queue }
    }
}

impl Source for ShuffleSource {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        self.queue.start()?;
        Ok(Box::new(LocalShuffle {
            queue: Arc::clone(&self.queue),
            block: None,
        }))
    }

    fn parallelism(&self) -> usize {
        // Blocks are rarely above 256 KiB as they are stored; a unit may be one of them or many.
        let blocks = (self.queue.read.bytes() >> 18) as usize;
        self.queue.read.units.len().max(blocks).max(1)
    }
}

struct LocalShuffle {
    queue: Arc<BlockQueue>,
    /// The current block and its rows that were given.
    block: Option<(Chunk, usize)>,
}

impl LocalSource for LocalShuffle {
    fn next(&mut self) -> Result<SourceStatus> {
        if let Some((chunk, given)) = &mut self.block {
            if *given < chunk.len {
                let rows = (chunk.len - *given).min(self.queue.chunk_rows);
                let part = chunk.slice(*given, rows);
                *given += rows;
                return Ok(SourceStatus::Chunk(part));
            }
            self.block = None;
            return Ok(SourceStatus::MorselDone);
        }
        match self.queue.take()? {
            Taken::End => Ok(SourceStatus::Finished),
            Taken::Blocked => Ok(SourceStatus::Blocked),
            Taken::Frame(frame) => {
                self.block = Some((self.queue.decode(frame)?, 0));
                self.next()
            }
        }
    }
}
