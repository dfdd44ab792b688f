//! A partition that is larger than memory: its rows lie on disk in pages, and calls are evaluated one after another.
//!
//! Aggregates over the whole partition or from its start to the current row take page by page. Other calls get the
//! columns they read, of the whole partition, and nothing else. The values of each call go to a file of their own, in
//! the same pages, so that no two calls are in memory at once.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, new_null_array};
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::tree::{FrameBound, WindowFunc};
use rsql_expr::{Chunk, Expr, Vector, WindowCall};

use super::eval::{CallEvaluator, Paging};
use super::sink::SharedWindow;
use crate::concat::{chunk_bytes, concat_chunks};
use crate::hash_join::mark_slots;
use crate::pipeline::TaskContext;
use crate::spill::{SpillFile, SpillReader, SpillWriter};

/// Rows that are held to end a page between peer groups.
const HELD_ROWS: usize = 1 << 15;

/// Writes a partition's pages.
pub(super) struct PageWriter {
    shared: Arc<SharedWindow>,
    cx: Arc<TaskContext>,
    /// The rows, then whether each begins a peer group.
    pages: SpillWriter,
    held: Vec<(Chunk, Vec<bool>)>,
    held_rows: usize,
    /// So far no page ends within a peer group.
    peers_together: bool,
    rows: usize,
}

impl PageWriter {
    pub(super) fn new(shared: &Arc<SharedWindow>, cx: &Arc<TaskContext>) -> Self {
        let mut types = shared.types.to_vec();
        types.push(DataType::Boolean);
        Self {
            pages: SpillWriter::new(&cx.spill_dir, &types, &shared.usage),
            shared: Arc::clone(shared),
            cx: Arc::clone(cx),
            held: Vec::new(),
            held_rows: 0,
            peers_together: true,
            rows: 0,
        }
    }

    /// Adds rows.
    pub(super) fn push(&mut self, rows: Chunk, changes: Vec<bool>) -> Result<()> {
        let change = changes.iter().rposition(|c| *c);
        self.held_rows += rows.len;
        match change.filter(|_| self.peers_together) {
            Some(at) => {
                let (before, after) = (rows.slice(0, at), rows.slice(at, rows.len - at));
                let later = changes[at..].to_vec();
                self.held.push((before, changes[..at].to_vec()));
                self.write_held()?;
                self.held_rows = after.len;
                self.held.push((after, later));
            }
            None => self.held.push((rows, changes)),
        }
        if self.held_rows > HELD_ROWS || !self.peers_together {
            self.peers_together = false;
            self.write_held()?;
        }
        Ok(())
    }

    fn write_held(&mut self) -> Result<()> {
        self.held_rows = 0;
        let (chunks, changes): (Vec<Chunk>, Vec<Vec<bool>>) = std::mem::take(&mut self.held).into_iter().unzip();
        let mut page = concat_chunks(&chunks, &self.shared.types)?;
        if page.len == 0 {
            return Ok(());
        }
        let changes = BooleanArray::from(changes.concat());
        page.columns.push(Vector::Flat(Arc::new(changes)));
        self.rows += page.len;
        self.pages.write_block(&page)?;
        Ok(())
    }

    /// Ends the partition and evaluates the calls over it.
    pub(super) fn evaluate(mut self, calls: &mut [CallEvaluator]) -> Result<PagedRows> {
        self.write_held()?;
        let Self {
            shared,
            cx,
            pages,
            peers_together,
            rows,
            ..
        } = self;
        let partition = Partition {
            pages: pages.finish()?,
            shared,
            cx,
            rows,
        };
        let mut columns = Vec::with_capacity(calls.len());
        for (call, evaluator) in partition.shared.calls.iter().zip(calls) {
            columns.push(match evaluator.paging(peers_together)? {
                Paging::Whole(mut accumulator) => {
                    for page in partition.pages.read() {
                        partition.cx.cancel.check()?;
                        evaluator.add_page(&split(page?)?.0, accumulator.as_mut())?;
                    }
                    Column::Same(accumulator.finish()?)
                }
                Paging::Growing(mut accumulator) => {
                    let mut values = partition.writer(call);
                    for page in partition.pages.read() {
                        partition.cx.cancel.check()?;
                        let (page, changes) = split(page?)?;
                        let value = evaluator.next_page(&page, &changes, accumulator.as_mut())?;
                        values.write_block(&Chunk::new(vec![Vector::Flat(value)], page.len))?;
                    }
                    Column::Paged(values.finish()?.read())
                }
                Paging::None => partition.at_once(call, evaluator)?,
            });
        }
        Ok(PagedRows {
            pages: partition.pages.read(),
            columns,
        })
    }
}

/// A partition on disk.
struct Partition {
    pages: SpillFile,
    shared: Arc<SharedWindow>,
    cx: Arc<TaskContext>,
    rows: usize,
}

impl Partition {
    fn writer(&self, call: &WindowCall) -> SpillWriter {
        SpillWriter::new(&self.cx.spill_dir, &[call.ty().arrow()], &self.shared.usage)
    }

    /// A call over all rows, with only the columns it reads.
    fn at_once(&self, call: &WindowCall, evaluator: &mut CallEvaluator) -> Result<Column> {
        let types = &self.shared.types;
        let used = self.shared.read_by(call);
        let memory = self.shared.usage.register(&self.cx.memory, "window partition", false);
        // Peers and frames of each row.
        memory.try_grow(24 * self.rows)?;
        let mut changes = Vec::with_capacity(self.rows);
        let mut sizes = Vec::new();
        let mut parts = Vec::new();
        for page in self.pages.read() {
            self.cx.cancel.check()?;
            let (page, begins) = split(page?)?;
            changes.extend(begins);
            sizes.push(page.len);
            let kept = page.columns.into_iter().zip(&used).filter(|(_, used)| **used);
            let part = Chunk::new(kept.map(|(c, _)| c).collect(), page.len);
            memory.try_grow(2 * chunk_bytes(&part))?;
            parts.push(part);
        }
        let kept: Vec<DataType> = types
            .iter()
            .zip(&used)
            .filter(|(_, u)| **u)
            .map(|(t, _)| t.clone())
            .collect();
        let mut read = concat_chunks(&parts, &kept)?.columns.into_iter();
        drop(parts);
        let columns = types.iter().zip(&used).map(|(t, used)| {
            let column = if *used { read.next() } else { None };
            column.unwrap_or_else(|| Vector::constant(new_null_array(t, 1), self.rows))
        });
        let rows = Chunk::new(columns.collect(), self.rows);
        let value = evaluator.eval(&rows, &[0, self.rows], &changes)?;
        let mut values = self.writer(call);
        let mut at = 0;
        for size in sizes {
            values.write_block(&Chunk::new(vec![value.slice(at, size)], size))?;
            at += size;
        }
        Ok(Column::Paged(values.finish()?.read()))
    }
}

impl SharedWindow {
    /// Which input columns a call reads.
    fn read_by(&self, call: &WindowCall) -> Vec<bool> {
        let mut used = vec![false; self.types.len()];
        let mut mark = |e: &Expr| mark_slots(e, &mut used);
        match &call.func {
            WindowFunc::Window { args, .. } => args.iter().for_each(&mut mark),
            WindowFunc::Aggregate(a) => a.args.iter().chain(&a.filter).for_each(&mut mark),
        }
        let mut by_value = false;
        for bound in [&call.frame.start, &call.frame.end] {
            if let FrameBound::Value(e) = bound {
                by_value = true;
                mark(e);
            }
        }
        if by_value {
            self.order_by.iter().for_each(|k| mark(&k.expr));
        }
        used
    }
}

/// The rows of a page, and which of them begin a peer group.
fn split(mut page: Chunk) -> Result<(Chunk, Vec<bool>)> {
    let changes = match page.columns.pop() {
        Some(Vector::Flat(a)) if a.data_type() == &DataType::Boolean => a,
        _ => return Err(Error::internal("a page without its last column")),
    };
    let changes = changes.as_boolean().values().iter().collect();
    Ok((page, changes))
}

enum Column {
    /// One value for all rows.
    Same(ArrayRef),
    Paged(SpillReader),
}

/// Hands out the pages with the calls' columns.
pub(super) struct PagedRows {
    pages: SpillReader,
    columns: Vec<Column>,
}

impl PagedRows {
    pub(super) fn next_page(&mut self) -> Result<Option<Chunk>> {
        let Some(page) = self.pages.next() else {
            return Ok(None);
        };
        let (mut page, _) = split(page?)?;
        for column in &mut self.columns {
            page.columns.push(match column {
                Column::Same(value) => Vector::constant(Arc::clone(value), page.len),
                Column::Paged(values) => {
                    let values = values.next().transpose()?.and_then(|mut c| c.columns.pop());
                    values.ok_or_else(|| Error::internal("a page of values is missing"))?
                }
            });
        }
        Ok(Some(page))
    }
}
