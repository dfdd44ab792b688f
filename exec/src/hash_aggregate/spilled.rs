//! Partial states in spill files, by hash partition of the group keys.
//!
//! A partition is merged in memory. When the pool refuses that, it is read several times: each pass takes the groups
//! whose hash leaves one remainder. The same is done with the distinct tuples of a call, whose sets may be larger than
//! the groups they belong to: each pass feeds the call's state and forgets its set. Without group keys there is one
//! group, and only tuples are cut into partitions.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Error, Reservation, Result};
use rsql_expr::{Chunk, Vector};

use super::call::{AggregateSpec, CallSpec};
use super::partial::Partial;
use super::state::GroupedState;
use crate::hashing::{KeyColumn, hash_keys};
use crate::metrics::Usage;
use crate::pipeline::TaskContext;
use crate::spill::{PARTITIONS, SpillFile, SpillWriter, partition_of};

/// States up to this size are merged even if the pool has nothing left.
const FLOOR_BYTES: usize = 256 << 10;
/// Passes a refused pass becomes.
const CUT: u64 = 4;
/// More passes than this help nobody: what does not fit is one group.
const MOST_PASSES: u64 = 1 << 16;

/// The spill files of an aggregation.
pub(super) struct SpilledGroups {
    spec: Arc<AggregateSpec>,
    usage: Usage,
    /// None: read.
    partitions: Vec<Mutex<Option<PartitionFiles>>>,
}

struct PartitionFiles {
    /// Keys, then the states of all calls.
    groups: SpillWriter,
    /// By call with DISTINCT: keys, then arguments.
    distinct: Vec<Option<SpillWriter>>,
}

impl SpilledGroups {
    pub(super) fn create(spec: &Arc<AggregateSpec>, usage: &Usage, cx: &TaskContext) -> Self {
        let with_keys = |types: &[DataType]| [spec.group_types.as_slice(), types].concat();
        let states: Vec<DataType> = spec
            .calls
            .iter()
            .filter(|c| !c.distinct)
            .flat_map(|c| c.state_types.iter().cloned())
            .collect();
        let writer = |types: &[DataType]| SpillWriter::new(&cx.spill_dir, &with_keys(types), usage);
        let files = || PartitionFiles {
            groups: writer(&states),
            distinct: spec
                .calls
                .iter()
                .map(|c| c.distinct.then(|| writer(&c.arg_types)))
                .collect(),
        };
        Self {
            partitions: (0..PARTITIONS).map(|_| Mutex::new(Some(files()))).collect(),
            usage: usage.clone(),
            spec: Arc::clone(spec),
        }
    }

    /// Writes all groups of a state.
    pub(super) fn write(&self, state: &mut GroupedState, cx: &TaskContext) -> Result<()> {
        let partial = state.partial()?;
        if self.spec.groups.is_empty() {
            return self.write_single(&partial, cx);
        }
        for (number, groups) in partial.partition(PARTITIONS, cx.hash_zero)?.iter().enumerate() {
            cx.cancel.check()?;
            if groups.is_empty() {
                continue;
            }
            let part = partial.select(groups)?;
            self.with_files(number, |files| {
                let columns = part.keys.iter().chain(part.states.iter().flatten()).cloned().collect();
                files.groups.write_arrays(columns, part.groups)?;
                for (file, tuples) in files.distinct.iter_mut().zip(&part.distinct) {
                    if let (Some(file), Some((group_of, args))) = (file, tuples) {
                        let mut columns = take(&part.keys, group_of)?;
                        columns.extend(args.iter().cloned());
                        file.write_arrays(columns, group_of.len())?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes the only group: its states to the first partition, its tuples to their own ones.
    fn write_single(&self, partial: &Partial, cx: &TaskContext) -> Result<()> {
        if partial.groups == 0 {
            return Ok(());
        }
        self.with_files(0, |files| {
            let columns = partial.states.iter().flatten().cloned().collect();
            files.groups.write_arrays(columns, 1)
        })?;
        for (call, tuples) in partial.distinct.iter().enumerate() {
            let Some((group_of, args)) = tuples else { continue };
            let mut rows: Vec<Vec<u32>> = vec![Vec::new(); PARTITIONS];
            for (row, hash) in hashes(args, group_of.len(), cx)?.into_iter().enumerate() {
                rows[partition_of(hash)].push(row as u32);
            }
            for (number, rows) in rows.iter().enumerate().filter(|(_, r)| !r.is_empty()) {
                cx.cancel.check()?;
                self.with_files(number, |files| match &mut files.distinct[call] {
                    Some(file) => file.write_arrays(take(args, rows)?, rows.len()),
                    None => Ok(()),
                })?;
            }
        }
        Ok(())
    }

    fn with_files(&self, number: usize, write: impl FnOnce(&mut PartitionFiles) -> Result<()>) -> Result<()> {
        match self.partitions[number].lock().as_mut() {
            Some(files) => write(files),
            None => Err(Error::internal("write to a finished spill file")),
        }
    }

    /// Partitions of groups, to be read one by one.
    pub(super) fn count(&self) -> usize {
        if self.spec.groups.is_empty() { 1 } else { PARTITIONS }
    }

    /// Begins to merge a partition; without group keys, all of them.
    pub(super) fn open(&self, partition: usize, cx: &Arc<TaskContext>) -> Result<PartitionGroups> {
        let numbers = match self.spec.groups.is_empty() {
            true => 0..PARTITIONS,
            false => partition..partition + 1,
        };
        let mut files = Vec::new();
        for number in numbers {
            let taken = self.partitions[number].lock().take();
            let taken = taken.ok_or_else(|| Error::internal("spill file read twice"))?;
            let distinct = taken.distinct.into_iter();
            files.push(WrittenFiles {
                groups: taken.groups.finish()?,
                distinct: distinct
                    .map(|f| f.map(SpillWriter::finish).transpose())
                    .collect::<Result<_>>()?,
            });
        }
        Ok(PartitionGroups {
            spec: Arc::clone(&self.spec),
            memory: self.usage.register(&cx.memory, "hash aggregate partition", false),
            cx: Arc::clone(cx),
            files,
            passes: vec![Pass::ALL],
        })
    }
}

struct WrittenFiles {
    groups: SpillFile,
    distinct: Vec<Option<SpillFile>>,
}

/// Rows whose hash leaves a remainder.
#[derive(Debug, Clone, Copy)]
struct Pass {
    modulus: u64,
    remainder: u64,
}

impl Pass {
    const ALL: Pass = Pass {
        modulus: 1,
        remainder: 0,
    };

    /// Bits of the hash that choose neither the partition nor the place in a table.
    fn takes(self, hash: u64) -> bool {
        (hash >> 24) % self.modulus == self.remainder
    }

    /// The same rows in several passes.
    fn cut(self) -> impl Iterator<Item = Pass> {
        (0..CUT).map(move |i| Pass {
            modulus: self.modulus * CUT,
            remainder: self.remainder + i * self.modulus,
        })
    }

    /// Rows of columns with `keys` that it takes; none: all.
    fn rows(self, keys: &[ArrayRef], rows: usize, cx: &TaskContext) -> Result<Option<Vec<u32>>> {
        if self.modulus == 1 {
            return Ok(None);
        }
        let hashes = hashes(keys, rows, cx)?.into_iter().enumerate();
        Ok(Some(
            hashes.filter(|(_, h)| self.takes(*h)).map(|(r, _)| r as u32).collect(),
        ))
    }
}

/// A partition being merged.
pub(super) struct PartitionGroups {
    spec: Arc<AggregateSpec>,
    cx: Arc<TaskContext>,
    files: Vec<WrittenFiles>,
    passes: Vec<Pass>,
    /// Holds what the last pass gave.
    memory: Reservation,
}

/// A pass's groups, or that there was no memory for them.
enum Merged {
    Groups(Box<GroupedState>),
    Refused(Error),
}

impl PartitionGroups {
    /// Some more groups of the partition.
    pub(super) fn next(&mut self) -> Result<Option<GroupedState>> {
        while let Some(pass) = self.passes.pop() {
            self.memory.free();
            match self.merge(pass)? {
                Merged::Groups(state) => return Ok(Some(*state)),
                Merged::Refused(error) if pass.modulus >= MOST_PASSES || self.spec.groups.is_empty() => {
                    return Err(error);
                }
                Merged::Refused(_) => self.passes.extend(pass.cut()),
            }
        }
        self.memory.free();
        Ok(None)
    }

    fn merge(&self, pass: Pass) -> Result<Merged> {
        let mut state = GroupedState::of_partition(&self.spec, 0, self.cx.hash_zero)?;
        for files in &self.files {
            for chunk in files.groups.read() {
                self.cx.cancel.check()?;
                if let Some(partial) = self.partial(&chunk?, pass)? {
                    state.merge(&partial)?;
                }
                // One group cannot be cut.
                if let Err(e) = self.grant(&state)
                    && state.len() > 1
                {
                    return Ok(Merged::Refused(e));
                }
            }
            for (call, file) in files.distinct.iter().enumerate() {
                if let Some(file) = file
                    && let Some(refused) = self.tuples(&mut state, call, file, pass)?
                {
                    return Ok(Merged::Refused(refused));
                }
            }
        }
        if let Err(e) = self.grant(&state) {
            return Ok(Merged::Refused(e));
        }
        Ok(Merged::Groups(Box::new(state)))
    }

    fn grant(&self, state: &GroupedState) -> Result<()> {
        match self.memory.try_resize(state.size()) {
            Err(e) if state.size() > FLOOR_BYTES => Err(e),
            _ => Ok(()),
        }
    }

    /// Feeds a call with its tuples of the groups of a pass, in passes of their own. Gives the refusal if even many
    /// passes are too large.
    fn tuples(&self, state: &mut GroupedState, call: usize, file: &SpillFile, pass: Pass) -> Result<Option<Error>> {
        let keys = self.spec.group_types.len();
        let mut passes = vec![Pass::ALL];
        'passes: while let Some(own) = passes.pop() {
            for chunk in file.read() {
                self.cx.cancel.check()?;
                let chunk = chunk?;
                let mut columns = arrays(&chunk)?;
                let mut rows = chunk.len;
                for (pass, hashed) in [(pass, keys), (own, columns.len())] {
                    if let Some(kept) = pass.rows(&columns[..hashed], rows, &self.cx)? {
                        columns = take(&columns, &kept)?;
                        rows = kept.len();
                    }
                }
                if rows == 0 {
                    continue;
                }
                let args = columns.split_off(keys);
                state.add_tuples(call, &columns, &args, rows)?;
                if let Err(e) = self.grant(state) {
                    state.clear_tuples(call, self.cx.hash_zero);
                    if own.modulus >= MOST_PASSES || self.cx.hash_zero {
                        return Ok(Some(e));
                    }
                    passes.extend(own.cut());
                    continue 'passes;
                }
            }
            state.drain_tuples(call, self.cx.hash_zero)?;
        }
        Ok(None)
    }

    /// Written rows of groups that a pass takes.
    fn partial(&self, chunk: &Chunk, pass: Pass) -> Result<Option<Partial>> {
        let keys = self.spec.group_types.len();
        let mut columns = arrays(chunk)?;
        let mut groups = chunk.len;
        if let Some(rows) = pass.rows(&columns[..keys], groups, &self.cx)? {
            columns = take(&columns, &rows)?;
            groups = rows.len();
        }
        if groups == 0 {
            return Ok(None);
        }
        let mut states = columns.split_off(keys).into_iter();
        let by_call = |c: &CallSpec| match c.distinct {
            true => Vec::new(),
            false => states.by_ref().take(c.state_types.len()).collect(),
        };
        let none = |c: &CallSpec| {
            let no_rows = c.arg_types.iter().map(arrow::array::new_empty_array);
            c.distinct.then(|| (vec![], no_rows.collect()))
        };
        Ok(Some(Partial {
            groups,
            first_seen: Vec::new(),
            keys: columns,
            states: self.spec.calls.iter().map(by_call).collect(),
            distinct: self.spec.calls.iter().map(none).collect(),
        }))
    }
}

fn hashes(keys: &[ArrayRef], rows: usize, cx: &TaskContext) -> Result<Vec<u64>> {
    let keys = keys.iter().map(KeyColumn::from_array).collect::<Result<Vec<_>>>()?;
    Ok(hash_keys(&keys, rows, cx.hash_zero))
}

fn take(columns: &[ArrayRef], rows: &[u32]) -> Result<Vec<ArrayRef>> {
    let index = UInt32Array::from(rows.to_vec());
    columns
        .iter()
        .map(|c| Ok(arrow::compute::take(c, &index, None)?))
        .collect()
}

fn arrays(chunk: &Chunk) -> Result<Vec<ArrayRef>> {
    chunk.columns.iter().map(Vector::to_array).collect()
}
