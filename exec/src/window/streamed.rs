//! Evaluates rows that come in order from runs on disk, some whole partitions at a time, on one worker.

use std::sync::Arc;

use arrow::datatypes::DataType;
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;
use rsql_expr::eval::{EvalCx, Program};

use super::eval::CallEvaluator;
use super::paged::{PageWriter, PagedRows};
use super::sink::SharedWindow;
use super::source::MORSEL_ROWS;
use crate::concat::{chunk_bytes, concat_chunks, tighten};
use crate::hashing::KeyColumn;
use crate::pipeline::{LocalSource, SourceStatus, TaskContext};
use crate::sort::{Sorted, SortedStream};

/// The only worker of a spilled window.
pub(super) struct LocalStream {
    shared: Arc<SharedWindow>,
    cx: Arc<TaskContext>,
    calls: Vec<CallEvaluator>,
    rows: SortedStream,
    borders: Borders,
    /// Rows not evaluated yet; the first one begins a partition.
    buffer: Vec<Marked>,
    memory: Reservation,
    ended: bool,
    /// A partition whose pages are being put out.
    pages: Option<PagedRows>,
    /// Rows being put out.
    ready: Option<(Chunk, usize)>,
    sequence: u64,
}

/// Sorted rows, with where partitions and peer groups begin.
pub(super) struct Marked {
    pub(super) rows: Chunk,
    pub(super) starts: Vec<bool>,
    pub(super) changes: Vec<bool>,
}

impl Marked {
    fn slice(&self, from: usize, to: usize) -> Result<Self> {
        Ok(Self {
            rows: tighten(self.rows.slice(from, to - from))?,
            starts: self.starts[from..to].to_vec(),
            changes: self.changes[from..to].to_vec(),
        })
    }
}

/// Compares each row with the one before.
struct Borders {
    partition: Vec<Program>,
    order: Vec<Program>,
    types: Arc<[DataType]>,
    eval: EvalCx,
    /// The last row seen.
    last: Option<Chunk>,
}

impl Borders {
    fn mark(&mut self, rows: Chunk) -> Result<Marked> {
        let first = usize::from(self.last.is_some());
        let joined = match self.last.take() {
            Some(last) => concat_chunks(&[last, rows.clone()], &self.types)?,
            None => rows.clone(),
        };
        let mark = |programs: &[Program], flags: &mut [bool]| -> Result<()> {
            for p in programs {
                let column = p.eval(&joined, &self.eval)?.to_array()?;
                KeyColumn::from_array(&column)?.mark_changes(flags);
            }
            Ok(())
        };
        let mut starts = vec![false; joined.len];
        if first == 0 {
            starts[0] = true;
        }
        mark(&self.partition, &mut starts)?;
        let mut changes = starts.clone();
        mark(&self.order, &mut changes)?;
        self.last = Some(tighten(joined.slice(joined.len - 1, 1))?);
        Ok(Marked {
            rows,
            starts: starts.split_off(first),
            changes: changes.split_off(first),
        })
    }
}

impl LocalStream {
    pub(super) fn open(
        shared: &Arc<SharedWindow>,
        sorted: &Sorted,
        calls: Vec<CallEvaluator>,
        cx: &Arc<TaskContext>,
    ) -> Result<Self> {
        Ok(Self {
            calls,
            rows: sorted.stream(cx.chunk_rows)?,
            borders: Borders {
                partition: cx.compile_all(&shared.partition_by)?,
                order: cx.compile_all(shared.order_by.iter().map(|k| &k.expr))?,
                types: Arc::clone(&shared.types),
                eval: cx.eval(),
                last: None,
            },
            buffer: Vec::new(),
            memory: shared.usage.register(&cx.memory, "window partitions", false),
            shared: Arc::clone(shared),
            cx: Arc::clone(cx),
            ended: false,
            pages: None,
            ready: None,
            sequence: 0,
        })
    }

    /// Reads until there are whole partitions enough, and evaluates them.
    fn fill(&mut self) -> Result<()> {
        while !self.ended {
            self.cx.cancel.check()?;
            let Some(chunk) = self.rows.next_chunk()? else {
                self.ended = true;
                break;
            };
            let marked = self.borders.mark(chunk)?;
            let bytes = 2 * chunk_bytes(&marked.rows) + 48 * marked.rows.len;
            let short = self.memory.try_grow(bytes).is_err() || self.cx.force_spill;
            self.buffer.push(marked);
            let held: usize = self.buffer.iter().map(|m| m.rows.len).sum();
            if short || held >= MORSEL_ROWS {
                match self.last_start() {
                    Some((chunk, row)) => {
                        let last = self.buffer.split_off(chunk);
                        let mut whole = std::mem::take(&mut self.buffer);
                        if let Some(last) = last.first().filter(|_| row > 0) {
                            whole.push(last.slice(0, row)?);
                        }
                        for (i, rest) in last.into_iter().enumerate() {
                            let from = if i == 0 { row } else { 0 };
                            self.buffer.push(rest.slice(from, rest.rows.len)?);
                        }
                        return self.evaluate(&whole);
                    }
                    None if short => return self.page_out(),
                    None => {}
                }
            }
        }
        let whole = std::mem::take(&mut self.buffer);
        self.evaluate(&whole)
    }

    /// Where the last partition begins, unless it is the only one: chunk of the buffer and row.
    fn last_start(&self) -> Option<(usize, usize)> {
        let chunks = self.buffer.iter().enumerate().rev();
        let mut starts = chunks.filter_map(|(i, m)| Some((i, m.starts.iter().rposition(|s| *s)?)));
        starts.next().filter(|at| *at != (0, 0))
    }

    fn evaluate(&mut self, whole: &[Marked]) -> Result<()> {
        let chunks: Vec<Chunk> = whole.iter().map(|m| m.rows.clone()).collect();
        let mut rows = concat_chunks(&chunks, &self.shared.types)?;
        if rows.len == 0 {
            return Ok(());
        }
        let flags = whole.iter().flat_map(|m| &m.starts).enumerate();
        let mut starts: Vec<usize> = flags.filter(|(i, s)| *i == 0 || **s).map(|(i, _)| i).collect();
        starts.push(rows.len);
        let changes: Vec<bool> = whole.iter().flat_map(|m| &m.changes).copied().collect();
        let mut columns = Vec::with_capacity(self.calls.len());
        for call in &mut self.calls {
            columns.push(call.eval(&rows, &starts, &changes)?);
        }
        rows.columns.append(&mut columns);
        self.ready = Some((rows, 0));
        let left = self.buffer.iter().map(|m| 2 * chunk_bytes(&m.rows) + 48 * m.rows.len);
        self.memory.shrink(self.memory.size().saturating_sub(left.sum()));
        Ok(())
    }

    /// Moves the partition that is being read to disk, reads the rest of it, and evaluates it from there.
    fn page_out(&mut self) -> Result<()> {
        let mut pages = PageWriter::new(&self.shared, &self.cx);
        for marked in std::mem::take(&mut self.buffer) {
            pages.push(marked.rows, marked.changes)?;
        }
        self.memory.free();
        loop {
            self.cx.cancel.check()?;
            let Some(chunk) = self.rows.next_chunk()? else {
                self.ended = true;
                break;
            };
            let marked = self.borders.mark(chunk)?;
            let Some(end) = marked.starts.iter().position(|s| *s) else {
                pages.push(marked.rows, marked.changes)?;
                continue;
            };
            let before = marked.slice(0, end)?;
            pages.push(before.rows, before.changes)?;
            self.buffer.push(marked.slice(end, marked.rows.len)?);
            break;
        }
        self.pages = Some(pages.evaluate(&mut self.calls)?);
        Ok(())
    }
}

impl LocalSource for LocalStream {
    fn next(&mut self) -> Result<SourceStatus> {
        loop {
            self.cx.cancel.check()?;
            if let Some((rows, given)) = &mut self.ready {
                if *given < rows.len {
                    let len = self.cx.chunk_rows.min(rows.len - *given);
                    let chunk = rows.slice(*given, len).with_sequence(self.sequence);
                    *given += len;
                    self.sequence += 1;
                    return Ok(SourceStatus::Chunk(chunk));
                }
                self.ready = None;
            }
            if let Some(pages) = &mut self.pages {
                match pages.next_page()? {
                    Some(page) => self.ready = Some((page, 0)),
                    None => self.pages = None,
                }
                continue;
            }
            if self.ended && self.buffer.is_empty() {
                return Ok(SourceStatus::Finished);
            }
            self.fill()?;
        }
    }
}
