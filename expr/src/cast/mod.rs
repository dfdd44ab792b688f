//! Casts between all pairs of types that Spark casts, in ANSI, legacy and try mode.
//!
//! `dispatch` knows which pair goes where; each file holds the casts of one family.

mod allowed;
mod convert;
mod datetime;
mod error;
mod from_string;
mod interval;
mod nested;
mod number;
#[cfg(test)]
mod tests;
mod to_string;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryViewArray, new_null_array};
use rsql_common::{Error, Result};

use crate::{EvalMode, EvalOptions, Origin, SqlType};

pub use allowed::{can_cast, can_store_assign, can_up_cast};
pub use from_string::{parse_boolean, parse_double, parse_long};

/// A cast apart from its input.
#[derive(Clone, Copy)]
struct CastCx<'a> {
    from: &'a SqlType,
    to: &'a SqlType,
    mode: EvalMode,
    options: &'a EvalOptions,
    origin: Origin,
}

impl CastCx<'_> {
    fn ansi(&self) -> bool {
        self.mode == EvalMode::Ansi
    }

    fn legacy(&self) -> bool {
        self.mode == EvalMode::Legacy
    }
}

/// `array` of type `from` as `to`.
pub fn cast_array(
    array: &ArrayRef,
    from: &SqlType,
    to: &SqlType,
    mode: EvalMode,
    options: &EvalOptions,
    origin: Origin,
) -> Result<ArrayRef> {
    dispatch(
        array,
        &CastCx {
            from,
            to,
            mode,
            options,
            origin,
        },
    )
}

fn dispatch(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    use SqlType::*;
    match (cx.from, cx.to) {
        (a, b) if a == b || a.is_string() && b.is_string() => Ok(array.clone()),
        (Void, to) => Ok(new_null_array(&to.arrow(), array.len())),
        (Array(_) | Map(_) | Struct(_), Array(_) | Map(_) | Struct(_)) => nested::cast(array, cx),
        (Binary, t) if t.is_string() => to_string::from_binary(array),
        (_, t) if t.is_string() => to_string::cast(array, cx),
        (f, Binary) if f.is_string() => {
            let text = array.as_string_view();
            Ok(Arc::new(BinaryViewArray::from_iter(
                text.iter().map(|s| s.map(str::as_bytes)),
            )))
        }
        (f, _) if f.is_string() => from_string::cast(array, cx),
        (f, Binary) if f.is_integral() => number::to_binary(array, cx),
        (f, t) if is_number(f) && is_number(t) => number::cast(array, cx),
        (YearMonthInterval(..) | DayTimeInterval(..), _) | (_, YearMonthInterval(..) | DayTimeInterval(..)) => {
            interval::cast(array, cx)
        }
        _ => datetime::cast(array, cx),
    }
}

fn is_number(t: &SqlType) -> bool {
    t.is_numeric() || *t == SqlType::Boolean
}

fn no_such_cast(cx: &CastCx<'_>) -> Error {
    Error::user("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION")
        .param("srcType", cx.from.quoted())
        .param("targetType", cx.to.quoted())
        .at(cx.origin.0)
}
