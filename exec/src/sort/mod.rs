//! ORDER BY: sorts by normalized keys; with a row limit, keeps only the best rows (see [`top_k`]).
//!
//! Workers encode keys while rows come in; when all are there, one parallel sort orders pairs of key and row number,
//! and the source gathers rows in that order. Equal keys keep the order of the source. When memory is short, workers
//! sort what they hold and write it out as a run (see [`sorter`] and [`spilled`]); runs are merged range by range while they
//! are read back (see [`ranges`] and [`merge`]).

mod gather;
mod held;
mod key;
mod merge;
mod ranges;
mod run;
mod sorter;
mod spilled;
mod top_k;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use rsql_common::Result;
use rsql_expr::Chunk;
use rsql_planner::physical::Sort;

pub(crate) use held::{Held, HeldRows, LocalHeld};
pub(crate) use key::{KeyFormat, Keys};
pub(crate) use sorter::{KeyColumns, LocalSorter, Sorted, SortedStream, Sorter};

use crate::build::Builder;
use crate::hash_join::engine_types;
use crate::pipeline::{Chain, Flow, LocalSink, LocalSource, Sink, Source, SourceStatus, TaskContext};
use ranges::SortedRanges;
use run::SortedRun;

/// Largest row limit kept by a heap instead of a full sort.
const MAX_TOP_K: u64 = 100_000;
/// Chunks gathered per morsel of output.
const MORSEL_CHUNKS: usize = 8;

pub(crate) fn build(node: &Sort, b: &mut Builder) -> Result<Chain> {
    let types = engine_types(node.input.schema()).into();
    let sorter = Sorter::new(&node.keys, node.fetch, types, b.usage());
    let chain = b.chain(&node.input)?;
    let output = Arc::new(Output::default());
    let sink: Arc<dyn Sink> = match node.fetch {
        Some(k) if k <= MAX_TOP_K => {
            let sink = top_k::TopKSink::new(sorter, Arc::clone(&output), k as usize, node.publishes);
            Arc::new(sink)
        }
        _ => Arc::new(SortSink(sorter, Arc::clone(&output))),
    };
    let pipeline = b.finish(chain, sink);
    Ok(Chain::new(Arc::new(SortSource(output, Arc::default()))).after(pipeline))
}

/// What the sink leaves to the source.
type Output = RwLock<Option<Sorted>>;

struct SortSink(Arc<Sorter>, Arc<Output>);

struct LocalSort(LocalSorter);

impl Sink for SortSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalSort(LocalSorter::open(&self.0, cx)?)))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        *self.1.write() = Some(self.0.finish(cx)?);
        Ok(())
    }
}

impl LocalSink for LocalSort {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        self.0.push(chunk)?;
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.0.combine()
    }
}

struct SortSource(Arc<Output>, Arc<AtomicUsize>);

impl SortSource {
    fn sorted(&self) -> Option<Sorted> {
        self.0.read().clone()
    }
}

impl Source for SortSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(match self.sorted() {
            Some(Sorted::Memory(run)) => Box::new(LocalGather {
                run,
                cursor: Arc::clone(&self.1),
                chunk_rows: cx.chunk_rows,
                next: 0,
                end: 0,
            }),
            Some(Sorted::Merge(merge)) => Box::new(LocalMerged(merge.open()?)),
            None => Box::new(Nothing),
        })
    }

    fn parallelism(&self) -> usize {
        match self.sorted() {
            Some(Sorted::Memory(run)) if run.len() > 8 * 4096 => usize::MAX,
            _ => 1,
        }
    }
}

/// Hands out rows as they are merged.
struct LocalMerged(SortedRanges);

impl LocalSource for LocalMerged {
    fn next(&mut self) -> Result<SourceStatus> {
        Ok(match self.0.next_chunk()? {
            Some(chunk) => SourceStatus::Chunk(chunk),
            None => SourceStatus::Finished,
        })
    }
}

struct Nothing;

impl LocalSource for Nothing {
    fn next(&mut self) -> Result<SourceStatus> {
        Ok(SourceStatus::Finished)
    }
}

/// Gathers rows of a run in sorted order.
struct LocalGather {
    run: Arc<SortedRun>,
    cursor: Arc<AtomicUsize>,
    chunk_rows: usize,
    next: usize,
    end: usize,
}

impl LocalSource for LocalGather {
    fn next(&mut self) -> Result<SourceStatus> {
        if self.next == self.end {
            let size = MORSEL_CHUNKS * self.chunk_rows;
            let start = self.cursor.fetch_add(size, Ordering::Relaxed);
            if start >= self.run.len() {
                return Ok(SourceStatus::Finished);
            }
            let first = self.end == 0;
            self.next = start;
            self.end = (start + size).min(self.run.len());
            if !first {
                return Ok(SourceStatus::MorselDone);
            }
        }
        let n = self.chunk_rows.min(self.end - self.next);
        let chunk = self
            .run
            .gather(self.next, n)?
            .with_sequence((self.next / self.chunk_rows) as u64);
        self.next += n;
        Ok(SourceStatus::Chunk(chunk))
    }
}
