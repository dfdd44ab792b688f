//! The bytes that sketches of distinct values hash, for each type they take.
//!
//! Numbers are widened to 64 bits, doubles made canonical (one zero, one NaN), arrays laid out element by element.
//! Empty texts, binaries and arrays are no keys: sketches ignore them.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use rsql_common::{Error, Result};
use rsql_expr::{SqlType, Vector};

use crate::collection::Lists;

/// Calls `f(row, bytes)` for every row of `vector` that has a key.
pub(super) fn for_each_key(vector: &Vector, mut f: impl FnMut(usize, &[u8]) -> Result<()>) -> Result<()> {
    let array = vector.to_array()?;
    macro_rules! numbers {
        ($ty:ty, $to:expr) => {{
            let values = array.as_primitive::<$ty>();
            for row in (0..values.len()).filter(|r| values.is_valid(*r)) {
                f(row, &$to(values.value(row)))?;
            }
        }};
    }
    macro_rules! slices {
        ($values:expr, $bytes:expr) => {{
            let values = $values;
            for row in (0..values.len()).filter(|r| values.is_valid(*r)) {
                let bytes: &[u8] = $bytes(values.value(row));
                if !bytes.is_empty() {
                    f(row, bytes)?;
                }
            }
        }};
    }
    match array.data_type() {
        DataType::Int32 => numbers!(Int32Type, |v| i64::from(v).to_le_bytes()),
        DataType::Int64 => numbers!(Int64Type, i64::to_le_bytes),
        DataType::Float32 => numbers!(Float32Type, |v| canonical(f64::from(v)).to_le_bytes()),
        DataType::Float64 => numbers!(Float64Type, |v| canonical(v).to_le_bytes()),
        DataType::Utf8View => slices!(array.as_string_view(), str::as_bytes),
        DataType::BinaryView => slices!(array.as_binary_view(), std::convert::identity),
        DataType::List(_) => {
            let lists = Lists::new(&array)?;
            let mut bytes = Vec::new();
            for row in (0..lists.len()).filter(|r| !lists.is_null(*r)) {
                bytes.clear();
                elements(&lists, row, &mut bytes)?;
                if !bytes.is_empty() {
                    f(row, &bytes)?;
                }
            }
        }
        DataType::Null => {}
        other => return Err(Error::internal(format!("{other} is no key of a sketch"))),
    }
    Ok(())
}

/// Appends a row's elements; a NULL element counts as 0.
fn elements(lists: &Lists, row: usize, bytes: &mut Vec<u8>) -> Result<()> {
    for i in lists.range(row) {
        let null = lists.element_is_null(i);
        match lists.values.data_type() {
            DataType::Int32 => {
                let v = if null {
                    0
                } else {
                    lists.values.as_primitive::<Int32Type>().value(i)
                };
                bytes.extend(v.to_le_bytes());
            }
            DataType::Int64 => {
                let v = if null {
                    0
                } else {
                    lists.values.as_primitive::<Int64Type>().value(i)
                };
                bytes.extend(v.to_le_bytes());
            }
            DataType::Null => {}
            other => return Err(Error::internal(format!("an array of {other} is no key of a sketch"))),
        }
    }
    Ok(())
}

/// One pattern for both zeros and one for all NaNs.
fn canonical(v: f64) -> u64 {
    if v.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        (v + 0.0).to_bits()
    }
}

/// Theta and tuple sketches take the type as it is.
pub(super) fn is_theta_key(ty: &SqlType) -> bool {
    match ty {
        SqlType::Array(a) => matches!(a.element, SqlType::Int | SqlType::Long | SqlType::Void),
        SqlType::Int | SqlType::Long | SqlType::Float | SqlType::Double | SqlType::Binary => true,
        other => other.is_string(),
    }
}

/// The types of [`is_theta_key`] as messages list them.
pub(super) const THETA_KEYS: &str = "(\"ARRAY<INT>\" or \"ARRAY<BIGINT>\" or \"BINARY\" or \"DOUBLE\" or \"FLOAT\" or \
    \"INT\" or \"BIGINT\" or \"STRING\")";
