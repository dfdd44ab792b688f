//! `length`, `octet_length`, `bit_length`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array};
use arrow::datatypes::{DataType, Int32Type};
use rsql_common::Result;
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};

use super::{Definitions, doc, is_binary};
use crate::kernel::{StrCol, prim_rows, pure, some};

pub(super) const ALL: Definitions = &[&LENGTH, &OCTET_LENGTH, &BIT_LENGTH];

/// `length(expr)`
static LENGTH: ScalarFn = pure(
    "length",
    &["len", "char_length", "character_length"],
    doc(
        "length(expr)",
        "Characters of a text, or bytes of a binary.",
        "SELECT length('Spark SQL ')",
    ),
    Signature::exact(&[TypeSpec::StringOrBinary], ret::INT),
    |args| {
        if is_binary(args, 0) {
            return bytes(args, 1);
        }
        let values = StrCol::of(args, 0)?;
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            Ok(Some(count_chars(some!(values.get(row))) as i32))
        })
    },
);

/// Number of characters.
pub(super) fn count_chars(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    }
}

/// `octet_length(expr)`
static OCTET_LENGTH: ScalarFn = pure(
    "octet_length",
    &[],
    doc(
        "octet_length(expr)",
        "Bytes of a text or binary.",
        "SELECT octet_length('Spark SQL')",
    ),
    Signature::exact(&[TypeSpec::StringOrBinary], ret::INT),
    |args| bytes(args, 1),
);

/// `bit_length(expr)`
static BIT_LENGTH: ScalarFn = pure(
    "bit_length",
    &[],
    doc(
        "bit_length(expr)",
        "Bits of a text or binary.",
        "SELECT bit_length('Spark SQL')",
    ),
    Signature::exact(&[TypeSpec::StringOrBinary], ret::INT),
    |args| bytes(args, 8),
);

/// Bytes of each value, times `factor`.
fn bytes(args: &EvalArgs<'_>, factor: i32) -> Result<ArrayRef> {
    use arrow::array::cast::AsArray;
    let array = args.array(0)?;
    // The length is the low half of a view.
    let views = match array.as_string_view_opt() {
        Some(a) => a.views().clone(),
        None => array.as_binary_view().views().clone(),
    };
    let lengths = views.iter().map(|v| (*v as u32) as i32 * factor).collect();
    Ok(Arc::new(Int32Array::new(lengths, array.nulls().cloned())))
}
