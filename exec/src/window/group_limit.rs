//! Drops rows that are surely not among the first of their window partition, before the window sorts and keeps them.
//!
//! Each worker holds rows back. When it holds enough it sorts them by partition and order, ranks them, and drops those
//! beyond the limit: what is left is a superset of the partition's first rows, since a row that is beyond the limit
//! among some of the rows is so among all. Equal keys are ranked in the source's order. When a cut drops little (many
//! small partitions) the operator gives up and hands rows on; when memory is short it cuts, hands on what is left and
//! begins anew, so that it needs no spill of its own.

use std::cmp::Ordering;
use std::sync::Arc;

use rsql_common::{Reservation, Result};
use rsql_expr::{Chunk, SortKey};
use rsql_planner::logical::{GroupLimit, RankFunction};
use rsql_planner::physical::WindowGroupLimit;

use super::sink::partition_keys;
use crate::build::Builder;
use crate::concat::{chunk_bytes, tighten};
use crate::metrics::Usage;
use crate::pipeline::{Chain, Flow, LocalOperator, Operator, Output, TaskContext};
use crate::sort::{KeyColumns, Keys};

/// Rows held beyond what the last cut left before the next one.
const SLACK: usize = 64 * 1024;
/// The same under `rsql.exec.force_spill`, where rows are handed on after each cut.
const FORCED_SLACK: usize = 16;
/// Part of the rows that a cut may leave and still pay.
const MAX_LEFT: f64 = 0.7;

pub(crate) fn build(node: &WindowGroupLimit, b: &mut Builder) -> Result<Chain> {
    let operator = GroupLimitOperator {
        partition: partition_keys(&node.partition_by),
        order: node.order_by.clone(),
        limit: node.limit,
        usage: b.usage(),
    };
    Ok(b.chain(&node.input)?.then(Arc::new(operator)))
}

struct GroupLimitOperator {
    partition: Vec<SortKey>,
    order: Vec<SortKey>,
    limit: GroupLimit,
    usage: Usage,
}

/// A dense chunk with the keys of its rows.
struct Batch {
    chunk: Chunk,
    partition: Keys,
    order: Keys,
}

/// A held row: batch and row.
type Place = (u32, u32);

struct LocalGroupLimit {
    partition: KeyColumns,
    order: KeyColumns,
    limit: GroupLimit,
    slack: usize,
    memory: Reservation,
    batches: Vec<Batch>,
    rows: usize,
    /// Rows the last cut left.
    left: usize,
    given_up: bool,
    cx: Arc<TaskContext>,
}

impl Operator for GroupLimitOperator {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalGroupLimit {
            partition: KeyColumns::of(&self.partition, cx)?,
            order: KeyColumns::of(&self.order, cx)?,
            limit: self.limit,
            slack: if cx.force_spill { FORCED_SLACK } else { SLACK },
            memory: self.usage.register(&cx.memory, "window group limit", true),
            batches: Vec::new(),
            rows: 0,
            left: 0,
            given_up: false,
            cx: Arc::clone(cx),
        }))
    }
}

impl LocalOperator for LocalGroupLimit {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        if self.given_up {
            return out.push(input);
        }
        let chunk = tighten(input)?;
        self.rows += chunk.len;
        // The rows, and what sorting takes a row.
        let bytes = chunk_bytes(&chunk) + 64 * chunk.len;
        let batch = self.batch(chunk)?;
        let bytes = bytes + batch.partition.size() + batch.order.size();
        self.batches.push(batch);
        let short = self.memory.try_grow(bytes).is_err() || self.memory.revoke_requested();
        let full = self.rows >= 2 * self.left + self.slack;
        if !short && !full {
            return Ok(Flow::Continue);
        }
        let before = self.rows;
        self.cut()?;
        self.given_up = !short && !self.cx.force_spill && self.rows as f64 > before as f64 * MAX_LEFT;
        if short || self.given_up || self.cx.force_spill {
            return self.hand_on(out);
        }
        Ok(Flow::Continue)
    }

    fn flush(&mut self, out: &mut dyn Output) -> Result<Flow> {
        self.cut()?;
        self.hand_on(out)
    }
}

impl LocalGroupLimit {
    fn batch(&mut self, chunk: Chunk) -> Result<Batch> {
        Ok(Batch {
            partition: self.partition.keys(&chunk)?,
            order: self.order.keys(&chunk)?,
            chunk,
        })
    }

    /// Drops the rows beyond the limit of those held; each chunk's other rows stay together.
    fn cut(&mut self) -> Result<()> {
        self.cx.cancel.check()?;
        self.batches.sort_by_key(|b| b.chunk.sequence);
        let mut entries: Vec<(u128, Place)> = Vec::with_capacity(self.rows);
        for (b, batch) in self.batches.iter().enumerate() {
            let places = (0..batch.chunk.len).map(|i| (batch.partition.prefix(i), (b as u32, i as u32)));
            entries.extend(places);
        }
        let batches = &self.batches;
        let by_partition = |a: &(u128, Place), b: &(u128, Place)| {
            let keys = |p: Place| &batches[p.0 as usize].partition;
            a.0.cmp(&b.0).then_with(|| compare(keys(a.1), a.1, keys(b.1), b.1))
        };
        let by_order = |a: Place, b: Place| {
            let keys = |p: Place| &batches[p.0 as usize].order;
            compare(keys(a), a, keys(b), b)
        };
        entries.sort_unstable_by(|a, b| by_partition(a, b).then_with(|| by_order(a.1, b.1)).then(a.1.cmp(&b.1)));
        let mut kept: Vec<Place> = Vec::new();
        for rows in entries.chunk_by(|a, b| by_partition(a, b) == Ordering::Equal) {
            let (mut rank, mut dense) = (0u64, 0u64);
            for (i, (_, place)) in rows.iter().enumerate() {
                if i == 0 || by_order(rows[i - 1].1, *place) != Ordering::Equal {
                    rank = i as u64 + 1;
                    dense += 1;
                }
                let rank = match self.limit.rank {
                    RankFunction::RowNumber => i as u64 + 1,
                    RankFunction::Rank => rank,
                    RankFunction::DenseRank => dense,
                };
                if rank > self.limit.rows {
                    break;
                }
                kept.push(*place);
            }
        }
        kept.sort_unstable();
        let mut left: Vec<Vec<u32>> = vec![Vec::new(); self.batches.len()];
        kept.iter().for_each(|(b, i)| left[*b as usize].push(*i));
        for (batch, rows) in std::mem::take(&mut self.batches).into_iter().zip(left) {
            if rows.len() == batch.chunk.len {
                self.batches.push(batch);
            } else if !rows.is_empty() {
                let mut chunk = batch.chunk;
                chunk.select(rows);
                let batch = self.batch(tighten(chunk)?)?;
                self.batches.push(batch);
            }
        }
        self.rows = kept.len();
        self.left = kept.len();
        let held = |b: &Batch| chunk_bytes(&b.chunk) + 64 * b.chunk.len + b.partition.size() + b.order.size();
        let bytes = self.batches.iter().map(held).sum::<usize>();
        self.memory.shrink(self.memory.size().saturating_sub(bytes));
        Ok(())
    }

    /// Gives away what is held.
    fn hand_on(&mut self, out: &mut dyn Output) -> Result<Flow> {
        (self.rows, self.left) = (0, 0);
        let batches = std::mem::take(&mut self.batches);
        self.memory.free();
        self.memory.clear_revoke();
        for batch in batches {
            if out.push(batch.chunk)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}

fn compare(keys: &Keys, place: Place, other: &Keys, other_place: Place) -> Ordering {
    keys.compare(place.1 as usize, other, other_place.1 as usize)
}
