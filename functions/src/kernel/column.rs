//! Typed arguments read row by row, constants without being repeated.

use arrow::array::{
    Array, ArrayAccessor, BinaryViewArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray,
};
use rsql_common::{Error, Result};
use rsql_expr::Vector;
use rsql_expr::function::EvalArgs;

/// An argument of a known array type; a constant is one value read for every row.
#[derive(Debug, Clone)]
pub(crate) struct Col<A> {
    array: A,
    step: usize,
}

/// STRING argument.
pub(crate) type StrCol = Col<StringViewArray>;
/// BINARY argument.
pub(crate) type BinCol = Col<BinaryViewArray>;
/// INT argument.
pub(crate) type IntCol = Col<Int32Array>;
/// BIGINT argument.
pub(crate) type LongCol = Col<Int64Array>;
/// DOUBLE argument.
pub(crate) type DoubleCol = Col<Float64Array>;
/// BOOLEAN argument.
pub(crate) type BoolCol = Col<BooleanArray>;

impl<A: Array + Clone + 'static> Col<A> {
    /// Argument `i` of a call.
    pub(crate) fn of(args: &EvalArgs<'_>, i: usize) -> Result<Self> {
        let (array, step) = match args.vectors.get(i) {
            Some(Vector::Constant { value, .. }) => (value.clone(), 0),
            _ => (args.array(i)?, 1),
        };
        match array.as_any().downcast_ref::<A>() {
            Some(a) => Ok(Self { array: a.clone(), step }),
            None => Err(Error::internal(format!(
                "argument {i} of {} has the type {}",
                args.call.func,
                array.data_type()
            ))),
        }
    }

    /// Argument `i` if the call has it.
    pub(crate) fn optional(args: &EvalArgs<'_>, i: usize) -> Result<Option<Self>> {
        if i < args.len() {
            Self::of(args, i).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The value of a row, `None` for NULL.
    #[inline]
    pub(crate) fn get<'a>(&'a self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item>
    where
        &'a A: ArrayAccessor,
    {
        let i = row * self.step;
        if self.array.is_null(i) {
            None
        } else {
            Some((&self.array).value(i))
        }
    }

    /// True if the argument is the same in all rows.
    pub(crate) fn is_constant(&self) -> bool {
        self.step == 0
    }
}
