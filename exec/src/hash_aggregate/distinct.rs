//! Sets of distinct argument tuples by group, for calls with DISTINCT.
//!
//! Only the set is kept; the accumulator sees each tuple once, at the end. So sets of workers and of spilled runs unite
//! exactly.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::Vector;

use crate::hashing::{KeyColumn, KeyReader, KeyTable, KeyValues};

/// The tuples of one call.
pub(super) struct DistinctSet {
    /// Over the group number (if there are groups) and the arguments.
    table: KeyTable,
    types: Vec<DataType>,
    readers: Vec<KeyReader>,
    grouped: bool,
    scratch: Vec<u32>,
}

impl DistinctSet {
    pub(super) fn new(arg_types: &[DataType], grouped: bool, hash_zero: bool) -> Self {
        let group = grouped.then_some(DataType::Int64);
        let types: Vec<DataType> = group.into_iter().chain(arg_types.iter().cloned()).collect();
        Self {
            table: KeyTable::new(&types, true, hash_zero),
            readers: arg_types.iter().map(|_| KeyReader::default()).collect(),
            types,
            grouped,
            scratch: Vec::new(),
        }
    }

    /// Adds the tuples of some rows.
    pub(super) fn add(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let mut keys = Vec::with_capacity(args.len() + 1);
        if self.grouped {
            keys.push(KeyColumn {
                values: KeyValues::Int(group_of.iter().map(|g| i64::from(*g)).collect()),
                nulls: None,
            });
        }
        for (reader, arg) in self.readers.iter_mut().zip(args) {
            keys.push(reader.read(arg)?);
        }
        self.table.assign(&keys, group_of.len(), &mut self.scratch);
        Ok(())
    }

    /// All tuples: group of each, and arguments.
    pub(super) fn tuples(&self) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
        let keys = self.table.keys();
        let (group_of, skip) = if self.grouped {
            (keys[0].ints().iter().map(|g| *g as u32).collect(), 1)
        } else {
            (vec![0; self.table.len()], 0)
        };
        let args = keys
            .iter()
            .zip(&self.types)
            .skip(skip)
            .map(|(k, t)| k.to_array(t))
            .collect::<Result<_>>()?;
        Ok((group_of, args))
    }

    pub(super) fn size(&self) -> usize {
        self.table.size()
    }
}
