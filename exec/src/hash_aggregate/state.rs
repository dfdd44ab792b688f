//! Groups and their states.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use rsql_common::Result;
use rsql_expr::Vector;
use rsql_expr::function::Accumulator;
use rsql_planner::physical::AggregateMode;

use super::call::AggregateSpec;
use super::distinct::DistinctSet;
use super::partial::Partial;
use crate::hashing::{KeyColumn, KeyTable};

/// The groups that one worker (or one partition) has seen.
pub(super) struct GroupedState {
    spec: Arc<AggregateSpec>,
    groups: KeyTable,
    accumulators: Vec<Box<dyn Accumulator>>,
    distinct: Vec<Option<DistinctSet>>,
    /// Where each group first appeared: sequence of the chunk, and order within it. Empty if nobody asks.
    first_seen: Vec<(u64, u32)>,
}

impl GroupedState {
    pub(super) fn new(spec: &Arc<AggregateSpec>, hash_zero: bool) -> Result<Self> {
        let grouped = !spec.groups.is_empty();
        Ok(Self {
            groups: KeyTable::new(&spec.group_types, true, hash_zero),
            accumulators: spec.calls.iter().map(|c| c.accumulator()).collect::<Result<_>>()?,
            distinct: spec
                .calls
                .iter()
                .map(|c| c.distinct.then(|| DistinctSet::new(&c.arg_types, grouped, hash_zero)))
                .collect(),
            first_seen: Vec::new(),
            spec: Arc::clone(spec),
        })
    }

    /// A state for one of many hash partitions, of about so many groups: keys come from all over their range.
    pub(super) fn of_partition(spec: &Arc<AggregateSpec>, groups: usize, hash_zero: bool) -> Result<Self> {
        let mut state = Self::new(spec, hash_zero)?;
        state.groups.strewn(groups);
        Ok(state)
    }

    /// Groups seen.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The group of each row; new groups are added.
    pub(super) fn assign(&mut self, keys: &[KeyColumn], rows: usize, group_of: &mut Vec<u32>) {
        self.groups.assign(keys, rows, group_of);
    }

    /// Makes room for all groups. To be called between [`GroupedState::assign`] and [`GroupedState::update`].
    pub(super) fn resize(&mut self) {
        let groups = self.groups.len();
        self.accumulators.iter_mut().for_each(|a| a.resize(groups));
    }

    /// Notes that the groups added since the last call first appeared in a chunk.
    pub(super) fn note_first(&mut self, sequence: u64) {
        let new = self.first_seen.len() as u32..self.groups.len() as u32;
        self.first_seen.extend(new.map(|group| (sequence, group)));
    }

    /// Adds rows to a call; `one` if all belong to the same group.
    pub(super) fn update(&mut self, call: usize, args: &[Vector], group_of: &[u32], one: bool) -> Result<()> {
        if group_of.is_empty() {
            return Ok(());
        }
        if let Some(set) = &mut self.distinct[call] {
            return set.add(args, group_of);
        }
        if one {
            self.accumulators[call].update_one(args, group_of.len(), group_of[0])
        } else {
            self.accumulators[call].update(args, group_of)
        }
    }

    /// Everything as columns.
    pub(super) fn partial(&mut self) -> Result<Partial> {
        let states = self.accumulators.iter_mut().zip(&self.distinct);
        Ok(Partial {
            groups: self.groups.len(),
            first_seen: self.first_seen.clone(),
            keys: self.groups.key_arrays(&self.spec.group_types)?,
            states: states
                .map(|(a, d)| if d.is_some() { Ok(Vec::new()) } else { a.state() })
                .collect::<Result<_>>()?,
            distinct: self
                .distinct
                .iter()
                .map(|d| d.as_ref().map(DistinctSet::tuples).transpose())
                .collect::<Result<_>>()?,
        })
    }

    /// Adds what another state has collected.
    pub(super) fn merge(&mut self, partial: &Partial) -> Result<()> {
        if partial.groups == 0 {
            return Ok(());
        }
        let keys = partial
            .keys
            .iter()
            .map(KeyColumn::from_array)
            .collect::<Result<Vec<_>>>()?;
        let mut number = Vec::new();
        self.groups.assign(&keys, partial.groups, &mut number);
        self.resize();
        if !partial.first_seen.is_empty() {
            self.first_seen.resize(self.groups.len(), (u64::MAX, u32::MAX));
            for (seen, group) in partial.first_seen.iter().zip(&number) {
                let first = &mut self.first_seen[*group as usize];
                *first = (*seen).min(*first);
            }
        }
        for (call, accumulator) in self.accumulators.iter_mut().enumerate() {
            match (&mut self.distinct[call], &partial.distinct[call]) {
                (Some(set), Some((group_of, args))) => {
                    let group_of: Vec<u32> = group_of.iter().map(|g| number[*g as usize]).collect();
                    let args: Vec<Vector> = args.iter().cloned().map(Vector::Flat).collect();
                    set.add(&args, &group_of)?;
                }
                _ => accumulator.merge(&partial.states[call], &number)?,
            }
        }
        Ok(())
    }

    /// Adds partial states of a call: row `i` to the group `group_of[i]`.
    pub(super) fn merge_states(&mut self, call: usize, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.accumulators[call].merge(states, group_of)
    }

    /// Adds argument tuples of a call with DISTINCT, given by their groups' keys.
    pub(super) fn add_tuples(&mut self, call: usize, keys: &[ArrayRef], args: &[ArrayRef], rows: usize) -> Result<()> {
        let keys = keys.iter().map(KeyColumn::from_array).collect::<Result<Vec<_>>>()?;
        let mut group_of = Vec::new();
        self.groups.assign(&keys, rows, &mut group_of);
        self.resize();
        let args: Vec<Vector> = args.iter().cloned().map(Vector::Flat).collect();
        match &mut self.distinct[call] {
            Some(set) => set.add(&args, &group_of),
            None => Ok(()),
        }
    }

    /// Feeds a call with the tuples of its set, which is empty then.
    pub(super) fn drain_tuples(&mut self, call: usize, hash_zero: bool) -> Result<()> {
        let rows = if self.spec.groups.is_empty() {
            1
        } else {
            self.groups.len()
        };
        self.accumulators[call].resize(rows);
        self.feed(call)?;
        self.clear_tuples(call, hash_zero);
        Ok(())
    }

    /// Forgets the tuples of a call.
    pub(super) fn clear_tuples(&mut self, call: usize, hash_zero: bool) {
        let grouped = !self.spec.groups.is_empty();
        if let Some(set) = &mut self.distinct[call] {
            *set = DistinctSet::new(&self.spec.calls[call].arg_types, grouped, hash_zero);
        }
    }

    fn feed(&mut self, call: usize) -> Result<()> {
        let Some(set) = &self.distinct[call] else {
            return Ok(());
        };
        let (group_of, args) = set.tuples()?;
        if group_of.is_empty() {
            return Ok(());
        }
        let args: Vec<Vector> = args.into_iter().map(Vector::Flat).collect();
        self.accumulators[call].update(&args, &group_of)
    }

    /// The output columns (states, in a partial aggregation); without group keys there always is one group.
    pub(super) fn finish(mut self) -> Result<(Vec<ArrayRef>, usize)> {
        let rows = if self.spec.groups.is_empty() {
            1
        } else {
            self.groups.len()
        };
        self.accumulators.iter_mut().for_each(|a| a.resize(rows));
        let mut columns = self.groups.key_arrays(&self.spec.group_types)?;
        if self.spec.mode == AggregateMode::Partial {
            for accumulator in &mut self.accumulators {
                columns.extend(accumulator.state()?);
            }
            return Ok((columns, rows));
        }
        for call in 0..self.accumulators.len() {
            self.feed(call)?;
            columns.push(self.accumulators[call].finish()?);
        }
        Ok((columns, rows))
    }

    /// As [`GroupedState::finish`], groups in the order of their first appearance where that was noted.
    pub(super) fn finish_in_order(mut self) -> Result<(Vec<ArrayRef>, usize)> {
        let first_seen = std::mem::take(&mut self.first_seen);
        let (columns, rows) = self.finish()?;
        if first_seen.len() != rows || first_seen.is_sorted() {
            return Ok((columns, rows));
        }
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_unstable_by_key(|group| first_seen[*group as usize]);
        let order = UInt32Array::from(order);
        let columns = columns
            .iter()
            .map(|c| Ok(arrow::compute::take(c, &order, None)?))
            .collect::<Result<_>>()?;
        Ok((columns, rows))
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        let accumulators: usize = self.accumulators.iter().map(|a| a.size()).sum();
        let distinct: usize = self.distinct.iter().flatten().map(DistinctSet::size).sum();
        self.groups.size() + accumulators + distinct + self.first_seen.capacity() * 16
    }
}
