//! Collects rows into a state per worker.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use super::call::AggregateSpec;
use super::input::AggregateInput;
use super::source::Groups;
use super::spilled::SpilledGroups;
use super::state::GroupedState;
use crate::concat::{chunk_bytes, tighten};
use crate::pipeline::{Flow, LocalSink, Sink, TaskContext};

/// Up to so many groups are merged by one worker.
const MERGE_BY_ONE: usize = 1 << 16;
/// Partitions that many groups are merged in.
const MERGE_PARTITIONS: usize = 64;
/// The memory grant is adjusted every so many chunks.
const CHUNKS_A_GRANT: usize = 8;

/// What sink and source share.
pub(super) struct SharedAggregate {
    pub(super) spec: Arc<AggregateSpec>,
    states: Mutex<Vec<GroupedState>>,
    /// Rows kept for calls that depend on their order.
    rows: Mutex<Vec<Chunk>>,
    spilling: AtomicBool,
    spilled: OnceLock<SpilledGroups>,
    pub(super) groups: OnceLock<Groups>,
    reservations: Mutex<Vec<Reservation>>,
}

impl SharedAggregate {
    pub(super) fn new(spec: AggregateSpec) -> Self {
        Self {
            spec: Arc::new(spec),
            states: Mutex::default(),
            rows: Mutex::default(),
            spilling: AtomicBool::new(false),
            spilled: OnceLock::new(),
            groups: OnceLock::new(),
            reservations: Mutex::default(),
        }
    }

    /// The spill files, created when first asked for.
    fn spilled(&self, cx: &TaskContext) -> Result<&SpilledGroups> {
        if let Some(s) = self.spilled.get() {
            return Ok(s);
        }
        let fresh = SpilledGroups::create(&self.spec, cx)?;
        Ok(self.spilled.get_or_init(|| fresh))
    }

    /// The files, if there are any.
    pub(super) fn spill_files(&self) -> Option<&SpilledGroups> {
        self.spilled.get()
    }
}

pub(super) struct AggregateSink {
    shared: Arc<SharedAggregate>,
}

impl AggregateSink {
    pub(super) fn new(shared: Arc<SharedAggregate>) -> Self {
        Self { shared }
    }
}

struct LocalAggregate {
    shared: Arc<SharedAggregate>,
    input: AggregateInput,
    /// Rows are kept until all are there.
    keep_rows: bool,
    rows: Vec<Chunk>,
    chunks: usize,
    memory: Option<Reservation>,
    cx: Arc<TaskContext>,
}

impl Sink for AggregateSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalAggregate {
            input: AggregateInput::new(&self.shared.spec, cx)?,
            keep_rows: self.shared.spec.ordered && cx.threads > 1,
            rows: Vec::new(),
            chunks: 0,
            memory: Some(
                cx.memory
                    .register("hash aggregate", !self.shared.spec.groups.is_empty()),
            ),
            cx: Arc::clone(cx),
            shared: Arc::clone(&self.shared),
        }))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let shared = &self.shared;
        let mut rows = std::mem::take(&mut *shared.rows.lock());
        let mut states = std::mem::take(&mut *shared.states.lock());
        if !rows.is_empty() {
            rows.sort_by_key(|c| c.sequence);
            let mut input = AggregateInput::new(&shared.spec, cx)?;
            for chunk in rows {
                cx.cancel.check()?;
                input.add(&chunk)?;
            }
            states.push(input.state);
        }
        let groups = if shared.spilling.load(Ordering::Relaxed) {
            let files = shared.spilled(cx)?;
            states.iter_mut().try_for_each(|s| files.write(s, cx))?;
            Groups::Spilled
        } else {
            merge(states, &shared.spec, cx)?
        };
        _ = shared.groups.set(groups);
        Ok(())
    }
}

/// Brings the workers' states together, or prepares for that.
fn merge(mut states: Vec<GroupedState>, spec: &Arc<AggregateSpec>, cx: &TaskContext) -> Result<Groups> {
    let total: usize = states.iter().map(GroupedState::len).sum();
    states.retain(|s| s.len() > 0);
    if states.len() > 1 && total > MERGE_BY_ONE && !spec.groups.is_empty() {
        let mut partials = Vec::with_capacity(states.len());
        for mut state in states {
            let partial = state.partial()?;
            let partitions = partial.partition(MERGE_PARTITIONS, cx.hash_zero)?;
            partials.push((partial, partitions));
        }
        return Ok(Groups::Partitioned {
            partials,
            partitions: MERGE_PARTITIONS,
        });
    }
    let mut states = states.into_iter();
    let mut all = match states.next() {
        Some(first) => first,
        None => GroupedState::new(spec, cx.hash_zero)?,
    };
    for mut state in states {
        all.merge(&state.partial()?)?;
    }
    let (columns, rows) = all.finish_in_order()?;
    Ok(Groups::Finished { columns, rows })
}

impl LocalAggregate {
    fn grant(&mut self) -> Result<()> {
        let Some(memory) = &self.memory else {
            return Ok(());
        };
        let can_spill = !self.shared.spec.groups.is_empty();
        let refused = memory.try_resize(self.input.state.size());
        if can_spill && (refused.is_err() || memory.revoke_requested() || self.cx.force_spill) {
            self.shared.spilling.store(true, Ordering::Relaxed);
            let mut state = self.input.take_state()?;
            self.shared.spilled(&self.cx)?.write(&mut state, &self.cx)?;
            memory.free();
            memory.clear_revoke();
            return Ok(());
        }
        refused
    }
}

impl LocalSink for LocalAggregate {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        if self.keep_rows {
            let chunk = tighten(chunk)?;
            if let Some(memory) = &self.memory {
                memory.try_grow(chunk_bytes(&chunk))?;
            }
            self.rows.push(chunk);
            return Ok(Flow::Continue);
        }
        self.input.add(&chunk)?;
        self.chunks += 1;
        if self.chunks.is_multiple_of(CHUNKS_A_GRANT) || self.cx.force_spill {
            self.grant()?;
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        self.shared.rows.lock().append(&mut self.rows);
        let state = self.input.take_state()?;
        self.shared.states.lock().push(state);
        if let Some(memory) = self.memory.take() {
            self.shared.reservations.lock().push(memory);
        }
        Ok(())
    }
}
