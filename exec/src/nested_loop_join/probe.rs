//! Left rows streaming past the collected right side.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, cast::AsArray};
use arrow::buffer::NullBuffer;
use rsql_common::{Error, Result};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Vector};
use rsql_planner::logical::JoinKind;

use super::blocks::{Block, blocks, constant_of, cross, pairs};
use super::tail::TailSource;
use super::{RightSide, Shared};
use crate::hash_join::{mark_slots, too_many_rows, with_marks};
use crate::hashing::NONE;
use crate::pipeline::{Flow, LocalOperator, Operator, Output, Source, TaskContext};

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
        if right.rows.len == 0 && matches!(shared.kind, JoinKind::Inner | JoinKind::LeftSemi | JoinKind::Right) {
            return Ok(Flow::Stop);
        }
        if shared.pairs() {
            if right.rows.len == 1 && shared.kind == JoinKind::Inner {
                return self.one_row(input, right, out);
            }
            if self.program.is_none() && shared.kind == JoinKind::LeftSingle && right.rows.len > 1 {
                return Err(too_many_rows());
            }
            return self.join(&input.compact()?, right, out);
        }
        let truths = self.truths(&input, right)?;
        self.existence(input, &truths, out)
    }
}

impl LocalProbe {
    /// Right columns as constants; the left side stays as it is.
    fn one_row(&self, mut input: Chunk, right: &RightSide, out: &mut dyn Output) -> Result<Flow> {
        for column in &right.rows.columns {
            input.columns.push(constant_of(column, 0, input.len)?);
        }
        if let Some(program) = &self.program
            && let Some(passing) = program.filter(&input, &self.eval)?
        {
            input.select(passing);
        }
        out.push(input)
    }

    fn join(&self, left: &Chunk, right: &RightSide, out: &mut dyn Output) -> Result<Flow> {
        let shared = &self.shared;
        let outer = shared.left_outer();
        let mut matched = vec![false; left.len];
        let mut next = 0;
        let (mut l, mut r): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for block in blocks(left.len, right.rows.len, self.chunk_rows) {
            self.eval.cancel.check()?;
            let passing = self.passing(left, right, block)?;
            for at in passing {
                let (lr, rr) = block.pair(at as usize);
                if shared.kind == JoinKind::LeftSingle && matched[lr] {
                    return Err(too_many_rows());
                }
                if outer {
                    unmatched(&matched, &mut next, lr, &mut l, &mut r);
                }
                matched[lr] = true;
                right.mark(rr as u32);
                l.push(lr as u32);
                r.push(rr as u32);
            }
            if l.len() >= self.chunk_rows {
                if out.push(pairs(left, &right.rows, shared, &l, &r)?)? == Flow::Stop {
                    return Ok(Flow::Stop);
                }
                l.clear();
                r.clear();
            }
        }
        if outer {
            unmatched(&matched, &mut next, left.len, &mut l, &mut r);
        }
        if l.is_empty() {
            return Ok(Flow::Continue);
        }
        out.push(pairs(left, &right.rows, shared, &l, &r)?)
    }

    fn passing(&self, left: &Chunk, right: &RightSide, block: Block) -> Result<Vec<u32>> {
        let all = || (0..block.len() as u32).collect();
        let Some(program) = &self.program else {
            return Ok(all());
        };
        let chunk = cross(left, &right.rows, &self.shared, block, &self.used)?;
        Ok(program.filter(&chunk, &self.eval)?.unwrap_or_else(all))
    }

    /// The condition over all right rows, for each left row.
    fn truths(&self, input: &Chunk, right: &RightSide) -> Result<Vec<Truth>> {
        let rows = input.rows();
        let Some(program) = &self.program else {
            let truth = if right.rows.len > 0 { Truth::True } else { Truth::False };
            return Ok(vec![truth; rows]);
        };
        let left = input.compact()?;
        let mut truths = vec![Truth::False; rows];
        for block in blocks(rows, right.rows.len, self.chunk_rows) {
            self.eval.cancel.check()?;
            if truths[block.left..block.left_end].iter().all(|t| *t == Truth::True) {
                continue;
            }
            let chunk = cross(&left, &right.rows, &self.shared, block, &self.used)?;
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
        Ok(truths)
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

/// Puts out the left rows from `next` to before `row` that found nothing.
fn unmatched(matched: &[bool], next: &mut usize, row: usize, l: &mut Vec<u32>, r: &mut Vec<u32>) {
    while *next < row {
        if !matched[*next] {
            l.push(*next as u32);
            r.push(NONE);
        }
        *next += 1;
    }
}

/// NULL in every row.
pub(super) fn nulls(ty: &arrow::datatypes::DataType, len: usize) -> Vector {
    Vector::constant(arrow::array::new_null_array(ty, 1), len)
}
