//! The face of execution: a plan in, chunks out.
//!
//! Chunks come in the order of their sequence numbers while `rsql.preserve_order` holds. If one worker makes them all
//! they are handed out as they come, behind a bounded queue; if several do, from a source that is read in order, as soon
//! as none before them can come any more (`lanes`); otherwise when all are there. [`start_accounted`] holds them within
//! the memory pool meanwhile, and in spill files beyond it.

mod lanes;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::DataType;
use parking_lot::{Condvar, Mutex};
use rsql_common::{Error, Reservation, Result};
use rsql_expr::{Chunk, Schema};
use rsql_planner::physical::PhysicalPlan;

use crate::build::Builder;
use crate::materialize::{Collector, Stored};
use crate::metrics::Usage;
use crate::pipeline::{Flow, LocalSink, Operator, Sink, Source, TaskContext};
use crate::scheduler::{self, Query};
use lanes::Lanes;

/// Chunks that may wait for the reader before workers turn to other queries.
const QUEUE_CHUNKS: usize = 256;

/// A running query.
pub struct QueryHandle {
    schema: Schema,
    query: Arc<Query>,
    results: Arc<Results>,
    cx: Arc<TaskContext>,
}

#[derive(Default)]
struct Results {
    queue: Mutex<Queue>,
    ready: Condvar,
    /// Chunks are in order as they come to the queue.
    streaming: AtomicBool,
}

#[derive(Default)]
struct Queue {
    chunks: VecDeque<Stored>,
    /// What those in memory have of the pool.
    memory: Vec<Reservation>,
    /// Chunks that others may have to come before.
    lanes: Lanes,
    complete: bool,
}

/// Starts a plan on the workers of the process.
pub fn start(plan: &PhysicalPlan, cx: Arc<TaskContext>) -> Result<QueryHandle> {
    start_holding(plan, cx, None)
}

/// As [`start`], for more rows than memory may hold.
pub fn start_accounted(plan: &PhysicalPlan, cx: Arc<TaskContext>) -> Result<QueryHandle> {
    let types: Vec<DataType> = plan.schema().iter().map(|f| f.ty.arrow()).collect();
    start_holding(plan, cx, Some(types.into()))
}

fn start_holding(plan: &PhysicalPlan, cx: Arc<TaskContext>, types: Option<Arc<[DataType]>>) -> Result<QueryHandle> {
    let mut builder = Builder::new(Arc::clone(&cx));
    let chain = builder.chain(plan)?;
    let results = Arc::new(Results::default());
    let sink = ResultSink {
        results: Arc::clone(&results),
        source: Arc::clone(&chain.source),
        operators: chain.operators.clone(),
        types,
    };
    builder.finish(chain, Arc::new(sink));
    let gate = Arc::clone(&results);
    let query = scheduler::start(builder.into_pipelines(), Arc::clone(&cx), move || gate.wants_more())?;
    let waiting = Arc::clone(&results);
    query.watch(Arc::new(move || {
        // A reader that has found nothing holds the lock until it sleeps.
        drop(waiting.queue.lock());
        waiting.ready.notify_all();
    }));
    Ok(QueryHandle {
        schema: plan.schema().clone(),
        query,
        results,
        cx,
    })
}

/// Runs a plan into a sink and waits for its end.
pub fn run_into(plan: &PhysicalPlan, sink: Arc<dyn Sink>, cx: Arc<TaskContext>) -> Result<()> {
    let mut builder = Builder::new(Arc::clone(&cx));
    let chain = builder.chain(plan)?;
    builder.finish(chain, sink);
    scheduler::start(builder.into_pipelines(), cx, || true)?.wait()
}

/// All chunks of a plan, in order.
pub fn collect(plan: &PhysicalPlan, cx: Arc<TaskContext>) -> Result<Vec<Chunk>> {
    let mut chunks = Vec::new();
    execute_stream(plan, cx, &mut |chunk| {
        chunks.push(chunk);
        Ok(Flow::Continue)
    })?;
    Ok(chunks)
}

/// Hands each chunk of a plan to `each`, in order, until it says stop.
pub fn execute_stream(
    plan: &PhysicalPlan,
    cx: Arc<TaskContext>,
    each: &mut dyn FnMut(Chunk) -> Result<Flow>,
) -> Result<()> {
    let mut handle = start(plan, cx)?;
    while let Some(chunk) = handle.next_chunk()? {
        if each(chunk)? == Flow::Stop {
            break;
        }
    }
    Ok(())
}

impl QueryHandle {
    /// Output columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The next chunk; waits for it. None after the last one.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let mut queue = self.results.queue.lock();
        loop {
            let readable = queue.complete || self.results.streaming.load(Ordering::Acquire);
            if readable && let Some(chunk) = queue.chunks.pop_front() {
                let reopen = queue.chunks.len() == QUEUE_CHUNKS / 2;
                drop(queue);
                if reopen {
                    self.query.unblock();
                }
                return chunk.load().map(Some);
            }
            if queue.complete || self.query.is_over() {
                drop(queue);
                self.query.wait()?;
                queue = self.results.queue.lock();
                if queue.chunks.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            self.results.ready.wait(&mut queue);
        }
    }

    /// Asks the query to stop; the next chunk will be an error.
    pub fn cancel(&self) {
        self.query.fail(Error::cancelled());
    }

    /// The task's context (metrics, runtime filters).
    pub fn cx(&self) -> &Arc<TaskContext> {
        &self.cx
    }
}

impl Drop for QueryHandle {
    fn drop(&mut self) {
        if !self.query.is_over() {
            self.cancel();
            _ = self.query.wait();
        }
    }
}

impl Results {
    fn wants_more(&self) -> bool {
        !self.streaming.load(Ordering::Acquire) || self.queue.lock().chunks.len() < QUEUE_CHUNKS
    }

    /// Lets `step` hand out what is in order after it.
    fn order(&self, step: impl FnOnce(&mut Lanes, &mut dyn FnMut(Chunk))) {
        let mut queue = self.queue.lock();
        let Queue { chunks, lanes, .. } = &mut *queue;
        let before = chunks.len();
        step(lanes, &mut |chunk| chunks.push_back(Stored::memory(chunk)));
        let more = chunks.len() > before;
        drop(queue);
        if more {
            self.ready.notify_all();
        }
    }
}

/// End of the last pipeline.
struct ResultSink {
    results: Arc<Results>,
    source: Arc<dyn Source>,
    operators: Vec<Arc<dyn Operator>>,
    /// Types of the columns, if rows that wait are accounted for.
    types: Option<Arc<[DataType]>>,
}

struct LocalResult {
    results: Arc<Results>,
    way: Way,
}

/// How a worker's chunks come to the reader.
enum Way {
    /// In whatever order they are made.
    Straight,
    /// In order, as soon as none before them can come.
    Lane(usize),
    /// When all are there.
    Held(Vec<Chunk>),
    /// The same, accounted for.
    Accounted(Box<Collector>),
}

impl Sink for ResultSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        let one_worker = self.source.parallelism() == 1
            && self
                .operators
                .iter()
                .filter_map(|o| o.tail())
                .all(|t| t.parallelism() == 1);
        let straight = !cx.preserve_order || cx.threads == 1 || one_worker;
        let lanes = self.source.ascending() && self.operators.iter().all(|o| o.tail().is_none());
        let way = if straight {
            Way::Straight
        } else if let Some(types) = &self.types {
            Way::Accounted(Box::new(Collector::new(types, &Usage::default(), cx)))
        } else if lanes {
            Way::Lane(self.results.queue.lock().lanes.open())
        } else {
            Way::Held(Vec::new())
        };
        if matches!(way, Way::Straight | Way::Lane(_)) {
            self.results.streaming.store(true, Ordering::Release);
        }
        Ok(Box::new(LocalResult {
            results: Arc::clone(&self.results),
            way,
        }))
    }

    fn finalize(&self, _cx: &Arc<TaskContext>) -> Result<()> {
        let mut queue = self.results.queue.lock();
        if !self.results.streaming.load(Ordering::Acquire) {
            queue.chunks.make_contiguous().sort_by_key(Stored::sequence);
        }
        queue.complete = true;
        drop(queue);
        self.results.ready.notify_all();
        Ok(())
    }
}

impl LocalSink for LocalResult {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        match &mut self.way {
            Way::Straight => {
                self.results.queue.lock().chunks.push_back(Stored::memory(chunk));
                self.results.ready.notify_all();
            }
            Way::Lane(lane) => self.results.order(|lanes, hand_out| lanes.push(*lane, chunk, hand_out)),
            Way::Held(held) => held.push(chunk),
            Way::Accounted(collector) => collector.push(chunk)?,
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.way, Way::Straight) {
            Way::Straight => {}
            Way::Lane(lane) => self.results.order(|lanes, hand_out| lanes.close(lane, hand_out)),
            Way::Held(held) => {
                let mut queue = self.results.queue.lock();
                queue.chunks.extend(held.into_iter().map(Stored::memory));
            }
            Way::Accounted(collector) => {
                let (chunks, memory) = collector.finish()?;
                memory.settle();
                let mut queue = self.results.queue.lock();
                queue.chunks.extend(chunks);
                queue.memory.push(memory);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod tests;
