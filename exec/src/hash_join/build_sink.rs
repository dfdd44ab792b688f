//! Collects the build side; when all is there, builds the table and publishes runtime filters.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use super::grace::Grace;
use super::key::JoinKeys;
use super::publish;
use super::spec::Shared;
use super::table::JoinTable;
use crate::concat::{chunk_bytes, tighten};
use crate::hashing::KeyColumn;
use crate::pipeline::{Flow, LocalSink, Sink, TaskContext};

/// A chunk of the build side with its keys.
pub(crate) struct BuildPart {
    /// Dense; without columns where only existence counts.
    pub(super) payload: Chunk,
    pub(super) keys: Vec<KeyColumn>,
    /// Rows that can have a partner, if not all.
    pub(super) matchable: Option<Vec<u32>>,
}

impl BuildPart {
    pub(super) fn bytes(&self) -> usize {
        chunk_bytes(&self.payload) + self.keys.len() * self.payload.len * 8
    }
}

pub(super) struct BuildSink {
    shared: Arc<Shared>,
}

impl BuildSink {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

struct LocalBuild {
    shared: Arc<Shared>,
    keys: JoinKeys,
    parts: Vec<BuildPart>,
    rows: usize,
    memory: Option<Reservation>,
    cx: Arc<TaskContext>,
}

impl Sink for BuildSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        let spec = &self.shared.spec;
        Ok(Box::new(LocalBuild {
            keys: JoinKeys::new(&spec.build_keys, &spec.null_safe, cx)?,
            shared: Arc::clone(&self.shared),
            parts: Vec::new(),
            rows: 0,
            memory: Some(self.shared.usage.register(&cx.memory, "hash join build", true)),
            cx: Arc::clone(cx),
        }))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let shared = &self.shared;
        let mut parts = std::mem::take(&mut *shared.parts.lock());
        parts.sort_by_key(|p| p.payload.sequence);
        if shared.spilling.load(Ordering::Relaxed) {
            shared.grace(cx).take(&parts, &shared.spec, cx)?;
            shared.reservations.lock().clear();
            return Ok(());
        }
        let rows: usize = parts.iter().map(|p| p.payload.len).sum();
        // The table, and the payload a second time while it is joined end to end.
        let (overhead, copy) = (JoinTable::overhead(rows), parts.iter().map(BuildPart::bytes).sum());
        let memory = shared.usage.register(&cx.memory, "hash join table", false);
        if memory.try_grow(overhead).is_err() || memory.try_grow(copy).is_err() {
            drop(memory);
            shared.spilling.store(true, Ordering::Relaxed);
            shared.grace(cx).take(&parts, &shared.spec, cx)?;
            shared.reservations.lock().clear();
            return Ok(());
        }
        publish::publish(&shared.spec, &parts, &cx.filters);
        let table = JoinTable::build(&shared.spec, parts, shared.facts(), cx)?;
        memory.shrink(copy);
        shared.reservations.lock().push(memory);
        _ = shared.table.set(Arc::new(table));
        Ok(())
    }
}

/// Facts about the whole build side.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuildFacts {
    /// Rows, those dropped for NULL keys included.
    pub(super) rows: usize,
    /// Some row had a NULL key.
    pub(super) null_key: bool,
}

impl Shared {
    pub(super) fn facts(&self) -> BuildFacts {
        BuildFacts {
            rows: self.build_rows.load(Ordering::Relaxed),
            null_key: self.null_key.load(Ordering::Relaxed),
        }
    }

    /// The spill files, created when first asked for.
    pub(super) fn grace(&self, cx: &TaskContext) -> &Grace {
        self.grace
            .get_or_init(|| Grace::new(&self.spec, 0, &self.usage, &cx.spill_dir))
    }
}

impl LocalBuild {
    fn part(&mut self, chunk: Chunk) -> Result<BuildPart> {
        let spec = &self.shared.spec;
        let vectors = self.keys.vectors(&chunk)?;
        let mut keys = self.keys.columns(&vectors)?;
        let mut matchable = self
            .keys
            .matchable(&vectors)
            .map(|n| n.valid_indices().map(|i| i as u32).collect::<Vec<u32>>());
        if matchable.is_some() {
            self.shared.null_key.store(true, Ordering::Relaxed);
        }
        let (rows, sequence) = (chunk.rows(), chunk.sequence);
        let mut chunk = if spec.existence_only() {
            Chunk::new(Vec::new(), rows).with_sequence(sequence)
        } else {
            chunk
        };
        if !spec.keeps_unmatchable()
            && let Some(rows) = matchable.take()
        {
            keys = keys.iter().map(|k| k.take(&rows)).collect();
            chunk.select(rows);
        }
        Ok(BuildPart {
            payload: tighten(chunk)?,
            keys,
            matchable,
        })
    }

    fn spill(&mut self) -> Result<()> {
        self.shared.spilling.store(true, Ordering::Relaxed);
        let parts = std::mem::take(&mut self.parts);
        self.shared.grace(&self.cx).take(&parts, &self.shared.spec, &self.cx)?;
        if let Some(memory) = &self.memory {
            memory.free();
            memory.clear_revoke();
        }
        Ok(())
    }
}

impl LocalSink for LocalBuild {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        self.rows += chunk.rows();
        let part = self.part(chunk)?;
        let Some(memory) = &self.memory else {
            return Ok(Flow::Continue);
        };
        let refused = memory.try_grow(part.bytes()).is_err() || memory.revoke_requested() || self.cx.force_spill;
        self.parts.push(part);
        if refused || self.shared.spilling.load(Ordering::Relaxed) {
            self.spill()?;
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.shared.build_rows.fetch_add(self.rows, Ordering::Relaxed);
        self.shared.parts.lock().append(&mut self.parts);
        if let Some(memory) = self.memory.take() {
            memory.settle();
            self.shared.reservations.lock().push(memory);
        }
        Ok(())
    }
}
