//! Joins a partition that does not fit and cannot be cut: a block of the build side at a time meets all probe rows.
//!
//! Build rows are done with after their block. What is said of a probe row may depend on all blocks, so where that
//! matters the probe rows are numbered, those that found a partner are noted, and a last pass puts out the rest:
//!
//! ```text
//!   LEFT, build right:   blocks: inner join, note row numbers      last pass: rows not noted, with NULLs
//!   SEMI, ANTI, marks:   blocks: semi join, note row numbers       last pass: by what was noted
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, new_null_array};
use arrow::datatypes::{DataType, Int64Type};
use rsql_common::{Error, Reservation, Result};
use rsql_expr::{Chunk, Vector};
use rsql_planner::logical::JoinKind;

use super::emit::side_by_side;
use super::grace::PartReader;
use super::key::JoinKeys;
use super::null_aware::shift_from;
use super::partition_join::{ProbeRows, part_bytes};
use super::probe::{LocalProbe, existence, too_many_rows};
use super::spec::{JoinSpec, Shared};
use super::table::JoinTable;
use super::unmatched::build_rows;
use crate::hashing::NONE;
use crate::pipeline::{Flow, Output, TaskContext};
use crate::spill::{SpillFile, SpillReader, SpillWriter};

/// The join of such a partition under way.
pub(super) struct BlockJoin {
    /// The join as it was asked for.
    shared: Arc<Shared>,
    /// The join that a block makes with the probe rows.
    inner: Arc<Shared>,
    cx: Arc<TaskContext>,
    build: SpillReader,
    parts: PartReader,
    probe: SpillFile,
    block: Option<Block>,
    /// Where the last pass is needed.
    noted: Option<Noted>,
    last_pass: Option<LastPass>,
    memory: Reservation,
}

struct Block {
    table: Arc<JoinTable>,
    probe: ProbeRows,
    /// Next build row to be looked at once the probe side is done.
    tail: usize,
}

/// Probe rows that found a partner, by number.
struct Noted {
    bits: Vec<u64>,
    /// Columns of a pair's chunk before the row number.
    number_at: usize,
}

/// The probe rows once more.
struct LastPass {
    rows: SpillReader,
    first: usize,
    keys: JoinKeys,
}

impl BlockJoin {
    pub(super) fn new(build: SpillFile, probe: SpillFile, shared: &Arc<Shared>, cx: &Arc<TaskContext>) -> Result<Self> {
        let spec = &shared.spec;
        let memory = shared.usage.register(&cx.memory, "hash join block", false);
        let (inner, noted, probe) = match noting(spec) {
            None => (Arc::clone(shared), None, probe),
            Some(noting) => {
                let noted = Noted {
                    bits: vec![0; probe.rows().div_ceil(64)],
                    number_at: match spec.build_is_left && noting.pairs() {
                        true => spec.build_types.len() + spec.probe_types.len(),
                        false => spec.probe_types.len(),
                    },
                };
                let probe = numbered(&probe, &noting, shared, cx)?;
                (Arc::new(Shared::new(noting, shared.usage.clone())), Some(noted), probe)
            }
        };
        Ok(Self {
            parts: PartReader::new(spec, cx)?,
            build: build.read(),
            shared: Arc::clone(shared),
            inner,
            cx: Arc::clone(cx),
            probe,
            block: None,
            noted,
            last_pass: None,
            memory,
        })
    }

    /// Does a little more; false when all is done.
    pub(super) fn step(&mut self, out: &mut VecDeque<Chunk>) -> Result<bool> {
        if self.last_pass.is_some() {
            return self.last(out);
        }
        let Some(block) = &mut self.block else {
            return self.next_block();
        };
        let before = out.len();
        if block.probe.step(out)? {
            if let Some(noted) = &mut self.noted {
                let pairs: Vec<Chunk> = out.drain(before..).collect();
                for chunk in pairs {
                    out.extend(noted.note(chunk, &self.shared.spec)?);
                }
            }
            return Ok(true);
        }
        let spec = &self.shared.spec;
        if spec.tail().is_some() && block.tail < block.table.rows {
            let to = block.tail + self.cx.chunk_rows;
            out.extend(build_rows(spec, &block.table, block.tail, to)?);
            block.tail = to;
            return Ok(true);
        }
        self.block = None;
        Ok(true)
    }

    /// Reads as much of the build side as there is memory for, one chunk at least.
    fn next_block(&mut self) -> Result<bool> {
        self.memory.free();
        let mut parts = Vec::new();
        let mut bytes = 0;
        for rows in self.build.by_ref() {
            self.cx.cancel.check()?;
            let part = self.parts.part(rows?)?;
            bytes += part_bytes(&part);
            parts.push(part);
            if self.memory.try_resize(bytes).is_err() || self.cx.force_spill {
                break;
            }
        }
        if parts.is_empty() {
            if self.noted.is_none() {
                return Ok(false);
            }
            let spec = &self.shared.spec;
            self.last_pass = Some(LastPass {
                rows: self.probe.read(),
                first: 0,
                keys: JoinKeys::new(&spec.probe_keys, &spec.null_safe, &self.cx)?,
            });
            return Ok(true);
        }
        let facts = self.shared.facts();
        let table = Arc::new(JoinTable::build(&self.inner.spec, parts, facts, &self.cx)?);
        let probe = LocalProbe::new(Arc::clone(&self.inner), Arc::clone(&table), &self.cx)?;
        self.block = Some(Block {
            probe: ProbeRows::new(&self.probe, probe, &self.cx),
            table,
            tail: 0,
        });
        Ok(true)
    }

    /// Puts out what can be said of a chunk of probe rows now that all blocks were seen.
    fn last(&mut self, out: &mut VecDeque<Chunk>) -> Result<bool> {
        let (Some(pass), Some(noted)) = (&mut self.last_pass, &self.noted) else {
            return Ok(false);
        };
        let Some(rows) = pass.rows.next() else {
            return Ok(false);
        };
        let mut rows = rows?;
        rows.columns.pop();
        let spec = &self.shared.spec;
        let first = pass.first;
        pass.first += rows.len;
        let ids: Vec<u32> = (first..pass.first)
            .map(|row| if noted.contains(row) { 0 } else { NONE })
            .collect();
        if !spec.pairs() {
            let matchable = pass.keys.matchable(&pass.keys.vectors(&rows)?);
            let facts = self.shared.facts();
            let flow = existence(spec, facts, rows, &ids, matchable.as_ref(), &mut Queue(out))?;
            return Ok(flow == Flow::Continue);
        }
        let left: Vec<u32> = (0..rows.len as u32).filter(|r| ids[*r as usize] == NONE).collect();
        if !left.is_empty() {
            let probe = rows.columns.iter().map(|c| c.take(&left)).collect::<Result<Vec<_>>>()?;
            let nulls = spec.build_types.iter();
            let nulls = nulls.map(|t| Vector::constant(new_null_array(t, 1), left.len()));
            out.push_back(Chunk::new(side_by_side(spec, probe, nulls.collect()), left.len()));
        }
        Ok(true)
    }
}

impl Noted {
    fn contains(&self, row: usize) -> bool {
        self.bits[row / 64] >> (row % 64) & 1 == 1
    }

    /// Notes the probe rows of a block's output; gives the pairs without their numbers.
    fn note(&mut self, chunk: Chunk, spec: &JoinSpec) -> Result<Option<Chunk>> {
        let mut chunk = chunk.compact()?;
        let numbers = chunk.columns.remove(self.number_at).to_array()?;
        for row in numbers.as_primitive::<Int64Type>().values() {
            let (word, bit) = (*row as usize / 64, 1 << (*row as usize % 64));
            if spec.kind == JoinKind::LeftSingle && self.bits[word] & bit != 0 {
                return Err(too_many_rows());
            }
            self.bits[word] |= bit;
        }
        Ok(spec.pairs().then_some(chunk))
    }
}

struct Queue<'a>(&'a mut VecDeque<Chunk>);

impl Output for Queue<'_> {
    fn push(&mut self, chunk: Chunk) -> Result<Flow> {
        if chunk.rows() > 0 {
            self.0.push_back(chunk);
        }
        Ok(Flow::Continue)
    }
}

/// The join of a block with numbered probe rows; none if each block's output is the join's own.
fn noting(spec: &JoinSpec) -> Option<JoinSpec> {
    let kind = match (spec.pairs(), spec.probe_outer()) {
        (true, false) if spec.kind != JoinKind::LeftSingle => return None,
        (true, _) => match (spec.tail(), spec.build_is_left) {
            // The tail puts out build rows without partner, of each block.
            (Some(_), true) => JoinKind::Left,
            (Some(_), false) => JoinKind::Right,
            (None, _) => JoinKind::Inner,
        },
        (false, _) if spec.build_is_left => return None,
        (false, _) => JoinKind::LeftSemi,
    };
    let mut noting = spec.clone();
    noting.kind = kind;
    noting.null_aware = false;
    if !spec.build_is_left {
        // The row number stands between the sides.
        let from = spec.probe_types.len();
        noting.filter = noting.filter.map(|f| shift_from(f, from, 1));
    }
    noting.probe_types.push(DataType::Int64);
    Some(noting)
}

/// The probe rows with their numbers.
fn numbered(probe: &SpillFile, spec: &JoinSpec, shared: &Shared, cx: &TaskContext) -> Result<SpillFile> {
    let mut out = SpillWriter::new(&cx.spill_dir, &spec.probe_types, &shared.usage);
    let mut first = 0i64;
    for rows in probe.read() {
        cx.cancel.check()?;
        let mut rows = rows?;
        let end = first + rows.len as i64;
        rows.columns
            .push(Vector::Flat(Arc::new(Int64Array::from_iter_values(first..end))));
        out.write_block(&rows)?;
        first = end;
    }
    if first as usize != probe.rows() {
        return Err(Error::internal("a spill file lost rows"));
    }
    out.finish()
}
