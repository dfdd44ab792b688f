//! LIMIT and OFFSET: the first rows by the source's order.
//!
//! Workers read morsels side by side, so a row counts only once all rows before it are known. The sink keeps a sorted
//! list of how many rows each sequence number brought; as soon as the smallest of them hold enough rows, chunks beyond
//! are dropped, and a worker that has come beyond stops, since its later chunks only lie further back. Without
//! `rsql.preserve_order` any rows will do.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rsql_common::Result;
use rsql_expr::Chunk;
use rsql_planner::physical::Limit;

use crate::build::Builder;
use crate::concat::tighten;
use crate::materialize::{ChunkTable, Stored, TableSource};
use crate::pipeline::{Chain, Flow, LocalSink, Sink, TaskContext};

pub(crate) fn build(node: &Limit, b: &mut Builder) -> Result<Chain> {
    let chain = b.chain(&node.input)?;
    let table = ChunkTable::new();
    let sink = LimitSink {
        skip: node.skip,
        fetch: node.fetch,
        any_order: !b.cx().preserve_order,
        kept: Arc::default(),
        table: Arc::clone(&table),
    };
    let pipeline = b.finish(chain, Arc::new(sink));
    Ok(Chain::new(Arc::new(TableSource::new(table))).after(pipeline))
}

struct LimitSink {
    skip: u64,
    fetch: Option<u64>,
    any_order: bool,
    kept: Arc<Mutex<Kept>>,
    table: Arc<ChunkTable>,
}

#[derive(Default)]
struct Kept {
    /// Rows and chunks by sequence number.
    chunks: BTreeMap<u64, (u64, Vec<Chunk>)>,
    rows: u64,
}

struct LocalLimit {
    wanted: u64,
    any_order: bool,
    kept: Arc<Mutex<Kept>>,
}

impl Sink for LimitSink {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalLimit {
            wanted: self.fetch.map_or(u64::MAX, |f| f.saturating_add(self.skip)),
            any_order: self.any_order,
            kept: Arc::clone(&self.kept),
        }))
    }

    fn finalize(&self, _cx: &Arc<TaskContext>) -> Result<()> {
        let kept = std::mem::take(&mut *self.kept.lock());
        let (mut skip, mut fetch) = (self.skip, self.fetch.unwrap_or(u64::MAX));
        let mut out = Vec::new();
        for chunk in kept.chunks.into_values().flat_map(|(_, c)| c) {
            let rows = chunk.len as u64;
            let drop = skip.min(rows);
            skip -= drop;
            let take = fetch.min(rows - drop);
            fetch -= take;
            if take > 0 {
                out.push(chunk.slice(drop as usize, take as usize));
            }
        }
        self.table.set(out.into_iter().map(Stored::memory).collect());
        Ok(())
    }
}

impl LocalSink for LocalLimit {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        let sequence = chunk.sequence;
        let mut kept = self.kept.lock();
        if kept.rows >= self.wanted {
            let last = kept.chunks.last_key_value().map_or(0, |(s, _)| *s);
            if self.any_order || self.wanted == 0 || sequence >= last {
                return Ok(Flow::Stop);
            }
        }
        let chunk = tighten(chunk)?;
        let rows = chunk.len as u64;
        let entry = kept.chunks.entry(sequence).or_default();
        entry.0 += rows;
        entry.1.push(chunk);
        kept.rows += rows;
        while let Some(last) = kept.chunks.last_key_value().map(|(_, (rows, _))| *rows) {
            if kept.rows - last < self.wanted {
                break;
            }
            kept.rows -= last;
            kept.chunks.pop_last();
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        Ok(())
    }
}
