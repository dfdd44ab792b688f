//! Rows that must all be there before anything can be said of them: kept in memory while the pool grants it, else given
//! to the external sort.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Reservation, Result};
use rsql_expr::{Chunk, SortKey};

use super::{LocalSorter, Sorted, Sorter};
use crate::concat::{chunk_bytes, tighten};
use crate::metrics::Usage;
use crate::pipeline::TaskContext;

/// The rows of all workers.
pub(crate) struct HeldRows {
    name: &'static str,
    usage: Usage,
    sorter: Arc<Sorter>,
    spilling: AtomicBool,
    chunks: Mutex<Vec<Chunk>>,
    reserved: Mutex<Vec<Reservation>>,
}

/// What became of the rows.
pub(crate) enum Held {
    /// Dense chunks in the source's order; not sorted.
    Memory(Vec<Chunk>),
    /// Rows in the order of the keys, equal ones in the source's order.
    Sorted(Sorted),
}

impl HeldRows {
    /// Rows of these engine types, to be sorted by `keys` if they do not fit. `name` is what the pool calls them.
    pub fn new(name: &'static str, keys: &[SortKey], types: Arc<[DataType]>, usage: Usage) -> Self {
        Self {
            name,
            sorter: Sorter::new(keys, None, types, usage.clone()),
            usage,
            spilling: AtomicBool::new(false),
            chunks: Mutex::default(),
            reserved: Mutex::default(),
        }
    }

    /// A worker's part.
    pub fn open(self: &Arc<Self>, cx: &Arc<TaskContext>) -> LocalHeld {
        LocalHeld {
            memory: Some(self.usage.register(&cx.memory, self.name, true)),
            shared: Arc::clone(self),
            cx: Arc::clone(cx),
            chunks: Vec::new(),
            sorter: None,
        }
    }

    /// The rows, once all workers have combined.
    pub fn finish(&self, cx: &Arc<TaskContext>) -> Result<Held> {
        let mut chunks = std::mem::take(&mut *self.chunks.lock());
        chunks.sort_by_key(|c| c.sequence);
        if !self.spilling.load(Ordering::Relaxed) {
            return Ok(Held::Memory(chunks));
        }
        self.free();
        let mut sorter = LocalSorter::open(&self.sorter, cx)?;
        for chunk in chunks {
            cx.cancel.check()?;
            sorter.push(chunk)?;
        }
        sorter.combine()?;
        Ok(Held::Sorted(self.sorter.finish(cx)?))
    }

    /// Gives the memory of the rows back.
    pub fn free(&self) {
        self.reserved.lock().clear();
    }
}

/// One worker's rows.
pub(crate) struct LocalHeld {
    shared: Arc<HeldRows>,
    cx: Arc<TaskContext>,
    chunks: Vec<Chunk>,
    memory: Option<Reservation>,
    /// Takes the rows once memory was refused.
    sorter: Option<LocalSorter>,
}

impl LocalHeld {
    /// Adds the selected rows of a chunk.
    pub fn push(&mut self, chunk: Chunk) -> Result<()> {
        if let Some(sorter) = &mut self.sorter {
            return sorter.push(chunk);
        }
        let chunk = tighten(chunk)?;
        // The rows, their sorted copy and the sort keys.
        let bytes = 2 * chunk_bytes(&chunk) + 32 * chunk.len;
        self.chunks.push(chunk);
        let short = self
            .memory
            .as_ref()
            .is_some_and(|m| m.try_grow(bytes).is_err() || m.revoke_requested());
        if short || self.cx.force_spill {
            self.spill()?;
        }
        Ok(())
    }

    /// Gives the rows to the external sort.
    fn spill(&mut self) -> Result<()> {
        self.shared.spilling.store(true, Ordering::Relaxed);
        self.memory = None;
        let mut sorter = LocalSorter::open(&self.shared.sorter, &self.cx)?;
        for chunk in self.chunks.drain(..) {
            sorter.push(chunk)?;
        }
        sorter.spill()?;
        self.sorter = Some(sorter);
        Ok(())
    }

    /// Hands the rows over.
    pub fn combine(&mut self) -> Result<()> {
        self.shared.chunks.lock().append(&mut self.chunks);
        if let Some(memory) = self.memory.take() {
            memory.settle();
            self.shared.reserved.lock().push(memory);
        }
        match &mut self.sorter {
            Some(sorter) => sorter.combine(),
            None => Ok(()),
        }
    }
}
