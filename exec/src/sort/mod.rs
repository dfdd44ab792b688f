//! ORDER BY: sorts by normalized keys; with a row limit, keeps only the best rows (see [`top_k`]).
//!
//! Workers encode keys while rows come in; when all are there, one parallel sort orders pairs of key and row number,
//! and the source gathers rows in that order. Equal keys keep the order of the source. When memory is short, workers
//! sort what they hold and write it out as a run; runs are merged while they are read back (see [`spill`]).

mod key;
mod run;
mod spill;
mod top_k;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::DataType;
use parking_lot::{Mutex, RwLock};
use rsql_common::{Reservation, Result};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, SortKey, Vector};
use rsql_planner::physical::Sort;

pub(crate) use key::{KeyEncoder, KeyFormat, Keys};

use crate::build::Builder;
use crate::concat::{chunk_bytes, tighten};
use crate::pipeline::{Chain, Flow, LocalSink, LocalSource, Sink, Source, SourceStatus, TaskContext};
use run::SortedRun;
use spill::{MergeSource, SpilledRun};

/// Largest row limit kept by a heap instead of a full sort.
const MAX_TOP_K: u64 = 100_000;
/// Chunks gathered per morsel of output.
const MORSEL_CHUNKS: usize = 8;

pub(crate) fn build(node: &Sort, b: &mut Builder) -> Result<Chain> {
    let types: Arc<[DataType]> = node.input.schema().iter().map(|f| f.ty.arrow()).collect();
    let chain = b.chain(&node.input)?;
    let shared = Arc::new(Shared {
        keys: node.keys.clone().into(),
        format: KeyFormat::new(&node.keys),
        fetch: node.fetch,
        types,
        input: Mutex::default(),
        output: RwLock::default(),
    });
    let sink: Arc<dyn Sink> = match node.fetch {
        Some(k) if k <= MAX_TOP_K => Arc::new(top_k::TopKSink::new(Arc::clone(&shared), k as usize)),
        _ => Arc::new(SortSink(Arc::clone(&shared))),
    };
    let pipeline = b.finish(chain, sink);
    Ok(Chain::new(Arc::new(SortSource(shared, Arc::default()))).after(pipeline))
}

/// What sink and source share.
pub(crate) struct Shared {
    keys: Arc<[SortKey]>,
    format: KeyFormat,
    fetch: Option<u64>,
    types: Arc<[DataType]>,
    input: Mutex<Input>,
    output: RwLock<Option<Sorted>>,
}

/// Unsorted rows of all workers.
#[derive(Default)]
struct Input {
    batches: Vec<Batch>,
    runs: Vec<SpilledRun>,
    reserved: Vec<Reservation>,
}

/// A dense chunk and its keys.
pub(crate) struct Batch {
    pub chunk: Chunk,
    pub keys: Keys,
}

/// The result.
#[derive(Clone)]
enum Sorted {
    Memory(Arc<SortedRun>),
    Merge(Arc<MergeSource>),
}

/// Computes and encodes sort keys.
pub(crate) struct KeyColumns {
    programs: Vec<Program>,
    encoder: KeyEncoder,
    cx: EvalCx,
}

impl KeyColumns {
    pub(self) fn open(shared: &Shared, cx: &TaskContext) -> Result<Self> {
        Ok(Self {
            programs: cx.compile_all(shared.keys.iter().map(|k| &k.expr))?,
            encoder: shared.format.encoder()?,
            cx: cx.eval(),
        })
    }

    fn keys(&mut self, chunk: &Chunk) -> Result<Keys> {
        let columns = self
            .programs
            .iter()
            .map(|p| p.eval(chunk, &self.cx))
            .collect::<Result<Vec<Vector>>>()?;
        self.encoder.encode(&columns, chunk.rows())
    }
}

struct SortSink(Arc<Shared>);

struct LocalSort {
    shared: Arc<Shared>,
    cx: Arc<TaskContext>,
    columns: KeyColumns,
    batches: Vec<Batch>,
    memory: Option<Reservation>,
}

impl Sink for SortSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalSort {
            columns: KeyColumns::open(&self.0, cx)?,
            shared: Arc::clone(&self.0),
            cx: Arc::clone(cx),
            batches: Vec::new(),
            memory: Some(cx.memory.register("sort", true)),
        }))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let input = std::mem::take(&mut *self.0.input.lock());
        let rest = SortedRun::sort(input.batches, self.0.fetch, input.reserved)?;
        let sorted = if input.runs.is_empty() {
            Sorted::Memory(Arc::new(rest))
        } else {
            Sorted::Merge(Arc::new(MergeSource::new(&self.0, input.runs, rest, cx)?))
        };
        *self.0.output.write() = Some(sorted);
        Ok(())
    }
}

impl LocalSink for LocalSort {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        let chunk = tighten(chunk)?;
        let keys = self.columns.keys(&chunk)?;
        // Keys, payload, and the sort entry of each row.
        let bytes = chunk_bytes(&chunk) + keys.size() + 32 * chunk.len;
        self.batches.push(Batch { chunk, keys });
        if let Some(memory) = &self.memory {
            let short = memory.revoke_requested() || memory.try_grow(bytes).is_err();
            if short || self.cx.force_spill && self.batches.len() >= 4 {
                self.spill()?;
            }
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        let mut input = self.shared.input.lock();
        input.batches.append(&mut self.batches);
        input.reserved.extend(self.memory.take());
        Ok(())
    }
}

impl LocalSort {
    /// Writes what is held as a sorted run.
    fn spill(&mut self) -> Result<()> {
        let run = SortedRun::sort(std::mem::take(&mut self.batches), self.shared.fetch, Vec::new())?;
        let spilled = SpilledRun::write(&run, &self.shared, &self.cx)?;
        self.shared.input.lock().runs.push(spilled);
        if let Some(memory) = &self.memory {
            memory.free();
            memory.clear_revoke();
        }
        Ok(())
    }
}

struct SortSource(Arc<Shared>, Arc<AtomicUsize>);

impl SortSource {
    fn sorted(&self) -> Option<Sorted> {
        self.0.output.read().clone()
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
            Some(Sorted::Merge(merge)) => merge.open()?,
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
