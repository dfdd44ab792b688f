//! Nodes to values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, new_empty_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use rsql_common::{Error, Result};

use super::frame::Frame;
use super::node::{CastOp, Node, Op};
use super::{branch, call, dictionary, logic};
use crate::kernel::{self, union_nulls};
use crate::{CompareOp, SqlType, Vector};

impl Node {
    /// The value for each of the frame's rows.
    pub fn eval(&self, f: &Frame<'_>) -> Result<Vector> {
        match &self.op {
            Op::Slot(i) => return f.column(*i),
            Op::Constant(a) => return Ok(Vector::constant(a.clone(), f.rows())),
            _ => {}
        }
        if f.rows() == 0 {
            return Ok(Vector::Flat(new_empty_array(&self.ty.arrow())));
        }
        if self.deterministic
            && let Some(v) = self.eval_once(f)?
        {
            return Ok(v);
        }
        self.compute(f)
    }

    /// Evaluation for one row, or once a dictionary entry, where the columns allow it.
    fn eval_once(&self, f: &Frame<'_>) -> Result<Option<Vector>> {
        if self.slots.is_empty() {
            let cached = self.constant.borrow().clone();
            let value = match cached {
                Some(v) => v,
                None => {
                    let v = self.compute(&f.narrow(vec![0]))?.to_array()?;
                    *self.constant.borrow_mut() = Some(v.clone());
                    v
                }
            };
            return Ok(Some(Vector::constant(value, f.rows())));
        }
        let mut constant = true;
        for slot in &self.slots {
            constant &= matches!(f.physical(*slot)?, Vector::Constant { .. });
        }
        if constant && f.rows() > 1 {
            let value = self.compute(&f.narrow(vec![0]))?.to_array()?;
            return Ok(Some(Vector::constant(value, f.rows())));
        }
        if let [slot] = self.slots[..]
            && let Vector::Dictionary(d) = f.physical(slot)?
        {
            return dictionary::eval(self, slot, d, f);
        }
        Ok(None)
    }

    /// The value, computed row by row.
    pub fn compute(&self, f: &Frame<'_>) -> Result<Vector> {
        let rows = f.rows();
        let flat = |a: ArrayRef| Ok(Vector::Flat(a));
        let boolean = |a: BooleanArray| Ok(Vector::Flat(Arc::new(a)));
        match &self.op {
            Op::Slot(i) => f.column(*i),
            Op::Constant(a) => Ok(Vector::constant(a.clone(), rows)),
            Op::Arith(spec, sides) => {
                let (l, r) = (sides[0].eval(f)?, sides[1].eval(f)?);
                flat(kernel::arithmetic(spec, &l, &r, rows)?)
            }
            Op::Compare(op, sides) => {
                let (l, r) = (sides[0].eval(f)?, sides[1].eval(f)?);
                boolean(kernel::compare(*op, &l, &r, rows)?)
            }
            Op::And(parts) => boolean(logic::connect(parts, true, f)?),
            Op::Or(parts) => boolean(logic::connect(parts, false, f)?),
            Op::Not(e) => boolean(arrow::compute::not(&e.eval_boolean(f)?)?),
            Op::NullTest(e, null) => {
                let valid = match e.eval(f)?.nulls() {
                    Some(n) => n.into_inner(),
                    None => BooleanBuffer::new_set(rows),
                };
                boolean(BooleanArray::new(if *null { !&valid } else { valid }, None))
            }
            Op::Member(e, set) => match e.eval(f)? {
                Vector::Constant { value, .. } => {
                    let found: ArrayRef = Arc::new(set.eval(&value)?);
                    Ok(Vector::constant(found, rows))
                }
                v => boolean(set.eval(&v.to_array()?)?),
            },
            Op::In(e, list) => {
                let l = e.eval(f)?;
                let mut found = BooleanArray::new(BooleanBuffer::new_unset(rows), None);
                for candidate in list {
                    let equal = kernel::compare(CompareOp::Eq, &l, &candidate.eval(f)?, rows)?;
                    found = arrow::compute::or_kleene(&found, &equal)?;
                }
                boolean(found)
            }
            Op::Case { branches, otherwise } => branch::case(branches, otherwise.as_deref(), &self.ty, f),
            Op::Coalesce(args) => branch::coalesce(args, &self.ty, f),
            Op::Cast(c) => cast(c, &self.ty, f),
            Op::Field(e, index) => field(&e.eval(f)?, *index),
            Op::Call(c) => call::call(c, &self.ty, f),
        }
    }

    /// The value of a predicate.
    pub fn eval_boolean(&self, f: &Frame<'_>) -> Result<BooleanArray> {
        let array = self.eval(f)?.to_array()?;
        if *array.data_type() == arrow::datatypes::DataType::Null {
            return Ok(BooleanArray::new_null(array.len()));
        }
        array
            .as_boolean_opt()
            .cloned()
            .ok_or_else(|| Error::internal(format!("{} is no truth value", self.ty)))
    }
}

fn cast(c: &CastOp, ty: &SqlType, f: &Frame<'_>) -> Result<Vector> {
    let v = c.input.eval(f)?;
    let from = &c.input.ty;
    if from.arrow() == ty.arrow() && from.same_type(ty) {
        return Ok(v);
    }
    Ok(match v {
        Vector::Constant { value, len } => {
            Vector::constant(crate::cast_array(&value, from, ty, c.mode, &c.options, c.origin)?, len)
        }
        v => Vector::Flat(crate::cast_array(
            &v.to_array()?,
            from,
            ty,
            c.mode,
            &c.options,
            c.origin,
        )?),
    })
}

fn field(v: &Vector, index: usize) -> Result<Vector> {
    let pick = |a: &ArrayRef| -> Result<ArrayRef> {
        let s = a
            .as_struct_opt()
            .filter(|s| index < s.num_columns())
            .ok_or_else(|| Error::internal(format!("{} has no field {index}", a.data_type())))?;
        let column = s.column(index);
        match s.nulls().filter(|n| n.null_count() > 0) {
            Some(n) => mask(column, n),
            None => Ok(column.clone()),
        }
    };
    Ok(match v {
        Vector::Constant { value, len } => Vector::constant(pick(value)?, *len),
        v => Vector::Flat(pick(&v.to_array()?)?),
    })
}

/// `array` with NULL also in the rows that are not valid in `nulls`.
pub(super) fn mask(array: &ArrayRef, nulls: &NullBuffer) -> Result<ArrayRef> {
    if *array.data_type() == arrow::datatypes::DataType::Null {
        return Ok(array.clone());
    }
    let both = union_nulls(array.nulls(), Some(nulls));
    if both.as_ref().map_or(0, NullBuffer::null_count) == array.null_count() {
        return Ok(array.clone());
    }
    let null = BooleanArray::new(!nulls.inner(), None);
    Ok(arrow::compute::nullif(array, &null)?)
}
