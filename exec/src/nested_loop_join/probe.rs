//! Left rows streaming past the collected right side.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, cast::AsArray};
use arrow::buffer::NullBuffer;
use rsql_common::{Error, Reservation, Result};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Vector};
use rsql_planner::logical::JoinKind;

use super::blocks::{Block, blocks, constant_of, cross, pairs};
use super::tail::TailSource;
use super::{RightSide, Shared};
use crate::concat::{chunk_bytes, concat_chunks, tighten};
use crate::hash_join::{mark_slots, too_many_rows, with_marks};
use crate::hashing::NONE;
use crate::pipeline::{Flow, LocalOperator, Operator, Output, Source, TaskContext};

/// Left rows meet the blocks of a spilled right side together, so many chunks at a time.
const HELD_CHUNKS: usize = 8;

pub(super) struct Probe {
    shared: Arc<Shared>,
}

impl Probe {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Operator for Probe {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        let shared = &self.shared;
        let mut used = vec![false; shared.left_types.len() + shared.right_types.len()];
        if let Some(f) = &shared.filter {
            mark_slots(f, &mut used);
        }
        Ok(Box::new(LocalProbe {
            program: shared.filter.as_ref().map(|f| cx.compile(f)).transpose()?,
            used,
            eval: cx.eval(),
            chunk_rows: cx.chunk_rows,
            memory: cx.memory.register("nested loop join", false),
            held: Vec::new(),
            held_rows: 0,
            shared: Arc::clone(shared),
        }))
    }

    fn tail(&self) -> Option<Arc<dyn Source>> {
        self.shared
            .right_outer()
            .then(|| Arc::new(TailSource::new(Arc::clone(&self.shared))) as Arc<dyn Source>)
    }
}

struct LocalProbe {
    shared: Arc<Shared>,
    program: Option<Program>,
    /// Columns that the condition reads.
    used: Vec<bool>,
    eval: EvalCx,
    chunk_rows: usize,
    /// Left rows that will meet the right side's blocks together.
    held: Vec<Chunk>,
    held_rows: usize,
    memory: Reservation,
}

/// What the condition says of a left row over the right rows seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    False,
    Unknown,
    True,
}

impl LocalOperator for LocalProbe {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let shared = Arc::clone(&self.shared);
        let right = shared
            .right
            .get()
            .ok_or_else(|| Error::internal("probe before build"))?;
        if input.rows() == 0 {
            return Ok(Flow::Continue);
        }
        if right.rows == 0 && matches!(shared.kind, JoinKind::Inner | JoinKind::LeftSemi | JoinKind::Right) {
            return Ok(Flow::Stop);
        }
        if self.program.is_none() && shared.kind == JoinKind::LeftSingle && right.rows > 1 {
            return Err(too_many_rows());
        }
        if right.blocks.len() > 1 {
            return self.hold(input, right, out);
        }
        let block = match right.blocks.first() {
            Some(block) => block.stored.load()?,
            None => Chunk::new(Vec::new(), 0),
        };
        if !shared.pairs() {
            let truths = self.truths(&input.compact()?, right)?;
            return self.existence(input, &truths, out);
        }
        if block.len == 1 && shared.kind == JoinKind::Inner {
            return self.one_row(input, &block, out);
        }
        let left = input.compact()?;
        let mut found = Found::new(left.len, shared.left_outer());
        if self.join(&left, right, (0, &block), &mut found, out)? == Flow::Stop {
            return Ok(Flow::Stop);
        }
        found.unmatched_before(left.len);
        found.flush(&left, &block, &shared, out)
    }

    fn flush(&mut self, out: &mut dyn Output) -> Result<Flow> {
        match Arc::clone(&self.shared).right.get() {
            Some(right) => self.join_held(right, out),
            None => Ok(Flow::Continue),
        }
    }
}

/// Pairs that passed the condition.
struct Found {
    matched: Vec<bool>,
    /// Left rows without partner are put out in their places among the pairs.
    outer: bool,
    /// Left rows before this one are in the output.
    next: usize,
    left: Vec<u32>,
    right: Vec<u32>,
}

impl Found {
    fn new(rows: usize, outer: bool) -> Self {
        Self {
            matched: vec![false; rows],
            outer,
            next: 0,
            left: Vec::new(),
            right: Vec::new(),
        }
    }

    /// Puts out the left rows before `row` that found nothing.
    fn unmatched_before(&mut self, row: usize) {
        while self.outer && self.next < row {
            if !self.matched[self.next] {
                self.left.push(self.next as u32);
                self.right.push(NONE);
            }
            self.next += 1;
        }
    }

    fn flush(&mut self, left: &Chunk, right: &Chunk, shared: &Shared, out: &mut dyn Output) -> Result<Flow> {
        if self.left.is_empty() {
            return Ok(Flow::Continue);
        }
        let chunk = pairs(left, right, shared, &self.left, &self.right)?;
        self.left.clear();
        self.right.clear();
        out.push(chunk)
    }
}

impl LocalProbe {
    /// Keeps left rows until there are enough to read the right side for them.
    fn hold(&mut self, input: Chunk, right: &RightSide, out: &mut dyn Output) -> Result<Flow> {
        let chunk = tighten(input)?;
        let refused = self.memory.try_grow(chunk_bytes(&chunk)).is_err();
        self.held_rows += chunk.len;
        self.held.push(chunk);
        if refused || self.held_rows >= HELD_CHUNKS * self.chunk_rows {
            return self.join_held(right, out);
        }
        Ok(Flow::Continue)
    }

    /// Joins the rows held with each block of the right side.
    fn join_held(&mut self, right: &RightSide, out: &mut dyn Output) -> Result<Flow> {
        let held = std::mem::take(&mut self.held);
        self.held_rows = 0;
        let Some(first) = held.first() else {
            return Ok(Flow::Continue);
        };
        let sequence = first.sequence;
        let shared = Arc::clone(&self.shared);
        let left = concat_chunks(&held, &shared.left_types)?.with_sequence(sequence);
        drop(held);
        let flow = if shared.pairs() {
            self.join_blocks(&left, right, out)
        } else {
            let truths = self.truths(&left, right)?;
            self.existence(left, &truths, out)
        };
        self.memory.free();
        flow
    }

    fn join_blocks(&self, left: &Chunk, right: &RightSide, out: &mut dyn Output) -> Result<Flow> {
        let mut found = Found::new(left.len, false);
        for block in &right.blocks {
            let rows = block.stored.load()?;
            if self.join(left, right, (block.first, &rows), &mut found, out)? == Flow::Stop
                || found.flush(left, &rows, &self.shared, out)? == Flow::Stop
            {
                return Ok(Flow::Stop);
            }
        }
        found.outer = self.shared.left_outer();
        let nothing = Chunk::new(Vec::new(), 0);
        for row in (self.chunk_rows..left.len).step_by(self.chunk_rows).chain([left.len]) {
            found.unmatched_before(row);
            if found.flush(left, &nothing, &self.shared, out)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Right columns as constants; the left side stays as it is.
    fn one_row(&self, mut input: Chunk, right: &Chunk, out: &mut dyn Output) -> Result<Flow> {
        for column in &right.columns {
            input.columns.push(constant_of(column, 0, input.len)?);
        }
        if let Some(program) = &self.program
            && let Some(passing) = program.filter(&input, &self.eval)?
        {
            input.select(passing);
        }
        out.push(input)
    }

    /// Left rows against some right rows, of which the first has number `block.0`.
    fn join(
        &self,
        left: &Chunk,
        right: &RightSide,
        (first, rows): (usize, &Chunk),
        found: &mut Found,
        out: &mut dyn Output,
    ) -> Result<Flow> {
        let shared = &self.shared;
        for block in blocks(left.len, rows.len, self.chunk_rows) {
            self.eval.cancel.check()?;
            for at in self.passing(left, rows, block)? {
                let (lr, rr) = block.pair(at as usize);
                if shared.kind == JoinKind::LeftSingle && found.matched[lr] {
                    return Err(too_many_rows());
                }
                found.unmatched_before(lr);
                found.matched[lr] = true;
                right.mark(first + rr);
                found.left.push(lr as u32);
                found.right.push(rr as u32);
            }
            if found.left.len() >= self.chunk_rows && found.flush(left, rows, shared, out)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    fn passing(&self, left: &Chunk, right: &Chunk, block: Block) -> Result<Vec<u32>> {
        let all = || (0..block.len() as u32).collect();
        let Some(program) = &self.program else {
            return Ok(all());
        };
        let chunk = cross(left, right, &self.shared, block, &self.used)?;
        Ok(program.filter(&chunk, &self.eval)?.unwrap_or_else(all))
    }

    /// The condition over all right rows, for each left row of a dense chunk.
    fn truths(&self, left: &Chunk, right: &RightSide) -> Result<Vec<Truth>> {
        let Some(program) = &self.program else {
            let truth = if right.rows > 0 { Truth::True } else { Truth::False };
            return Ok(vec![truth; left.len]);
        };
        let mut truths = vec![Truth::False; left.len];
        for block in &right.blocks {
            if truths.iter().all(|t| *t == Truth::True) {
                break;
            }
            self.truths_over(left, &block.stored.load()?, program, &mut truths)?;
        }
        Ok(truths)
    }

    fn truths_over(&self, left: &Chunk, right: &Chunk, program: &Program, truths: &mut [Truth]) -> Result<()> {
        for block in blocks(left.len, right.len, self.chunk_rows) {
            self.eval.cancel.check()?;
            if truths[block.left..block.left_end].iter().all(|t| *t == Truth::True) {
                continue;
            }
            let chunk = cross(left, right, &self.shared, block, &self.used)?;
            if self.shared.null_aware {
                let values = program.eval(&chunk, &self.eval)?.to_array()?;
                let values = values.as_boolean();
                for at in 0..values.len() {
                    let truth = match values.is_valid(at) {
                        true if values.value(at) => Truth::True,
                        true => Truth::False,
                        false => Truth::Unknown,
                    };
                    let all = &mut truths[block.pair(at).0];
                    *all = truth.max(*all);
                }
            } else {
                match program.filter(&chunk, &self.eval)? {
                    None => truths[block.left..block.left_end].fill(Truth::True),
                    Some(p) => p.iter().for_each(|at| truths[block.pair(*at as usize).0] = Truth::True),
                }
            }
        }
        Ok(())
    }

    fn existence(&self, mut input: Chunk, truths: &[Truth], out: &mut dyn Output) -> Result<Flow> {
        let wanted = match self.shared.kind {
            JoinKind::LeftSemi => Truth::True,
            JoinKind::LeftAnti => Truth::False,
            _ => {
                let values = truths.iter().map(|t| *t == Truth::True).collect();
                let nulls: NullBuffer = truths.iter().map(|t| *t != Truth::Unknown).collect();
                return out.push(with_marks(&input, BooleanArray::new(values, Some(nulls)))?);
            }
        };
        let kept: Vec<u32> = (0..truths.len() as u32)
            .filter(|i| truths[*i as usize] == wanted)
            .collect();
        if kept.len() < truths.len() {
            input.select(kept);
        }
        out.push(input)
    }
}

/// NULL in every row.
pub(super) fn nulls(ty: &arrow::datatypes::DataType, len: usize) -> Vector {
    Vector::constant(arrow::array::new_null_array(ty, 1), len)
}
