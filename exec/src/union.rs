//! UNION ALL: inputs one after another.
//!
//! The inputs' chains run inside one source: a worker that finds the first input exhausted goes on with the next, so no
//! worker waits at a border. An input that one worker reads alone belongs to the first that comes to it. Each input's sequence numbers get the input's number above them. An input with an operator
//! that needs all workers to be done first (a tail) is materialized before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rsql_common::Result;
use rsql_expr::Chunk;
use rsql_planner::physical::Union;

use crate::build::Builder;
use crate::hash_join::engine_types;
use crate::materialize::{ChunkTable, CollectSink, TableSource};
use crate::pipeline::{Chain, Flow, LocalOperator, LocalSource, Operator, Output, Source, SourceStatus, TaskContext};

pub(crate) fn build(node: &Union, b: &mut Builder) -> Result<Chain> {
    let mut inputs = Vec::with_capacity(node.inputs.len());
    let mut dependencies = Vec::new();
    let mut bits = 0;
    for plan in &node.inputs {
        let mut chain = b.chain(plan)?;
        if chain.operators.iter().any(|o| o.tail().is_some()) {
            let table = ChunkTable::new();
            let types = engine_types(plan.schema()).into();
            let sink = CollectSink::new(Arc::clone(&table), types, b.usage());
            let pipeline = b.finish(chain, Arc::new(sink));
            chain = Chain::new(Arc::new(TableSource::new(table))).after(pipeline);
        }
        dependencies.append(&mut chain.dependencies);
        bits = bits.max(chain.sequence_bits);
        inputs.push(Input {
            source: chain.source,
            operators: chain.operators,
            claimed: AtomicBool::new(false),
        });
    }
    let mut chain = Chain::new(Arc::new(UnionSource {
        inputs: inputs.into(),
        bits: bits.min(60),
    }));
    chain.dependencies = dependencies;
    chain.sequence_bits = bits + usize::BITS - node.inputs.len().leading_zeros();
    Ok(chain)
}

struct Input {
    source: Arc<dyn Source>,
    operators: Vec<Arc<dyn Operator>>,
    /// A worker has come to it.
    claimed: AtomicBool,
}

impl Input {
    /// Whether a worker that comes to the input reads it.
    fn claim(&self) -> bool {
        let first = !self.claimed.swap(true, Ordering::Relaxed);
        first || self.source.parallelism() > 1
    }
}

struct UnionSource {
    inputs: Arc<[Input]>,
    bits: u32,
}

struct LocalUnion {
    inputs: Arc<[Input]>,
    bits: u32,
    cx: Arc<TaskContext>,
    /// Input being read.
    at: usize,
    source: Option<Box<dyn LocalSource>>,
    operators: Vec<Box<dyn LocalOperator>>,
    ready: VecDeque<Chunk>,
}

impl Source for UnionSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalUnion {
            inputs: Arc::clone(&self.inputs),
            bits: self.bits,
            cx: Arc::clone(cx),
            at: 0,
            source: None,
            operators: Vec::new(),
            ready: VecDeque::new(),
        }))
    }

    fn parallelism(&self) -> usize {
        self.inputs
            .iter()
            .fold(0usize, |n, i| n.saturating_add(i.source.parallelism()))
            .max(1)
    }
}

impl LocalSource for LocalUnion {
    fn next(&mut self) -> Result<SourceStatus> {
        loop {
            if let Some(mut chunk) = self.ready.pop_front() {
                chunk.sequence = chunk.sequence.wrapping_add((self.at as u64) << self.bits);
                return Ok(SourceStatus::Chunk(chunk));
            }
            let Some(input) = self.inputs.get(self.at) else {
                return Ok(SourceStatus::Finished);
            };
            let source = match &mut self.source {
                Some(s) => s,
                none => {
                    if !input.claim() {
                        self.at += 1;
                        continue;
                    }
                    self.operators = input
                        .operators
                        .iter()
                        .map(|o| o.open(&self.cx))
                        .collect::<Result<_>>()?;
                    none.insert(input.source.open(&self.cx)?)
                }
            };
            let stop = match source.next()? {
                SourceStatus::Chunk(chunk) => {
                    let mut rest = Queue {
                        operators: &mut self.operators,
                        ready: &mut self.ready,
                    };
                    rest.push(chunk)? == Flow::Stop
                }
                SourceStatus::Finished => true,
                waiting => return Ok(waiting),
            };
            if stop {
                self.end_input()?;
            }
        }
    }
}

impl LocalUnion {
    /// Flushes the input's operators; what comes of it is handed out before the next input starts.
    fn end_input(&mut self) -> Result<()> {
        self.source = None;
        for i in 0..self.operators.len() {
            let (head, tail) = self.operators.split_at_mut(i + 1);
            let mut rest = Queue {
                operators: tail,
                ready: &mut self.ready,
            };
            head[i].flush(&mut rest)?;
        }
        for chunk in &mut self.ready {
            // The counter moves on below, and `next` adds the new one.
            chunk.sequence = chunk.sequence.wrapping_sub(1 << self.bits);
        }
        self.at += 1;
        Ok(())
    }
}

/// An input's operators, then the queue.
struct Queue<'a> {
    operators: &'a mut [Box<dyn LocalOperator>],
    ready: &'a mut VecDeque<Chunk>,
}

impl Output for Queue<'_> {
    fn push(&mut self, chunk: Chunk) -> Result<Flow> {
        if chunk.rows() == 0 {
            return Ok(Flow::Continue);
        }
        match self.operators.split_first_mut() {
            Some((op, operators)) => {
                let ready = &mut *self.ready;
                op.push(chunk, &mut Queue { operators, ready })
            }
            None => {
                self.ready.push_back(chunk);
                Ok(Flow::Continue)
            }
        }
    }
}
