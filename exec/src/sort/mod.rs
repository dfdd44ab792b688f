//! ORDER BY: sorts by normalized keys; with a row limit, keeps only the best rows (see [`top_k`]).
//!
//! Workers encode keys while rows come in; when all are there, one parallel sort orders pairs of key and row number,
//! and rows are gathered in that order. Equal keys keep the order of the source. When memory is short, workers sort what
//! they hold and write it out as a run (see [`sorter`] and [`spilled`]); runs are merged while they are read back (see
//! [`merge`]). Either way the source hands rows out one after another, which nobody has to hold to put them in order, and
//! threads work ahead on what comes next (see [`ranges`]).

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

/// Largest row limit kept by a heap instead of a full sort.
const MAX_TOP_K: u64 = 100_000;

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
    Ok(Chain::new(Arc::new(SortSource(output))).after(pipeline))
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

struct SortSource(Arc<Output>);

impl Source for SortSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        let sorted = self.0.read().clone();
        Ok(match sorted {
            Some(Sorted::Memory(run)) => Box::new(LocalSorted(SortedRanges::of_memory(&run, cx))),
            Some(Sorted::Merge(merge)) => Box::new(LocalSorted(merge.open()?)),
            None => Box::new(Nothing),
        })
    }

    fn parallelism(&self) -> usize {
        // Rows go on in order, one after another; threads share the work of bringing them together all the same.
        1
    }
}

/// Hands out rows in order.
struct LocalSorted(SortedRanges);

impl LocalSource for LocalSorted {
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
