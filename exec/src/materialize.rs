//! Rows kept between pipelines: a sink that collects chunks in order and a source that hands them out again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use crate::concat::{chunk_bytes, tighten};
use crate::pipeline::{Flow, LocalSink, LocalSource, Sink, Source, SourceStatus, TaskContext};

/// Chunks handed out per morsel.
const MORSEL_CHUNKS: usize = 16;

/// Collected chunks, readable any number of times once full.
#[derive(Debug, Default)]
pub(crate) struct ChunkTable {
    chunks: RwLock<Arc<Vec<Chunk>>>,
    reserved: Mutex<Vec<Reservation>>,
}

impl ChunkTable {
    /// A table that a [`CollectSink`] will fill.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A full table.
    pub fn of(chunks: Vec<Chunk>) -> Arc<Self> {
        let table = Self::default();
        table.set(chunks);
        Arc::new(table)
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> Arc<Vec<Chunk>> {
        Arc::clone(&self.chunks.read())
    }

    /// Replaces the chunks and numbers them.
    pub fn set(&self, mut chunks: Vec<Chunk>) {
        for (i, chunk) in chunks.iter_mut().enumerate() {
            chunk.sequence = i as u64;
        }
        *self.chunks.write() = Arc::new(chunks);
    }

    /// Keeps a share of the memory pool for as long as the table lives.
    pub fn keep(&self, reservation: Reservation) {
        self.reserved.lock().push(reservation);
    }
}

/// Fills a [`ChunkTable`].
pub(crate) struct CollectSink {
    pub table: Arc<ChunkTable>,
    collected: Arc<Mutex<Vec<Chunk>>>,
}

impl CollectSink {
    pub fn new(table: Arc<ChunkTable>) -> Self {
        Self {
            table,
            collected: Arc::default(),
        }
    }
}

struct LocalCollect {
    table: Arc<ChunkTable>,
    collected: Arc<Mutex<Vec<Chunk>>>,
    chunks: Vec<Chunk>,
    memory: Option<Reservation>,
}

impl Sink for CollectSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalCollect {
            table: Arc::clone(&self.table),
            collected: Arc::clone(&self.collected),
            chunks: Vec::new(),
            memory: Some(cx.memory.register("materialized rows", false)),
        }))
    }

    fn finalize(&self, _cx: &Arc<TaskContext>) -> Result<()> {
        let mut chunks = std::mem::take(&mut *self.collected.lock());
        chunks.sort_by_key(|c| c.sequence);
        self.table.set(chunks);
        Ok(())
    }
}

impl LocalSink for LocalCollect {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        let chunk = tighten(chunk)?;
        if let Some(memory) = &self.memory {
            memory.try_grow(chunk_bytes(&chunk))?;
        }
        self.chunks.push(chunk);
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.collected.lock().append(&mut self.chunks);
        if let Some(memory) = self.memory.take() {
            self.table.keep(memory);
        }
        Ok(())
    }
}

/// Hands out the chunks of a table.
pub(crate) struct TableSource {
    table: Arc<ChunkTable>,
    cursor: Arc<AtomicUsize>,
}

impl TableSource {
    pub fn new(table: Arc<ChunkTable>) -> Self {
        Self {
            table,
            cursor: Arc::default(),
        }
    }
}

struct LocalTable {
    chunks: Arc<Vec<Chunk>>,
    cursor: Arc<AtomicUsize>,
    next: usize,
    end: usize,
}

impl Source for TableSource {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalTable {
            chunks: self.table.chunks(),
            cursor: Arc::clone(&self.cursor),
            next: 0,
            end: 0,
        }))
    }

    fn parallelism(&self) -> usize {
        self.table.chunks().len().div_ceil(MORSEL_CHUNKS).max(1)
    }
}

impl LocalSource for LocalTable {
    fn next(&mut self) -> Result<SourceStatus> {
        if self.next == self.end {
            let start = self.cursor.fetch_add(MORSEL_CHUNKS, Ordering::Relaxed);
            if start >= self.chunks.len() {
                return Ok(SourceStatus::Finished);
            }
            let first = self.end == 0;
            self.next = start;
            self.end = (start + MORSEL_CHUNKS).min(self.chunks.len());
            if !first {
                return Ok(SourceStatus::MorselDone);
            }
        }
        self.next += 1;
        Ok(SourceStatus::Chunk(self.chunks[self.next - 1].clone()))
    }
}
