//! Collects the input and sorts it.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rayon::slice::ParallelSliceMut;
use rsql_common::{Reservation, Result};
use rsql_expr::{Chunk, Expr, SortKey, Vector, WindowCall};

use crate::concat::{chunk_bytes, concat_chunks, tighten};
use crate::hashing::KeyColumn;
use crate::pipeline::{Flow, LocalSink, Sink, TaskContext};
use crate::sort::KeyFormat;

/// What sink and source share.
pub(super) struct SharedWindow {
    pub(super) partition_by: Vec<Expr>,
    pub(super) order_by: Vec<SortKey>,
    pub(super) calls: Vec<WindowCall>,
    types: Vec<DataType>,
    collected: Mutex<Vec<Chunk>>,
    reservations: Mutex<Vec<Reservation>>,
    pub(super) sorted: OnceLock<SortedRows>,
}

/// All rows in order.
pub(super) struct SortedRows {
    pub(super) rows: Chunk,
    /// First row of each partition, and the number of rows.
    pub(super) partitions: Vec<usize>,
    /// For each row: its order keys differ from those of the row before.
    pub(super) peers_change: Vec<bool>,
}

impl SharedWindow {
    pub(super) fn new(
        partition_by: Vec<Expr>,
        order_by: Vec<SortKey>,
        calls: Vec<WindowCall>,
        types: Vec<DataType>,
    ) -> Self {
        Self {
            partition_by,
            order_by,
            calls,
            types,
            collected: Mutex::default(),
            reservations: Mutex::default(),
            sorted: OnceLock::new(),
        }
    }

    fn sort(&self, chunks: &[Chunk], cx: &TaskContext) -> Result<SortedRows> {
        let all = concat_chunks(chunks, &self.types)?;
        let mut keys: Vec<SortKey> = self
            .partition_by
            .iter()
            .map(|e| SortKey {
                expr: e.clone(),
                descending: false,
                nulls_first: true,
            })
            .collect();
        keys.extend(self.order_by.iter().cloned());
        let columns = keys
            .iter()
            .map(|k| cx.compile(&k.expr)?.eval(&all, &cx.eval()))
            .collect::<Result<Vec<Vector>>>()?;
        let order = sorted_order(&keys, &columns, all.len)?;
        cx.cancel.check()?;
        let mut changes = vec![false; all.len];
        let mark = |columns: &[Vector], changes: &mut [bool]| -> Result<()> {
            for c in columns {
                let sorted = match &order {
                    Some(order) => c.take(order)?,
                    None => c.clone(),
                };
                KeyColumn::from_array(&sorted.to_array()?)?.mark_changes(changes);
            }
            Ok(())
        };
        let (partition_columns, order_columns) = columns.split_at(self.partition_by.len());
        mark(partition_columns, &mut changes)?;
        let starts = changes
            .iter()
            .enumerate()
            .filter(|(i, c)| *i == 0 || **c)
            .map(|(i, _)| i);
        let partitions = starts.chain([all.len]).collect();
        mark(order_columns, &mut changes)?;
        let rows = match order {
            None => all,
            Some(order) => {
                let columns = all.columns.iter().map(|c| c.take(&order)).collect::<Result<Vec<_>>>()?;
                Chunk::new(columns, all.len)
            }
        };
        Ok(SortedRows {
            rows,
            partitions,
            peers_change: changes,
        })
    }
}

/// Rows in the order of the keys, equal ones as they come; `None` if nothing moves.
fn sorted_order(keys: &[SortKey], columns: &[Vector], rows: usize) -> Result<Option<Vec<u32>>> {
    if keys.is_empty() {
        return Ok(None);
    }
    let encoded = KeyFormat::new(keys).encoder()?.encode(columns, rows)?;
    let mut order: Vec<(u128, u32)> = (0..rows).map(|r| (encoded.prefix(r), r as u32)).collect();
    if encoded.is_packed() {
        order.par_sort_unstable();
    } else {
        order.par_sort_unstable_by(|a, b| {
            let by_prefix = a.0.cmp(&b.0);
            let by_key = by_prefix.then_with(|| encoded.compare(a.1 as usize, &encoded, b.1 as usize));
            by_key.then(a.1.cmp(&b.1))
        });
    }
    Ok(Some(order.into_iter().map(|(_, row)| row).collect()))
}

pub(super) struct WindowSink {
    shared: Arc<SharedWindow>,
}

impl WindowSink {
    pub(super) fn new(shared: Arc<SharedWindow>) -> Self {
        Self { shared }
    }
}

struct LocalWindow {
    shared: Arc<SharedWindow>,
    chunks: Vec<Chunk>,
    memory: Option<Reservation>,
}

impl Sink for WindowSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalWindow {
            shared: Arc::clone(&self.shared),
            chunks: Vec::new(),
            memory: Some(cx.memory.register("window", false)),
        }))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let mut chunks = std::mem::take(&mut *self.shared.collected.lock());
        chunks.sort_by_key(|c| c.sequence);
        _ = self.shared.sorted.set(self.shared.sort(&chunks, cx)?);
        Ok(())
    }
}

impl LocalSink for LocalWindow {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        let chunk = tighten(chunk)?;
        if let Some(memory) = &self.memory {
            // The rows, their sorted copy and the sort keys.
            memory.try_grow(2 * chunk_bytes(&chunk) + 32 * chunk.len)?;
        }
        self.chunks.push(chunk);
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.shared.collected.lock().append(&mut self.chunks);
        if let Some(memory) = self.memory.take() {
            self.shared.reservations.lock().push(memory);
        }
        Ok(())
    }
}
