//! Collects rows into a state per worker.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use super::call::AggregateSpec;
use super::input::AggregateInput;
use super::source::Groups;
use super::spilled::SpilledGroups;
use super::state::GroupedState;
use crate::metrics::Usage;
use crate::pipeline::{Flow, LocalSink, Sink, TaskContext};
use crate::sort::{Held, HeldRows, LocalHeld};

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
    rows: Arc<HeldRows>,
    pub(super) usage: Usage,
    spilling: AtomicBool,
    spilled: OnceLock<SpilledGroups>,
    pub(super) groups: OnceLock<Groups>,
    reservations: Mutex<Vec<Reservation>>,
}

impl SharedAggregate {
    pub(super) fn new(spec: AggregateSpec, types: Arc<[DataType]>, usage: Usage) -> Self {
        Self {
            spec: Arc::new(spec),
            states: Mutex::default(),
            rows: Arc::new(HeldRows::new("ordered aggregate", &[], types, usage.clone())),
            usage,
            spilling: AtomicBool::new(false),
            spilled: OnceLock::new(),
            groups: OnceLock::new(),
            reservations: Mutex::default(),
        }
    }

    /// The spill files, created when first asked for.
    fn spilled(&self, cx: &TaskContext) -> &SpilledGroups {
        self.spilled
            .get_or_init(|| SpilledGroups::create(&self.spec, &self.usage, cx))
    }

    /// States of many groups can be cut by their keys, sets of distinct tuples by the tuples.
    fn can_spill(&self) -> bool {
        !self.spec.groups.is_empty() || self.spec.calls.iter().any(|c| c.distinct)
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
    rows: Option<LocalHeld>,
    chunks: usize,
    memory: Option<Reservation>,
    cx: Arc<TaskContext>,
}

impl Sink for AggregateSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        let mut local = LocalAggregate::open(&self.shared, cx)?;
        if self.shared.spec.ordered && cx.threads > 1 {
            local.rows = Some(self.shared.rows.open(cx));
        }
        Ok(Box::new(local))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let shared = &self.shared;
        if shared.spec.ordered && cx.threads > 1 {
            let mut all = LocalAggregate::open(shared, cx)?;
            match shared.rows.finish(cx)? {
                Held::Memory(chunks) => {
                    for chunk in chunks {
                        cx.cancel.check()?;
                        all.add(&chunk)?;
                    }
                    shared.rows.free();
                }
                Held::Sorted(rows) => {
                    let mut rows = rows.stream(cx.chunk_rows)?;
                    while let Some(chunk) = rows.next_chunk()? {
                        cx.cancel.check()?;
                        all.add(&chunk)?;
                    }
                }
            }
            all.combine()?;
        }
        let mut states = std::mem::take(&mut *shared.states.lock());
        let groups = if shared.spilling.load(Ordering::Relaxed) {
            let files = shared.spilled(cx);
            states.iter_mut().try_for_each(|s| files.write(s, cx))?;
            drop(states);
            shared.reservations.lock().clear();
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
    fn open(shared: &Arc<SharedAggregate>, cx: &Arc<TaskContext>) -> Result<Self> {
        let memory = shared.usage.register(&cx.memory, "hash aggregate", shared.can_spill());
        Ok(Self {
            input: AggregateInput::new(&shared.spec, cx)?,
            rows: None,
            chunks: 0,
            memory: Some(memory),
            cx: Arc::clone(cx),
            shared: Arc::clone(shared),
        })
    }

    /// Adds rows to the state.
    fn add(&mut self, chunk: &Chunk) -> Result<()> {
        self.input.add(chunk)?;
        self.chunks += 1;
        if self.chunks.is_multiple_of(CHUNKS_A_GRANT) || self.cx.force_spill {
            self.grant()?;
        }
        Ok(())
    }

    fn grant(&mut self) -> Result<()> {
        let Some(memory) = &self.memory else {
            return Ok(());
        };
        let can_spill = self.shared.can_spill();
        let refused = memory.try_resize(self.input.state.size());
        if can_spill && (refused.is_err() || memory.revoke_requested() || self.cx.force_spill) {
            self.shared.spilling.store(true, Ordering::Relaxed);
            let mut state = self.input.take_state()?;
            self.shared.spilled(&self.cx).write(&mut state, &self.cx)?;
            memory.free();
            memory.clear_revoke();
            return Ok(());
        }
        refused
    }
}

impl LocalSink for LocalAggregate {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        match &mut self.rows {
            Some(rows) => rows.push(chunk)?,
            None => self.add(&chunk)?,
        }
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        if let Some(rows) = &mut self.rows {
            rows.combine()?;
        }
        let state = self.input.take_state()?;
        self.shared.states.lock().push(state);
        if let Some(memory) = self.memory.take() {
            memory.settle();
            self.shared.reservations.lock().push(memory);
        }
        Ok(())
    }
}
