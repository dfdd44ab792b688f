//! Partial states in spill files, by hash partition of the group keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

use super::call::AggregateSpec;
use super::partial::Partial;
use super::state::GroupedState;
use crate::pipeline::TaskContext;
use crate::spill::{PARTITIONS, SpillWriter};

/// The spill files of an aggregation.
pub(super) struct SpilledGroups {
    spec: Arc<AggregateSpec>,
    partitions: Vec<Mutex<Option<PartitionFiles>>>,
}

struct PartitionFiles {
    /// Keys, then the states of all calls.
    groups: SpillWriter,
    /// By call with DISTINCT: keys, then arguments.
    distinct: Vec<Option<SpillWriter>>,
}

impl SpilledGroups {
    pub(super) fn create(spec: &Arc<AggregateSpec>, cx: &TaskContext) -> Result<Self> {
        let with_keys = |types: &[DataType]| [spec.group_types.as_slice(), types].concat();
        let states: Vec<DataType> = spec
            .calls
            .iter()
            .filter(|c| !c.distinct)
            .flat_map(|c| c.state_types.iter().cloned())
            .collect();
        let mut partitions = Vec::with_capacity(PARTITIONS);
        for _ in 0..PARTITIONS {
            let mut distinct = Vec::with_capacity(spec.calls.len());
            for c in &spec.calls {
                distinct.push(match c.distinct {
                    true => Some(SpillWriter::create(&cx.spill_dir, &with_keys(&c.arg_types))?),
                    false => None,
                });
            }
            partitions.push(Mutex::new(Some(PartitionFiles {
                groups: SpillWriter::create(&cx.spill_dir, &with_keys(&states))?,
                distinct,
            })));
        }
        Ok(Self {
            spec: Arc::clone(spec),
            partitions,
        })
    }

    /// Writes all groups of a state.
    pub(super) fn write(&self, state: &mut GroupedState, cx: &TaskContext) -> Result<()> {
        let partial = state.partial()?;
        for (groups, files) in partial
            .partition(PARTITIONS, cx.hash_zero)?
            .iter()
            .zip(&self.partitions)
        {
            cx.cancel.check()?;
            if groups.is_empty() {
                continue;
            }
            let part = partial.select(groups)?;
            let mut files = files.lock();
            let Some(files) = files.as_mut() else {
                return Err(Error::internal("write to a finished spill file"));
            };
            let columns = part.keys.iter().chain(part.states.iter().flatten()).cloned().collect();
            files.groups.write_arrays(columns, part.groups)?;
            for (file, tuples) in files.distinct.iter_mut().zip(&part.distinct) {
                if let (Some(file), Some((group_of, args))) = (file, tuples) {
                    let index = UInt32Array::from(group_of.clone());
                    let mut columns = part
                        .keys
                        .iter()
                        .map(|k| Ok(arrow::compute::take(k, &index, None)?))
                        .collect::<Result<Vec<ArrayRef>>>()?;
                    columns.extend(args.iter().cloned());
                    file.write_arrays(columns, group_of.len())?;
                }
            }
        }
        Ok(())
    }

    /// Merges one partition.
    pub(super) fn read(&self, partition: usize, cx: &TaskContext) -> Result<GroupedState> {
        let files = self.partitions[partition].lock().take();
        let files = files.ok_or_else(|| Error::internal("spill file read twice"))?;
        let memory = cx.memory.register("hash aggregate partition", false);
        let mut state = GroupedState::of_partition(&self.spec, 0, cx.hash_zero)?;
        let keys = self.spec.group_types.len();
        for chunk in files.groups.finish()?.read()? {
            cx.cancel.check()?;
            let mut columns = arrays(&chunk?)?;
            let groups = columns.first().map_or(0, |c| c.len());
            let mut states = columns.split_off(keys).into_iter();
            let by_call = |c: &super::call::CallSpec| match c.distinct {
                true => Vec::new(),
                false => states.by_ref().take(c.state_types.len()).collect(),
            };
            state.merge(&Partial {
                groups,
                first_seen: Vec::new(),
                keys: columns,
                states: self.spec.calls.iter().map(by_call).collect(),
                distinct: self
                    .spec
                    .calls
                    .iter()
                    .map(|c| c.distinct.then(|| (vec![], no_rows(&c.arg_types))))
                    .collect(),
            })?;
            memory.try_resize(state.size())?;
        }
        for (call, file) in files.distinct.into_iter().enumerate() {
            let Some(file) = file else { continue };
            for chunk in file.finish()?.read()? {
                cx.cancel.check()?;
                let chunk = chunk?;
                let mut columns = arrays(&chunk)?;
                let args = columns.split_off(keys);
                state.add_tuples(call, &columns, &args, chunk.len)?;
                memory.try_resize(state.size())?;
            }
        }
        Ok(state)
    }
}

fn no_rows(types: &[DataType]) -> Vec<ArrayRef> {
    types.iter().map(arrow::array::new_empty_array).collect()
}

fn arrays(chunk: &Chunk) -> Result<Vec<ArrayRef>> {
    chunk.columns.iter().map(Vector::to_array).collect()
}
