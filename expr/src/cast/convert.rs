//! Loops over primitive arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use rsql_common::{Error, Result};

use super::CastCx;
use crate::SqlType;
use crate::kernel::union_nulls;

/// Each value by `f`, which cannot fail.
pub(super) fn map<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    ty: &SqlType,
    f: impl Fn(S::Native) -> T::Native,
) -> Result<ArrayRef> {
    let a = source::<S>(array)?;
    let values: Vec<T::Native> = a.values().iter().map(|v| f(*v)).collect();
    Ok(build::<T>(values, a.nulls().cloned(), ty))
}

/// Each value by `f`; where it gives nothing, the row is NULL or, in ANSI mode, raises `error`.
pub(super) fn try_map<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    cx: &CastCx<'_>,
    f: impl Fn(S::Native) -> Option<T::Native>,
    error: impl Fn(usize) -> Error,
) -> Result<ArrayRef> {
    let a = source::<S>(array)?;
    let mut any = false;
    let values: Vec<T::Native> = a
        .values()
        .iter()
        .map(|v| {
            let out = f(*v);
            any |= out.is_none();
            out.unwrap_or_default()
        })
        .collect();
    let nulls = a.nulls().cloned();
    if !any {
        return Ok(build::<T>(values, nulls, cx.to));
    }
    let good = BooleanBuffer::collect_bool(a.len(), |i| a.is_null(i) || f(a.value(i)).is_some());
    if cx.ansi()
        && let Some(row) = (0..a.len()).find(|i| !good.value(*i))
    {
        return Err(error(row));
    }
    Ok(build::<T>(
        values,
        union_nulls(nulls.as_ref(), Some(&NullBuffer::new(good))),
        cx.to,
    ))
}

/// Like [`try_map`], but nothing is NULL in every mode.
pub(super) fn map_or_null<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    ty: &SqlType,
    f: impl Fn(S::Native) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let a = source::<S>(array)?;
    let out: PrimitiveArray<T> = a.iter().map(|v| v.and_then(&f)).collect();
    Ok(Arc::new(out.with_data_type(ty.arrow())))
}

fn source<S: ArrowPrimitiveType>(array: &ArrayRef) -> Result<&PrimitiveArray<S>> {
    array
        .as_primitive_opt::<S>()
        .ok_or_else(|| Error::internal(format!("{} is not {}", array.data_type(), S::DATA_TYPE)))
}

pub(super) fn build<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    ty: &SqlType,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls).with_data_type(ty.arrow()))
}

/// Runs `$body` with `$t` as the Arrow type of an integral [`SqlType`].
macro_rules! with_integral {
    ($ty:expr, $t:ident => $body:expr) => {
        match $ty {
            SqlType::Byte => {
                type $t = arrow::datatypes::Int8Type;
                $body
            }
            SqlType::Short => {
                type $t = arrow::datatypes::Int16Type;
                $body
            }
            SqlType::Int => {
                type $t = arrow::datatypes::Int32Type;
                $body
            }
            _ => {
                type $t = arrow::datatypes::Int64Type;
                $body
            }
        }
    };
}
pub(super) use with_integral;
