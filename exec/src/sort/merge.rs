//! Merge of one range of keys of sorted runs.
//!
//! Ties of keys are broken by the rows' places in the source, so the merge is as stable as a sort in memory.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};

use super::key::{Keys, OwnedKey};
use super::run::Place;
use super::sorter::KeyColumns;
use super::spilled::SpilledRun;

/// A merge under way.
pub(super) struct Merge<'a> {
    inputs: Vec<Input<'a>>,
    /// Inputs with rows left, the one with the smallest key last.
    order: Vec<usize>,
    columns: &'a mut KeyColumns,
    /// Blocks that picks point into.
    blocks: Vec<Vec<ArrayRef>>,
    to: Option<&'a OwnedKey>,
}

/// What is left of a run.
struct Input<'a> {
    run: &'a SpilledRun,
    left: std::ops::Range<usize>,
    /// Position of the current block in [`Merge::blocks`].
    block: usize,
    keys: Keys,
    places: [UInt64Array; 2],
    row: usize,
    /// Rows of the current block from here on are beyond the range.
    end: usize,
    /// First bytes of the current row's key.
    head: u128,
}

impl Input<'_> {
    fn place(&self) -> Place {
        Place {
            sequence: self.places[0].value(self.row),
            arrival: self.places[1].value(self.row),
        }
    }

    #[inline(always)]
    fn compare(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| {
            let by_key = self.keys.compare(self.row, &other.keys, other.row);
            by_key.then_with(|| self.place().cmp(&other.place()))
        })
    }
}

impl<'a> Merge<'a> {
    /// The rows with keys from `from` on and below `to`.
    pub fn new(
        runs: &'a [SpilledRun],
        (from, to): (Option<&'a OwnedKey>, Option<&'a OwnedKey>),
        columns: &'a mut KeyColumns,
    ) -> Result<Self> {
        let mut merge = Self {
            inputs: Vec::with_capacity(runs.len()),
            order: Vec::with_capacity(runs.len()),
            columns,
            blocks: Vec::new(),
            to,
        };
        for run in runs {
            let mut left = run.blocks(from, to);
            while let Some(number) = left.next() {
                let mut input = merge.load(run, left.clone(), number)?;
                input.row = from.map_or(0, |k| input.keys.count_below(k));
                if input.row < input.end {
                    input.head = input.keys.prefix(input.row);
                    merge.inputs.push(input);
                    merge.enqueue(merge.inputs.len() - 1);
                    break;
                }
            }
        }
        Ok(merge)
    }

    fn load(&mut self, run: &'a SpilledRun, left: std::ops::Range<usize>, number: usize) -> Result<Input<'a>> {
        let chunk = run.file.block(number)?;
        let keys = self.columns.keys(&chunk)?;
        let arrays = chunk.columns.iter().map(Vector::to_array).collect::<Result<Vec<_>>>()?;
        let n = arrays.len();
        let place = |array: Option<&ArrayRef>| {
            let numbers = array.and_then(|a| a.as_primitive_opt::<UInt64Type>());
            numbers.cloned().ok_or_else(|| Error::internal("a run without places"))
        };
        let places = [
            place(n.checked_sub(2).and_then(|i| arrays.get(i)))?,
            place(arrays.last())?,
        ];
        // Only the last block reaches beyond the range.
        let end = match self.to {
            Some(to) if left.is_empty() => keys.count_below(to),
            _ => chunk.len,
        };
        self.blocks.push(arrays);
        Ok(Input {
            run,
            left,
            block: self.blocks.len() - 1,
            keys,
            places,
            row: 0,
            end,
            head: 0,
        })
    }

    /// Puts an input where its row belongs.
    fn enqueue(&mut self, input: usize) {
        let inputs = &self.inputs;
        let at = self
            .order
            .partition_point(|i| inputs[*i].compare(&inputs[input]) == Ordering::Greater);
        self.order.insert(at, input);
    }

    /// At most `most` rows as they lie in runs; none after the last one.
    pub fn next(&mut self, most: usize) -> Result<Option<Chunk>> {
        let mut picks: Vec<(usize, usize)> = Vec::with_capacity(most);
        while picks.len() < most {
            let Some(i) = self.order.pop() else { break };
            let input = &mut self.inputs[i];
            picks.push((input.block, input.row));
            input.row += 1;
            if input.row == input.end {
                let (run, mut left) = (input.run, input.left.clone());
                let Some(number) = left.next() else { continue };
                let next = self.load(run, left, number)?;
                if next.end == 0 {
                    continue;
                }
                self.inputs[i] = next;
            }
            let input = &mut self.inputs[i];
            input.head = input.keys.prefix(input.row);
            self.enqueue(i);
        }
        if picks.is_empty() {
            return Ok(None);
        }
        let chunk = self.gather(&picks)?;
        self.forget();
        Ok(Some(chunk))
    }

    fn gather(&self, picks: &[(usize, usize)]) -> Result<Chunk> {
        let count = self.blocks.first().map_or(0, Vec::len);
        let columns = (0..count).map(|c| {
            let arrays: Vec<&dyn Array> = self.blocks.iter().map(|b| b[c].as_ref()).collect();
            Ok(Vector::Flat(arrow::compute::interleave(&arrays, picks)?))
        });
        Ok(Chunk::new(columns.collect::<Result<_>>()?, picks.len()))
    }

    /// Drops the blocks that no input is in any more.
    fn forget(&mut self) {
        let mut old = std::mem::take(&mut self.blocks);
        for i in &self.order {
            let input = &mut self.inputs[*i];
            self.blocks.push(std::mem::take(&mut old[input.block]));
            input.block = self.blocks.len() - 1;
        }
    }
}
