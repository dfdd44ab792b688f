//! One value of any type a group, or any number of them, kept as references into gathered arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, UInt32Array, cast::AsArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use rsql_common::{Error, Result};

/// One value (or NULL) of one type for each group.
pub(super) struct ValueStore {
    ty: DataType,
    /// Chunk 0 is one NULL.
    chunks: Vec<ArrayRef>,
    /// Chunk and row of each group's value.
    refs: Vec<(u32, u32)>,
    rows: usize,
}

impl ValueStore {
    pub(super) fn new(ty: DataType) -> Self {
        Self {
            chunks: vec![new_null_array(&ty, 1)],
            ty,
            refs: vec![],
            rows: 0,
        }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.refs.resize(groups, (0, 0));
    }

    /// Sets the values of groups to rows of `array`: pairs of group and row.
    pub(super) fn put(&mut self, array: &ArrayRef, picks: &[(u32, u32)]) -> Result<()> {
        if picks.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from_iter_values(picks.iter().map(|p| p.1));
        let chunk = self.chunks.len() as u32;
        self.chunks.push(arrow::compute::take(array, &rows, None)?);
        self.rows += picks.len();
        for (i, (group, _)) in picks.iter().enumerate() {
            self.refs[*group as usize] = (chunk, i as u32);
        }
        if self.rows > 2 * self.refs.len() + 8192 {
            self.compact()?;
        }
        Ok(())
    }

    /// All groups' values.
    pub(super) fn values(&self) -> Result<ArrayRef> {
        gather(
            &self.chunks,
            self.refs.iter().map(|(c, r)| (*c as usize, *r as usize)).collect(),
            &self.ty,
        )
    }

    fn compact(&mut self) -> Result<()> {
        let values = self.values()?;
        self.rows = values.len();
        self.refs = (0..values.len() as u32).map(|r| (1, r)).collect();
        self.chunks = vec![new_null_array(&self.ty, 1), values];
        Ok(())
    }

    pub(super) fn size(&self) -> usize {
        self.refs.capacity() * 8 + self.chunks.iter().map(|c| c.get_array_memory_size()).sum::<usize>()
    }
}

/// The rows at (chunk, row) as one array.
fn gather(chunks: &[ArrayRef], refs: Vec<(usize, usize)>, ty: &DataType) -> Result<ArrayRef> {
    if refs.is_empty() {
        return Ok(new_null_array(ty, 0));
    }
    let chunks: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    Ok(arrow::compute::interleave(&chunks, &refs)?)
}

/// Any number of values of one type for each group, in the order they came.
pub(super) struct Collected {
    ty: DataType,
    chunks: Vec<ArrayRef>,
    /// Group, chunk and row of each value.
    entries: Vec<(u32, u32, u32)>,
    groups: usize,
}

impl Collected {
    pub(super) fn new(ty: DataType) -> Self {
        Self {
            ty,
            chunks: vec![],
            entries: vec![],
            groups: 0,
        }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.groups = groups;
    }

    /// Adds the rows of `array` for which `keep` holds.
    pub(super) fn push(&mut self, array: &ArrayRef, group_of: &[u32], keep: impl Fn(usize) -> bool) {
        let chunk = self.chunks.len() as u32;
        let before = self.entries.len();
        self.entries.extend(
            group_of
                .iter()
                .enumerate()
                .filter(|(i, _)| keep(*i))
                .map(|(i, g)| (*g, chunk, i as u32)),
        );
        if self.entries.len() > before {
            self.chunks.push(Arc::clone(array));
        }
    }

    /// Adds the elements of the lists of a state column.
    pub(super) fn push_lists(&mut self, lists: &ArrayRef, group_of: &[u32]) -> Result<()> {
        let lists = lists
            .as_list_opt::<i32>()
            .ok_or_else(|| Error::internal("the state of a collecting aggregate is a list"))?;
        let chunk = self.chunks.len() as u32;
        for (i, g) in group_of.iter().enumerate() {
            if lists.is_valid(i) {
                let (from, to) = (lists.value_offsets()[i], lists.value_offsets()[i + 1]);
                self.entries.extend((from..to).map(|r| (*g, chunk, r as u32)));
            }
        }
        self.chunks.push(Arc::clone(lists.values()));
        Ok(())
    }

    /// Where each group's values start and end, and all values ordered by group.
    pub(super) fn grouped(&self) -> Result<(Vec<usize>, ArrayRef)> {
        let mut starts = vec![0usize; self.groups + 1];
        for (g, _, _) in &self.entries {
            starts[*g as usize + 1] += 1;
        }
        for g in 0..self.groups {
            starts[g + 1] += starts[g];
        }
        let mut next = starts.clone();
        let mut refs = vec![(0usize, 0usize); self.entries.len()];
        for (g, c, r) in &self.entries {
            let at = &mut next[*g as usize];
            refs[*at] = (*c as usize, *r as usize);
            *at += 1;
        }
        let values = gather(&self.chunks, refs, &self.ty)?;
        Ok((starts, values))
    }

    /// Each group's values as a list.
    pub(super) fn lists(&self) -> Result<ArrayRef> {
        let (starts, values) = self.grouped()?;
        list_array(&starts, values)
    }

    pub(super) fn size(&self) -> usize {
        self.entries.capacity() * 12 + self.chunks.iter().map(|c| c.get_array_memory_size()).sum::<usize>()
    }
}

/// Lists of `values` that start and end at `starts`.
pub(super) fn list_array(starts: &[usize], values: ArrayRef) -> Result<ArrayRef> {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    let offsets = starts
        .iter()
        .map(|s| i32::try_from(*s).map_err(|_| Error::exhausted("an array aggregate holds more than 2^31 values")))
        .collect::<Result<Vec<i32>>>()?;
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::new(offsets.into()),
        values,
        None,
    )?))
}
