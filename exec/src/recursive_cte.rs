//! WITH RECURSIVE: the anchor's rows, then the recursive part over the last rows again and again until it gives none.
//!
//! The recursive part runs inside `finalize` of the anchor's pipeline, on that worker alone: iterations depend on each
//! other and are mostly tiny.

use std::sync::Arc;

use arrow::row::{RowConverter, SortField};
use hashbrown::HashSet;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Schema};
use rsql_planner::physical::RecursiveCte;

use crate::build::{Builder, CteBinding};
use crate::concat::tighten;
use crate::materialize::{ChunkTable, CollectSink, TableSource};
use crate::pipeline::{Chain, LocalSink, Sink, TaskContext};
use crate::scheduler;

pub(crate) fn build(node: &RecursiveCte, b: &mut Builder) -> Result<Chain> {
    let mut chain = b.chain(&node.anchor)?;
    // The recursive part may read any definition around it.
    chain.dependencies.extend(b.ctes().values().filter_map(|c| c.filled_by));
    let outer = b
        .ctes()
        .iter()
        .map(|(id, c)| {
            let full = CteBinding {
                table: Arc::clone(&c.table),
                filled_by: None,
            };
            (*id, full)
        })
        .collect();
    let result = ChunkTable::new();
    let sink = RecursiveSink {
        node: node.clone(),
        outer,
        collect: CollectSink::new(ChunkTable::new()),
        result: Arc::clone(&result),
    };
    let pipeline = b.finish(chain, Arc::new(sink));
    Ok(Chain::new(Arc::new(TableSource::new(result))).after(pipeline))
}

struct RecursiveSink {
    node: RecursiveCte,
    outer: Vec<(rsql_common::CteId, CteBinding)>,
    /// Takes the anchor's rows.
    collect: CollectSink,
    result: Arc<ChunkTable>,
}

impl Sink for RecursiveSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        self.collect.open(cx)
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        self.collect.finalize(cx)?;
        let mut seen = if self.node.all {
            None
        } else {
            Some(Seen::new(&self.node.schema)?)
        };
        let mut last = fresh(self.collect.table.chunks().to_vec(), &mut seen)?;
        let mut all: Vec<Chunk> = Vec::new();
        let mut rows = 0u64;
        let mut level = 0u64;
        loop {
            rows += last.iter().map(|c| c.len as u64).sum::<u64>();
            all.extend(last.iter().cloned());
            if let Some(limit) = self.node.max_rows
                && rows > limit
            {
                return Err(Error::user("RECURSION_ROW_LIMIT_EXCEEDED").param("rowLimit", limit.to_string()));
            }
            if last.is_empty() {
                break;
            }
            level += 1;
            if let Some(limit) = self.node.max_level
                && level > limit
            {
                return Err(Error::user("RECURSION_LEVEL_LIMIT_EXCEEDED").param("levelLimit", limit.to_string()));
            }
            last = fresh(self.step(last, cx)?, &mut seen)?;
        }
        self.result.set(all);
        Ok(())
    }
}

impl RecursiveSink {
    /// The recursive part over the rows of the last iteration.
    fn step(&self, last: Vec<Chunk>, cx: &Arc<TaskContext>) -> Result<Vec<Chunk>> {
        let mut b = Builder::new(Arc::clone(cx));
        for (id, binding) in &self.outer {
            b.bind_cte(*id, binding.clone());
        }
        let working = CteBinding {
            table: ChunkTable::of(last),
            filled_by: None,
        };
        b.bind_cte(self.node.id, working);
        let chain = b.chain(&self.node.recursive)?;
        let next = ChunkTable::new();
        b.finish(chain, Arc::new(CollectSink::new(Arc::clone(&next))));
        scheduler::run_here(b.into_pipelines(), Arc::clone(cx))?;
        Ok(next.chunks().to_vec())
    }
}

/// Rows so far, for UNION (DISTINCT).
struct Seen {
    converter: RowConverter,
    rows: HashSet<Box<[u8]>>,
}

impl Seen {
    fn new(schema: &Schema) -> Result<Self> {
        let fields = schema.iter().map(|f| SortField::new(f.ty.arrow())).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            rows: HashSet::new(),
        })
    }

    fn keep_new(&mut self, mut chunk: Chunk) -> Result<Option<Chunk>> {
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        let rows = self.converter.convert_columns(&arrays)?;
        let positions: Vec<u32> = (0..chunk.len as u32)
            .filter(|i| self.rows.insert(rows.row(*i as usize).as_ref().into()))
            .collect();
        if positions.is_empty() {
            return Ok(None);
        }
        chunk.select(positions);
        Ok(Some(tighten(chunk)?))
    }
}

/// The rows not seen before; all of them when nothing is dropped.
fn fresh(chunks: Vec<Chunk>, seen: &mut Option<Seen>) -> Result<Vec<Chunk>> {
    let Some(seen) = seen else { return Ok(chunks) };
    let kept = chunks.into_iter().map(|c| seen.keep_new(c));
    kept.filter_map(Result::transpose).collect()
}
