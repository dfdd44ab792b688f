//! Evaluates one call over some whole partitions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array, new_empty_array};
use rsql_common::{Error, Result};
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::function::{Accumulator, WindowInput};
use rsql_expr::tree::{FrameBound, FrameUnits, WindowFunc};
use rsql_expr::{Chunk, SortKey, SqlType, Vector, WindowCall, WindowFn, WindowFrame};

use super::aggregate::{FrameAggregate, growing};
use super::frame::{FrameInput, frames, peers};
use crate::pipeline::TaskContext;

/// A call, ready to run.
pub(super) struct CallEvaluator {
    func: Func,
    args: Vec<Program>,
    filter: Option<Program>,
    frame: WindowFrame,
    /// The single sort key of a RANGE frame by value.
    key: Option<(Program, SortKey)>,
    start: Option<Program>,
    end: Option<Program>,
    ty: SqlType,
    ignore_nulls: bool,
    eval: EvalCx,
}

/// How a call takes a partition page by page.
pub(super) enum Paging {
    /// It needs the whole partition at once.
    None,
    /// One value for all rows.
    Whole(Box<dyn Accumulator>),
    /// A value for each row as rows come.
    Growing(Box<dyn Accumulator>),
}

enum Func {
    Window(&'static WindowFn),
    Aggregate(FrameAggregate),
}

impl CallEvaluator {
    pub(super) fn new(call: &WindowCall, order_by: &[SortKey], cx: &Arc<TaskContext>) -> Result<Self> {
        let unknown = |name: &str| Error::internal(format!("no window function {name}"));
        let (func, args, filter, ignore_nulls) = match &call.func {
            WindowFunc::Window {
                func,
                args,
                ignore_nulls,
                ..
            } => {
                let function = cx.registry.window(func).ok_or_else(|| unknown(func))?;
                (Func::Window(function), args, None, *ignore_nulls)
            }
            WindowFunc::Aggregate(a) => {
                let function = cx.registry.aggregate(&a.func).ok_or_else(|| unknown(&a.func))?;
                if a.distinct && !function.duplicate_insensitive {
                    return Err(
                        Error::user("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED").param("windowExpr", a.func.as_ref())
                    );
                }
                let aggregate = FrameAggregate::new(function, a.clone());
                (Func::Aggregate(aggregate), &a.args, a.filter.as_ref(), a.ignore_nulls)
            }
        };
        let boundary = |bound: &FrameBound| match bound {
            FrameBound::Value(e) => cx.compile(e).map(Some),
            _ => Ok(None),
        };
        let (start, end) = (boundary(&call.frame.start)?, boundary(&call.frame.end)?);
        let key = match order_by {
            [key] if start.is_some() || end.is_some() => Some((cx.compile(&key.expr)?, key.clone())),
            _ => None,
        };
        Ok(Self {
            func,
            args: cx.compile_all(args)?,
            filter: filter.map(|f| cx.compile(f)).transpose()?,
            frame: call.frame.clone(),
            key,
            start,
            end,
            ty: call.ty().clone(),
            ignore_nulls,
            eval: cx.eval(),
        })
    }

    /// How the call runs over a partition whose rows come page by page. `peers_together`: no page ends within a peer
    /// group.
    pub(super) fn paging(&self, peers_together: bool) -> Result<Paging> {
        let Func::Aggregate(aggregate) = &self.func else {
            return Ok(Paging::None);
        };
        if self.frame.start != FrameBound::Unbounded {
            return Ok(Paging::None);
        }
        Ok(match self.frame.end {
            FrameBound::Unbounded => Paging::Whole(aggregate.accumulator(1)?),
            FrameBound::CurrentRow if self.frame.units == FrameUnits::Rows || peers_together => {
                Paging::Growing(aggregate.accumulator(1)?)
            }
            _ => Paging::None,
        })
    }

    /// Adds a page to an aggregate over the whole partition.
    pub(super) fn add_page(&self, page: &Chunk, accumulator: &mut dyn Accumulator) -> Result<()> {
        let mut page = page.clone();
        if let Some(f) = &self.filter
            && let Some(passing) = f.filter(&page, &self.eval)?
        {
            page.select(passing);
        }
        let rows = page.rows();
        if rows == 0 {
            return Ok(());
        }
        let args = self
            .args
            .iter()
            .map(|p| p.eval(&page, &self.eval))
            .collect::<Result<Vec<Vector>>>()?;
        accumulator.update_one(&args, rows, 0)
    }

    /// The values of a page's rows, for an aggregate over a growing frame that was fed with the pages before.
    pub(super) fn next_page(
        &self,
        page: &Chunk,
        changes: &[bool],
        accumulator: &mut dyn Accumulator,
    ) -> Result<ArrayRef> {
        let (peer_start, peer_end) = peers(changes);
        let input = FrameInput {
            rows: page.len,
            peer_start: &peer_start,
            peer_end: &peer_end,
            key: None,
            start_values: None,
            end_values: None,
        };
        let mut frames = frames(&self.frame, &input)?;
        let array = |p: &Program| p.eval(page, &self.eval)?.to_array();
        let mut args = self.args.iter().map(array).collect::<Result<Vec<ArrayRef>>>()?;
        if let Some(f) = &self.filter
            && let Some(passing) = f.filter(page, &self.eval)?
        {
            (args, frames) = only_passing(&args, &frames, &passing, 0, page.len)?;
        }
        growing(accumulator, &args, &frames)
    }

    /// The call's value for each row. `starts`: first row of each partition, and the number of rows; `changes`: rows
    /// that begin a peer group.
    pub(super) fn eval(&mut self, rows: &Chunk, starts: &[usize], changes: &[bool]) -> Result<Vector> {
        if rows.len == 0 {
            return Ok(Vector::Flat(new_empty_array(&self.ty.arrow())));
        }
        let args = self
            .args
            .iter()
            .map(|p| p.eval(rows, &self.eval))
            .collect::<Result<Vec<Vector>>>()?;
        let filter = match &self.filter {
            None => None,
            Some(f) => f.filter(rows, &self.eval)?,
        };
        if let Func::Aggregate(aggregate) = &self.func
            && self.frame.start == FrameBound::Unbounded
            && self.frame.end == FrameBound::Unbounded
        {
            return Ok(Vector::Flat(aggregate.whole(&args, starts, filter.as_deref())?));
        }
        let array = |p: &Program| p.eval(rows, &self.eval)?.to_array();
        let key = self.key.as_ref().map(|(p, _)| array(p)).transpose()?;
        let start_values = self.start.as_ref().map(array).transpose()?;
        let end_values = self.end.as_ref().map(array).transpose()?;
        let arg_arrays = args.iter().map(Vector::to_array).collect::<Result<Vec<ArrayRef>>>()?;
        let mut parts = Vec::with_capacity(starts.len());
        for bounds in starts.windows(2) {
            self.eval.cancel.check()?;
            let (from, len) = (bounds[0], bounds[1] - bounds[0]);
            let (peer_start, peer_end) = peers(&changes[from..from + len]);
            let slice = |a: &ArrayRef| a.slice(from, len);
            let (key, start_values, end_values) = (
                key.as_ref().map(slice),
                start_values.as_ref().map(slice),
                end_values.as_ref().map(slice),
            );
            let frames = frames(
                &self.frame,
                &FrameInput {
                    rows: len,
                    peer_start: &peer_start,
                    peer_end: &peer_end,
                    key: key.as_ref().zip(self.key.as_ref().map(|k| &k.1)),
                    start_values: start_values.as_ref(),
                    end_values: end_values.as_ref(),
                },
            )?;
            let args: Vec<ArrayRef> = arg_arrays.iter().map(slice).collect();
            parts.push(match &self.func {
                Func::Window(function) => (function.eval)(&WindowInput {
                    args: &args,
                    rows: len,
                    peer_start: &peer_start,
                    peer_end: &peer_end,
                    frames: &frames,
                    ignore_nulls: self.ignore_nulls,
                    ty: &self.ty,
                })?,
                Func::Aggregate(aggregate) => match &filter {
                    None => aggregate.over_frames(&args, &frames)?,
                    Some(passing) => {
                        let (args, frames) = only_passing(&args, &frames, passing, from, len)?;
                        aggregate.over_frames(&args, &frames)?
                    }
                },
            });
        }
        if let [only] = parts.as_slice() {
            return Ok(Vector::Flat(Arc::clone(only)));
        }
        let refs: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(Vector::Flat(arrow::compute::concat(&refs)?))
    }
}

/// The rows of a partition that pass FILTER, and the frames in terms of those.
fn only_passing(
    args: &[ArrayRef],
    frames: &[(u32, u32)],
    passing: &[u32],
    from: usize,
    len: usize,
) -> Result<(Vec<ArrayRef>, Vec<(u32, u32)>)> {
    let first = passing.partition_point(|p| (*p as usize) < from);
    let end = passing.partition_point(|p| (*p as usize) < from + len);
    let rows: Vec<u32> = passing[first..end].iter().map(|p| p - from as u32).collect();
    let position = |row: u32| rows.partition_point(|r| *r < row) as u32;
    let frames = frames.iter().map(|(s, e)| (position(*s), position(*e))).collect();
    let index = UInt32Array::from(rows.clone());
    let args = args
        .iter()
        .map(|a| Ok(arrow::compute::take(a, &index, None)?))
        .collect::<Result<_>>()?;
    Ok((args, frames))
}
