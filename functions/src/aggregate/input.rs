//! Reads numeric arguments in whatever form they come: slices, dictionary codes, constants.

use arrow::array::{Array, BooleanArray, cast::AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;
use rsql_common::{Error, Result};
use rsql_expr::{Vector, with_codes};

use crate::kernel::native_values;

/// Calls `f(group, value)` for every row that is not NULL.
#[inline]
pub(super) fn for_each<T: ArrowNativeType>(
    vector: &Vector,
    group_of: &[u32],
    mut f: impl FnMut(usize, T),
) -> Result<()> {
    match vector {
        Vector::Flat(array) => {
            let values: ScalarBuffer<T> = native_values(array.as_ref())?;
            match present(array.nulls()) {
                None => values.iter().zip(group_of).for_each(|(v, g)| f(*g as usize, *v)),
                Some(nulls) => nulls.valid_indices().for_each(|i| f(group_of[i] as usize, values[i])),
            }
        }
        Vector::Dictionary(d) => {
            let values: ScalarBuffer<T> = native_values(d.dict.values.as_ref())?;
            with_codes!(&d.codes, codes => match present(d.validity.as_ref()) {
                None => codes.iter().zip(group_of).for_each(|(c, g)| f(*g as usize, values[usize::from_code(*c)])),
                Some(nulls) => nulls
                    .valid_indices()
                    .for_each(|i| f(group_of[i] as usize, values[usize::from_code(codes[i])])),
            });
        }
        Vector::Constant { value, .. } => {
            if value.is_valid(0) {
                let v = native_values::<T>(value.as_ref())?[0];
                group_of.iter().for_each(|g| f(*g as usize, v));
            }
        }
    }
    Ok(())
}

/// Calls `f(value)` for every row that is not NULL and gives their number.
#[inline]
pub(super) fn for_all<T: ArrowNativeType>(vector: &Vector, rows: usize, mut f: impl FnMut(T)) -> Result<usize> {
    match vector {
        Vector::Flat(array) => {
            let values: ScalarBuffer<T> = native_values(array.as_ref())?;
            match present(array.nulls()) {
                None => {
                    values.iter().for_each(|v| f(*v));
                    Ok(values.len())
                }
                Some(nulls) => {
                    nulls.valid_indices().for_each(|i| f(values[i]));
                    Ok(values.len() - nulls.null_count())
                }
            }
        }
        Vector::Dictionary(d) => {
            let values: ScalarBuffer<T> = native_values(d.dict.values.as_ref())?;
            with_codes!(&d.codes, codes => match present(d.validity.as_ref()) {
                None => {
                    codes.iter().for_each(|c| f(values[usize::from_code(*c)]));
                    Ok(codes.len())
                }
                Some(nulls) => {
                    nulls.valid_indices().for_each(|i| f(values[usize::from_code(codes[i])]));
                    Ok(codes.len() - nulls.null_count())
                }
            })
        }
        Vector::Constant { value, .. } => {
            if value.is_null(0) {
                return Ok(0);
            }
            let v = native_values::<T>(value.as_ref())?[0];
            (0..rows).for_each(|_| f(v));
            Ok(rows)
        }
    }
}

/// A dictionary code as an index.
trait FromCode<C> {
    fn from_code(code: C) -> Self;
}
impl FromCode<u8> for usize {
    #[inline]
    fn from_code(code: u8) -> Self {
        usize::from(code)
    }
}
impl FromCode<u16> for usize {
    #[inline]
    fn from_code(code: u16) -> Self {
        usize::from(code)
    }
}
impl FromCode<u32> for usize {
    #[inline]
    fn from_code(code: u32) -> Self {
        code as usize
    }
}

/// Validity that really holds NULLs.
fn present(nulls: Option<&NullBuffer>) -> Option<&NullBuffer> {
    nulls.filter(|n| n.null_count() > 0)
}

/// The rows of `rows` in which none of `vectors` is NULL.
pub(super) fn valid_rows(vectors: &[&Vector], rows: usize) -> Option<NullBuffer> {
    let nulls = vectors
        .iter()
        .fold(None, |all, v| NullBuffer::union(all.as_ref(), v.nulls().as_ref()));
    nulls.filter(|n| n.len() == rows && n.null_count() > 0)
}

/// A BOOLEAN argument as an array.
pub(super) fn booleans(vector: &Vector) -> Result<BooleanArray> {
    let array = vector.to_array()?;
    array
        .as_boolean_opt()
        .cloned()
        .ok_or_else(|| Error::internal(format!("{} where BOOLEAN was expected", array.data_type())))
}
