//! Collects the input and sorts it; through runs on disk when memory is short.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::DataType;
use rayon::slice::ParallelSliceMut;
use rsql_common::Result;
use rsql_expr::{Chunk, Expr, SortKey, Vector, WindowCall};

use crate::concat::concat_chunks;
use crate::hashing::KeyColumn;
use crate::metrics::Usage;
use crate::pipeline::{Flow, LocalSink, Sink, TaskContext};
use crate::sort::{Held, HeldRows, KeyFormat, LocalHeld, Sorted};

/// What sink and source share.
pub(super) struct SharedWindow {
    pub(super) partition_by: Vec<Expr>,
    pub(super) order_by: Vec<SortKey>,
    pub(super) calls: Vec<WindowCall>,
    pub(super) types: Arc<[DataType]>,
    pub(super) usage: Usage,
    held: Arc<HeldRows>,
    pub(super) sorted: OnceLock<WindowRows>,
}

/// The input, in order.
pub(super) enum WindowRows {
    Memory(SortedRows),
    Runs(Sorted),
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
        types: Arc<[DataType]>,
        usage: Usage,
    ) -> Self {
        let keys = sort_keys(&partition_by, &order_by);
        Self {
            partition_by,
            order_by,
            calls,
            held: Arc::new(HeldRows::new("window", &keys, Arc::clone(&types), usage.clone())),
            types,
            usage,
            sorted: OnceLock::new(),
        }
    }

    fn sort(&self, chunks: &[Chunk], cx: &TaskContext) -> Result<SortedRows> {
        let all = concat_chunks(chunks, &self.types)?;
        let keys = sort_keys(&self.partition_by, &self.order_by);
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

/// Partitions stand together, each in its order.
fn sort_keys(partition_by: &[Expr], order_by: &[SortKey]) -> Vec<SortKey> {
    let mut keys = partition_keys(partition_by);
    keys.extend_from_slice(order_by);
    keys
}

/// Keys that bring the rows of a partition together.
pub(super) fn partition_keys(partition_by: &[Expr]) -> Vec<SortKey> {
    let key = |e: &Expr| SortKey {
        expr: e.clone(),
        descending: false,
        nulls_first: true,
    };
    partition_by.iter().map(key).collect()
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

struct LocalWindow(LocalHeld);

impl Sink for WindowSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalWindow(self.shared.held.open(cx))))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let rows = match self.shared.held.finish(cx)? {
            Held::Memory(chunks) => WindowRows::Memory(self.shared.sort(&chunks, cx)?),
            Held::Sorted(sorted) => WindowRows::Runs(sorted),
        };
        _ = self.shared.sorted.set(rows);
        Ok(())
    }
}

impl LocalSink for LocalWindow {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        self.0.push(chunk)?;
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.0.combine()
    }
}
