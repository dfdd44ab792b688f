//! `bitmap_bit_position`, `bitmap_bucket_number`, `bitmap_count`: numbers as places in bitmaps of 4 KB.

use arrow::datatypes::{DataType, Int64Type};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};

use super::doc;
use crate::kernel::{BinCol, LongCol, prim_rows, pure, some};

/// Bits of a bitmap.
const BITS: i64 = 8 * 4096;

/// `bitmap_bit_position(number)`
pub(super) static BIT_POSITION: ScalarFn = pure(
    "bitmap_bit_position",
    &[],
    doc(
        "bitmap_bit_position(number)",
        "The number's bit within its bitmap.",
        "SELECT bitmap_bit_position(123)",
    ),
    Signature::exact(&[TypeSpec::Long], ret::LONG),
    |args| {
        let values = LongCol::of(args, 0)?;
        prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
            let v = some!(values.get(row));
            Ok(Some(if v > 0 { (v - 1) % BITS } else { v.wrapping_neg() % BITS }))
        })
    },
);

/// `bitmap_bucket_number(number)`
pub(super) static BUCKET_NUMBER: ScalarFn = pure(
    "bitmap_bucket_number",
    &[],
    doc(
        "bitmap_bucket_number(number)",
        "The number's bitmap.",
        "SELECT bitmap_bucket_number(123)",
    ),
    Signature::exact(&[TypeSpec::Long], ret::LONG),
    |args| {
        let values = LongCol::of(args, 0)?;
        prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
            let v = some!(values.get(row));
            Ok(Some(if v > 0 { 1 + (v - 1) / BITS } else { v / BITS }))
        })
    },
);

/// `bitmap_count(bitmap)`
pub(super) static COUNT: ScalarFn = pure(
    "bitmap_count",
    &[],
    doc(
        "bitmap_count(bitmap)",
        "Number of bits that are set.",
        "SELECT bitmap_count(X'1010')",
    ),
    Signature::exact(&[TypeSpec::Binary], ret::LONG),
    |args| {
        let values = BinCol::of(args, 0)?;
        prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
            Ok(Some(
                some!(values.get(row)).iter().map(|b| i64::from(b.count_ones())).sum(),
            ))
        })
    },
);
