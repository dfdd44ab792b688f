//! Evaluates keys and arguments of chunks and adds them to a state.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Vector};
use rsql_planner::physical::AggregateMode;

use super::call::AggregateSpec;
use super::state::GroupedState;
use crate::hashing::{CodeCache, KeyColumn, KeyReader};
use crate::pipeline::TaskContext;

/// A worker's programs and the state they feed.
pub(super) struct AggregateInput {
    spec: Arc<AggregateSpec>,
    keys: Vec<Program>,
    readers: Vec<KeyReader>,
    cache: CodeCache,
    /// As [`AggregateSpec::inputs`].
    inputs: Vec<InputPrograms>,
    eval: EvalCx,
    pub(super) state: GroupedState,
    group_of: Vec<u32>,
    hash_zero: bool,
    /// Several workers see the rows, and groups are wanted in the order of the source.
    note_first: bool,
}

/// A FILTER and what is evaluated for rows that pass alone.
struct InputPrograms {
    filter: Option<Program>,
    args: Vec<Program>,
}

impl AggregateInput {
    pub(super) fn new(spec: &Arc<AggregateSpec>, cx: &TaskContext) -> Result<Self> {
        let inputs = spec.inputs.iter().map(|i| {
            Ok(InputPrograms {
                filter: i.filter.as_ref().map(|f| cx.compile(f)).transpose()?,
                args: cx.compile_all(&i.args)?,
            })
        });
        Ok(Self {
            keys: cx.compile_all(&spec.groups)?,
            readers: spec.groups.iter().map(|_| KeyReader::default()).collect(),
            cache: CodeCache::default(),
            inputs: inputs.collect::<Result<_>>()?,
            eval: cx.eval(),
            state: GroupedState::new(spec, cx.hash_zero)?,
            group_of: Vec::new(),
            hash_zero: cx.hash_zero,
            note_first: cx.preserve_order && cx.threads > 1 && !spec.groups.is_empty(),
            spec: Arc::clone(spec),
        })
    }

    /// Adds the selected rows of a chunk.
    pub(super) fn add(&mut self, chunk: &Chunk) -> Result<()> {
        let rows = chunk.rows();
        if rows == 0 {
            return Ok(());
        }
        self.find_groups(chunk, rows)?;
        self.state.resize();
        if self.note_first {
            self.state.note_first(chunk.sequence);
        }
        if self.spec.mode == AggregateMode::Final {
            return self.merge(chunk);
        }
        let one = self.spec.groups.is_empty() || same_everywhere(&self.group_of);
        for (i, input) in self.inputs.iter().enumerate() {
            let mut rows = None;
            let mut group_of = None;
            if let Some(filter) = &input.filter
                && let Some(passing) = filter.filter(chunk, &self.eval)?
            {
                if passing.is_empty() {
                    continue;
                }
                group_of = Some(passing.iter().map(|p| self.group_of[*p as usize]).collect::<Vec<u32>>());
                let mut few = chunk.clone();
                few.select(passing);
                rows = Some(few);
            }
            let (rows, group_of) = (
                rows.as_ref().unwrap_or(chunk),
                group_of.as_ref().unwrap_or(&self.group_of),
            );
            let args = input
                .args
                .iter()
                .map(|p| p.eval(rows, &self.eval))
                .collect::<Result<Vec<Vector>>>()?;
            for (c, call) in self.spec.calls.iter().enumerate().filter(|(_, call)| call.input == i) {
                let args: Vec<Vector> = call.args.iter().map(|a| args[*a].clone()).collect();
                self.state.update(c, &args, group_of, one)?;
            }
        }
        Ok(())
    }

    /// Adds the partial states that stand behind the groups' columns.
    fn merge(&mut self, chunk: &Chunk) -> Result<()> {
        let mut column = self.spec.groups.len();
        for (i, call) in self.spec.calls.iter().enumerate() {
            let states = (column..column + call.state_types.len())
                .map(|c| chunk.dense_column(c)?.to_array())
                .collect::<Result<Vec<_>>>()?;
            column += call.state_types.len();
            self.state.merge_states(i, &states, &self.group_of)?;
        }
        Ok(())
    }

    /// Takes the state away, leaving an empty one.
    pub(super) fn take_state(&mut self) -> Result<GroupedState> {
        self.cache.forget();
        let fresh = GroupedState::new(&self.spec, self.hash_zero)?;
        Ok(std::mem::replace(&mut self.state, fresh))
    }

    fn find_groups(&mut self, chunk: &Chunk, rows: usize) -> Result<()> {
        let vectors = self
            .keys
            .iter()
            .map(|p| p.eval(chunk, &self.eval))
            .collect::<Result<Vec<Vector>>>()?;
        let (state, readers) = (&mut self.state, &mut self.readers);
        let mut read = |vectors: &[Vector]| {
            readers
                .iter_mut()
                .zip(vectors)
                .map(|(r, v)| r.read(v))
                .collect::<Result<Vec<KeyColumn>>>()
        };
        let cached = self.cache.resolve(&vectors, rows, &mut self.group_of, |rows| {
            let few = vectors.iter().map(|v| v.take(rows)).collect::<Result<Vec<Vector>>>()?;
            let mut groups = Vec::new();
            state.assign(&read(&few)?, rows.len(), &mut groups);
            Ok(groups)
        })?;
        if !cached {
            self.state.assign(&read(&vectors)?, rows, &mut self.group_of);
        }
        Ok(())
    }
}

fn same_everywhere(group_of: &[u32]) -> bool {
    match (group_of.first(), group_of.last()) {
        (Some(first), Some(last)) => first == last && group_of.iter().all(|g| g == first),
        _ => true,
    }
}
