//! What a join puts out after all probe rows: build rows by whether they found a partner, and joins of spilled
//! partitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::new_null_array;
use rsql_common::Result;
use rsql_expr::{Chunk, Vector};

use super::partition_join::PartitionJoin;
use super::spec::{JoinSpec, Shared};
use super::table::{JoinTable, RowIndex};
use crate::pipeline::{LocalSource, Source, SourceStatus, TaskContext};
use crate::spill::PARTITIONS;

/// Tail chunks come after all others.
pub(crate) const TAIL_SEQUENCE: u64 = 1 << 62;

pub(super) struct TailSource {
    shared: Arc<Shared>,
    cursor: Arc<AtomicUsize>,
}

impl TailSource {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            cursor: Arc::default(),
        }
    }
}

struct LocalTail {
    shared: Arc<Shared>,
    cursor: Arc<AtomicUsize>,
    cx: Arc<TaskContext>,
    /// A spilled partition under way, its number, and chunks it gave.
    partition: Option<(PartitionJoin, usize, u64)>,
    worked: bool,
}

impl Source for TailSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalTail {
            shared: Arc::clone(&self.shared),
            cursor: Arc::clone(&self.cursor),
            cx: Arc::clone(cx),
            partition: None,
            worked: false,
        }))
    }

    fn parallelism(&self) -> usize {
        match (self.shared.grace.get(), self.shared.table.get()) {
            (Some(_), _) => PARTITIONS,
            (None, Some(table)) if self.shared.spec.tail().is_some() => table.rows.div_ceil(1 << 16).max(1),
            _ => 1,
        }
    }
}

impl LocalSource for LocalTail {
    fn next(&mut self) -> Result<SourceStatus> {
        loop {
            self.cx.cancel.check()?;
            if let Some((join, number, given)) = &mut self.partition {
                if let Some(chunk) = join.next()? {
                    let sequence = TAIL_SEQUENCE + ((*number as u64) << 40) + *given;
                    *given += 1;
                    return Ok(SourceStatus::Chunk(chunk.with_sequence(sequence)));
                }
                self.partition = None;
            }
            if std::mem::take(&mut self.worked) {
                return Ok(SourceStatus::MorselDone);
            }
            let morsel = self.cursor.fetch_add(1, Ordering::Relaxed);
            match (self.shared.grace.get(), self.shared.table.get()) {
                (Some(grace), _) if morsel < PARTITIONS => {
                    let files = grace.partition(morsel)?;
                    let join = PartitionJoin::new(morsel, files, &self.shared, &self.cx);
                    self.partition = Some((join, morsel, 0));
                    self.worked = true;
                }
                (None, Some(table)) if self.shared.spec.tail().is_some() => {
                    let from = morsel * self.cx.chunk_rows;
                    if from >= table.rows {
                        return Ok(SourceStatus::Finished);
                    }
                    self.worked = true;
                    if let Some(chunk) = build_rows(&self.shared.spec, table, from, from + self.cx.chunk_rows)? {
                        return Ok(SourceStatus::Chunk(chunk.with_sequence(TAIL_SEQUENCE + morsel as u64)));
                    }
                }
                _ => return Ok(SourceStatus::Finished),
            }
        }
    }
}

/// The build rows of `from..to` that the tail puts out, with NULLs for the other side where pairs are expected.
pub(super) fn build_rows(spec: &JoinSpec, table: &JoinTable, from: usize, to: usize) -> Result<Option<Chunk>> {
    let Some(matched) = spec.tail() else {
        return Ok(None);
    };
    let rows = table.marked(from, to, matched);
    if rows.is_empty() {
        return Ok(None);
    }
    let build = table.gather(&RowIndex::new(&rows, false), &spec.build_types)?;
    if !spec.pairs() {
        return Ok(Some(Chunk::new(build, rows.len())));
    }
    let nulls = spec
        .probe_types
        .iter()
        .map(|t| Vector::constant(new_null_array(t, 1), rows.len()));
    let columns = match spec.build_is_left {
        true => build.into_iter().chain(nulls).collect(),
        false => nulls.chain(build).collect(),
    };
    Ok(Some(Chunk::new(columns, rows.len())))
}
