//! Rows kept between pipelines: a sink that collects chunks in order and a source that hands them out again.
//!
//! Chunks stay in memory while the pool grants it; others go to spill files and are read back one at a time, by every
//! reader anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::DataType;
use parking_lot::{Mutex, RwLock};
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use crate::concat::{chunk_bytes, tighten};
use crate::metrics::Usage;
use crate::pipeline::{Flow, LocalSink, LocalSource, Sink, Source, SourceStatus, TaskContext};
use crate::spill::{SpillFile, SpillWriter};

/// Chunks handed out per morsel.
const MORSEL_CHUNKS: usize = 16;

/// Collected chunks, readable any number of times once full.
#[derive(Debug, Default)]
pub(crate) struct ChunkTable {
    chunks: RwLock<Arc<Vec<Stored>>>,
    reserved: Mutex<Vec<Reservation>>,
}

/// A dense chunk and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    sequence: u64,
    rows: usize,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Memory(Chunk),
    Disk(SpillFile, usize),
}

impl Stored {
    /// A chunk in memory.
    pub fn memory(chunk: Chunk) -> Self {
        Self {
            sequence: chunk.sequence,
            rows: chunk.len,
            place: Place::Memory(chunk),
        }
    }

    /// Its number in the order of the rows.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Rows of the chunk.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The chunk itself.
    pub fn load(&self) -> Result<Chunk> {
        let chunk = match &self.place {
            Place::Memory(chunk) => chunk.clone(),
            Place::Disk(file, block) => file.block(*block)?,
        };
        Ok(chunk.with_sequence(self.sequence))
    }

    /// The chunk, if it is in memory.
    pub fn in_memory(&self) -> Option<&Chunk> {
        match &self.place {
            Place::Memory(chunk) => Some(chunk),
            Place::Disk(..) => None,
        }
    }
}

impl ChunkTable {
    /// A table that a [`CollectSink`] will fill.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A full table in memory.
    pub fn of(chunks: Vec<Chunk>) -> Arc<Self> {
        let table = Self::default();
        table.set(chunks.into_iter().map(Stored::memory).collect());
        Arc::new(table)
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> Arc<Vec<Stored>> {
        Arc::clone(&self.chunks.read())
    }

    /// Replaces the chunks and numbers them.
    pub fn set(&self, mut chunks: Vec<Stored>) {
        for (i, chunk) in chunks.iter_mut().enumerate() {
            chunk.sequence = i as u64;
        }
        *self.chunks.write() = Arc::new(chunks);
    }

    /// As [`ChunkTable::set`], in the order of the chunks' own numbers; equal ones as they come.
    pub fn set_ordered(&self, mut chunks: Vec<Stored>) {
        chunks.sort_by_key(|c| c.sequence);
        self.set(chunks);
    }

    /// Keeps a share of the memory pool for as long as the table lives.
    pub fn keep(&self, reservation: Reservation) {
        reservation.settle();
        self.reserved.lock().push(reservation);
    }

    /// Takes the chunks out and gives the memory back.
    pub fn take(&self) -> (Arc<Vec<Stored>>, Vec<Reservation>) {
        let chunks = std::mem::take(&mut *self.chunks.write());
        (chunks, std::mem::take(&mut self.reserved.lock()))
    }
}

/// Collects chunks; writes out what the pool does not grant.
pub(crate) struct Collector {
    cx: Arc<TaskContext>,
    types: Arc<[DataType]>,
    usage: Usage,
    held: Vec<Chunk>,
    /// Written chunks: sequence number, rows and block.
    written: Vec<(u64, usize, usize)>,
    writer: Option<SpillWriter>,
    memory: Reservation,
}

impl Collector {
    pub fn new(types: &Arc<[DataType]>, usage: &Usage, cx: &Arc<TaskContext>) -> Self {
        Self {
            cx: Arc::clone(cx),
            types: Arc::clone(types),
            held: Vec::new(),
            written: Vec::new(),
            writer: None,
            memory: usage.register(&cx.memory, "materialized rows", true),
            usage: usage.clone(),
        }
    }

    /// Adds the selected rows of a chunk.
    pub fn push(&mut self, chunk: Chunk) -> Result<()> {
        let chunk = tighten(chunk)?;
        let refused = self.memory.try_grow(chunk_bytes(&chunk)).is_err();
        self.held.push(chunk);
        if refused || self.memory.revoke_requested() || self.cx.force_spill {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        let writer = self
            .writer
            .get_or_insert_with(|| SpillWriter::new(&self.cx.spill_dir, &self.types, &self.usage));
        for chunk in self.held.drain(..) {
            self.cx.cancel.check()?;
            let block = writer.write_block(&chunk)?;
            self.written.push((chunk.sequence, chunk.len, block));
        }
        self.memory.free();
        self.memory.clear_revoke();
        Ok(())
    }

    /// All chunks, unordered, and the memory that holds them.
    pub fn finish(self) -> Result<(Vec<Stored>, Reservation)> {
        let mut all: Vec<Stored> = self.held.into_iter().map(Stored::memory).collect();
        if let Some(writer) = self.writer {
            let file = writer.finish()?;
            all.extend(self.written.into_iter().map(|(sequence, rows, block)| Stored {
                sequence,
                rows,
                place: Place::Disk(file.clone(), block),
            }));
        }
        Ok((all, self.memory))
    }
}

/// Fills a [`ChunkTable`].
pub(crate) struct CollectSink {
    pub table: Arc<ChunkTable>,
    collected: Arc<Mutex<Vec<Stored>>>,
    types: Arc<[DataType]>,
    usage: Usage,
}

impl CollectSink {
    /// A sink for rows of these engine types.
    pub fn new(table: Arc<ChunkTable>, types: Arc<[DataType]>, usage: Usage) -> Self {
        Self {
            table,
            collected: Arc::default(),
            types,
            usage,
        }
    }
}

struct LocalCollect {
    table: Arc<ChunkTable>,
    collected: Arc<Mutex<Vec<Stored>>>,
    chunks: Option<Collector>,
}

impl Sink for CollectSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalCollect {
            table: Arc::clone(&self.table),
            collected: Arc::clone(&self.collected),
            chunks: Some(Collector::new(&self.types, &self.usage, cx)),
        }))
    }

    fn finalize(&self, _cx: &Arc<TaskContext>) -> Result<()> {
        self.table.set_ordered(std::mem::take(&mut *self.collected.lock()));
        Ok(())
    }
}

impl LocalSink for LocalCollect {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        if let Some(chunks) = &mut self.chunks {
            chunks.push(chunk)?;
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        if let Some(chunks) = self.chunks.take() {
            let (mut chunks, memory) = chunks.finish()?;
            self.collected.lock().append(&mut chunks);
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
    chunks: Arc<Vec<Stored>>,
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
        Ok(SourceStatus::Chunk(self.chunks[self.next - 1].load()?))
    }
}
