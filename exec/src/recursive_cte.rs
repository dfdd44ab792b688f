//! WITH RECURSIVE: the anchor's rows, then the recursive part over the last rows again and again until it gives none.
//!
//! The recursive part runs inside `finalize` of the anchor's pipeline, on that worker alone: iterations depend on each
//! other and are mostly tiny. Rows go to spill files when the pool refuses memory for them; what UNION (DISTINCT) has seen
//! stays in memory.

use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use hashbrown::HashSet;
use rsql_common::{Error, Reservation, Result};
use rsql_expr::{Chunk, Schema};
use rsql_planner::physical::RecursiveCte;

use crate::build::{Builder, CteBinding, Place};
use crate::concat::tighten;
use crate::hash_join::engine_types;
use crate::materialize::{ChunkTable, CollectSink, Collector, TableSource};
use crate::metrics::Usage;
use crate::pipeline::{Chain, LocalSink, Sink, TaskContext};
use crate::scheduler;

pub(crate) fn build(node: &RecursiveCte, b: &mut Builder) -> Result<Chain> {
    let mut chain = b.chain(&node.anchor)?;
    let place = b.leave_out(&node.recursive);
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
    let types: Arc<[DataType]> = engine_types(&node.schema).into();
    let usage = b.usage();
    let sink = RecursiveSink {
        node: node.clone(),
        place,
        outer,
        collect: CollectSink::new(ChunkTable::new(), Arc::clone(&types), usage.clone()),
        result: Arc::clone(&result),
        types,
        usage,
    };
    let pipeline = b.finish(chain, Arc::new(sink));
    Ok(Chain::new(Arc::new(TableSource::new(result))).after(pipeline))
}

struct RecursiveSink {
    node: RecursiveCte,
    /// Of the recursive part.
    place: Place,
    outer: Vec<(rsql_common::CteId, CteBinding)>,
    /// Takes the anchor's rows.
    collect: CollectSink,
    result: Arc<ChunkTable>,
    types: Arc<[DataType]>,
    usage: Usage,
}

impl Sink for RecursiveSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        self.collect.open(cx)
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        self.collect.finalize(cx)?;
        let mut seen = match self.node.all {
            true => None,
            false => Some(Seen::new(
                &self.node.schema,
                self.usage.register(&cx.memory, "rows seen by a recursion", false),
            )?),
        };
        let mut last = self.fresh(Arc::clone(&self.collect.table), &mut seen, cx)?;
        let mut all = Collector::new(&self.types, &self.usage, cx);
        let mut rows = 0u64;
        let mut level = 0u64;
        let mut order = 0u64;
        loop {
            let chunks = last.chunks();
            for chunk in chunks.iter() {
                rows += chunk.rows() as u64;
                all.push(chunk.load()?.with_sequence(order))?;
                order += 1;
            }
            if self.node.fetch.is_some_and(|wanted| rows >= wanted) {
                break;
            }
            if let Some(limit) = self.node.max_rows
                && rows > limit
            {
                return Err(Error::user("RECURSION_ROW_LIMIT_EXCEEDED").param("rowLimit", limit.to_string()));
            }
            if chunks.is_empty() {
                break;
            }
            level += 1;
            if let Some(limit) = self.node.max_level
                && level > limit
            {
                return Err(Error::user("RECURSION_LEVEL_LIMIT_EXCEEDED").param("levelLimit", limit.to_string()));
            }
            let next = self.step(last, cx)?;
            last = self.fresh(next, &mut seen, cx)?;
        }
        let (chunks, memory) = all.finish()?;
        self.result.set_ordered(chunks);
        self.result.keep(memory);
        Ok(())
    }
}

impl RecursiveSink {
    /// The recursive part over the rows of the last iteration.
    fn step(&self, last: Arc<ChunkTable>, cx: &Arc<TaskContext>) -> Result<Arc<ChunkTable>> {
        let mut b = Builder::at(self.place, Arc::clone(cx));
        for (id, binding) in &self.outer {
            b.bind_cte(*id, binding.clone());
        }
        let working = CteBinding {
            table: last,
            filled_by: None,
        };
        b.bind_cte(self.node.id, working);
        let chain = b.chain(&self.node.recursive)?;
        let next = ChunkTable::new();
        let sink = CollectSink::new(Arc::clone(&next), Arc::clone(&self.types), self.usage.clone());
        b.finish(chain, Arc::new(sink));
        scheduler::run_here(b.into_pipelines(), Arc::clone(cx))?;
        Ok(next)
    }

    /// The rows not seen before; all of them when nothing is dropped.
    fn fresh(&self, table: Arc<ChunkTable>, seen: &mut Option<Seen>, cx: &Arc<TaskContext>) -> Result<Arc<ChunkTable>> {
        let Some(seen) = seen else { return Ok(table) };
        let mut kept = Collector::new(&self.types, &self.usage, cx);
        for (i, chunk) in table.chunks().iter().enumerate() {
            if let Some(new) = seen.keep_new(chunk.load()?)? {
                kept.push(new.with_sequence(i as u64))?;
            }
        }
        let (chunks, memory) = kept.finish()?;
        let fresh = ChunkTable::new();
        fresh.set_ordered(chunks);
        fresh.keep(memory);
        Ok(fresh)
    }
}

/// Rows so far, for UNION (DISTINCT).
struct Seen {
    converter: RowConverter,
    rows: HashSet<Box<[u8]>>,
    memory: Reservation,
}

impl Seen {
    fn new(schema: &Schema, memory: Reservation) -> Result<Self> {
        let fields = schema.iter().map(|f| SortField::new(f.ty.arrow())).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            rows: HashSet::new(),
            memory,
        })
    }

    fn keep_new(&mut self, mut chunk: Chunk) -> Result<Option<Chunk>> {
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        let rows = self.converter.convert_columns(&arrays)?;
        let mut bytes = 0;
        let mut is_new = |row: usize| {
            let row = rows.row(row);
            let new = self.rows.insert(row.as_ref().into());
            bytes += if new { row.as_ref().len() + 32 } else { 0 };
            new
        };
        let positions: Vec<u32> = (0..chunk.len as u32).filter(|i| is_new(*i as usize)).collect();
        self.memory.try_grow(bytes)?;
        if positions.is_empty() {
            return Ok(None);
        }
        chunk.select(positions);
        Ok(Some(tighten(chunk)?))
    }
}
