//! Collected states as columns: what is merged, partitioned and spilled.

use arrow::array::{ArrayRef, UInt32Array};
use rsql_common::Result;

use crate::hashing::{KeyColumn, hash_keys};

/// The groups of one state.
pub(super) struct Partial {
    pub(super) groups: usize,
    /// Where each first appeared, if that was noted.
    pub(super) first_seen: Vec<(u64, u32)>,
    pub(super) keys: Vec<ArrayRef>,
    /// By call; empty for calls with DISTINCT.
    pub(super) states: Vec<Vec<ArrayRef>>,
    /// By call with DISTINCT: group of each tuple, and arguments.
    pub(super) distinct: Vec<Option<(Vec<u32>, Vec<ArrayRef>)>>,
}

impl Partial {
    /// Groups of each of `count` (a power of two) partitions, by the top bits of the hash.
    pub(super) fn partition(&self, count: usize, hash_zero: bool) -> Result<Vec<Vec<u32>>> {
        let keys = self
            .keys
            .iter()
            .map(KeyColumn::from_array)
            .collect::<Result<Vec<_>>>()?;
        let hashes = hash_keys(&keys, self.groups, hash_zero);
        let shift = u64::BITS - count.trailing_zeros();
        let mut partitions = vec![Vec::with_capacity(self.groups / count + 16); count];
        for (group, hash) in hashes.iter().enumerate() {
            partitions[hash.checked_shr(shift).unwrap_or(0) as usize].push(group as u32);
        }
        Ok(partitions)
    }

    /// Some of the groups.
    pub(super) fn select(&self, groups: &[u32]) -> Result<Partial> {
        let index = UInt32Array::from(groups.to_vec());
        let take = |arrays: &[ArrayRef], index: &UInt32Array| {
            arrays
                .iter()
                .map(|a| Ok(arrow::compute::take(a, index, None)?))
                .collect::<Result<Vec<_>>>()
        };
        let mut distinct = Vec::with_capacity(self.distinct.len());
        let mut renumbered: Option<Vec<u32>> = None;
        for tuples in &self.distinct {
            let Some((group_of, args)) = tuples else {
                distinct.push(None);
                continue;
            };
            let renumbered = renumbered.get_or_insert_with(|| {
                let mut to = vec![u32::MAX; self.groups];
                groups
                    .iter()
                    .enumerate()
                    .for_each(|(new, old)| to[*old as usize] = new as u32);
                to
            });
            let (mut rows, mut kept) = (Vec::new(), Vec::new());
            for (row, group) in group_of.iter().enumerate() {
                let new = renumbered[*group as usize];
                if new != u32::MAX {
                    rows.push(row as u32);
                    kept.push(new);
                }
            }
            distinct.push(Some((kept, take(args, &UInt32Array::from(rows))?)));
        }
        Ok(Partial {
            groups: groups.len(),
            first_seen: Vec::new(),
            keys: take(&self.keys, &index)?,
            states: self.states.iter().map(|s| take(s, &index)).collect::<Result<_>>()?,
            distinct,
        })
    }
}
