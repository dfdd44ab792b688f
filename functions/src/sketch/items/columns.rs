//! Items from columns and as columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::NullBuffer;
use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::types::Repr;

use super::item::Item;
use crate::aggregate::decimal_array;
use crate::kernel::{native_array, native_values};

/// Calls `f(row, item)` for every row, with `None` for NULL.
pub(super) fn for_each_item(
    array: &ArrayRef,
    ty: &SqlType,
    mut f: impl FnMut(usize, Option<Item>) -> Result<()>,
) -> Result<()> {
    let mut rows = |item: &dyn Fn(usize) -> Item| -> Result<()> {
        (0..array.len()).try_for_each(|row| f(row, array.is_valid(row).then(|| item(row))))
    };
    let array = array.as_ref();
    macro_rules! numbers {
        ($native:ty, $item:expr) => {{
            let values = native_values::<$native>(array)?;
            rows(&|row| $item(values[row]))
        }};
    }
    let decimal = matches!(ty, SqlType::Decimal(..));
    match ty.repr() {
        Repr::Bool => {
            let values = array.as_boolean();
            rows(&|row| Item::Bits(values.value(row).into()))
        }
        Repr::I8 => numbers!(i8, |v: i8| Item::Bits(v.into())),
        Repr::I16 => numbers!(i16, |v: i16| Item::Bits(v.into())),
        Repr::I32 => numbers!(i32, |v: i32| Item::Bits(v.into())),
        Repr::I64 if decimal => numbers!(i64, |v: i64| Item::Decimal(v.into())),
        Repr::I64 => numbers!(i64, Item::Bits),
        Repr::I128 => numbers!(i128, Item::Decimal),
        // One NaN, as Java compares.
        Repr::F32 => numbers!(f32, |v: f32| {
            let bits = if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() };
            Item::Bits((bits as i32).into())
        }),
        Repr::F64 => numbers!(f64, |v: f64| {
            let bits = if v.is_nan() { 0x7ff8_0000_0000_0000 } else { v.to_bits() };
            Item::Bits(bits as i64)
        }),
        Repr::Str => {
            let values = array.as_string_view();
            rows(&|row| Item::Text(values.value(row).into()))
        }
        _ => Err(Error::internal(format!("{ty} is no item of a sketch"))),
    }
}

/// Items as a column of type `ty`.
pub(super) fn item_column(items: &[Option<&Item>], ty: &SqlType) -> Result<ArrayRef> {
    let bits = |item: &Option<&Item>| match item {
        Some(Item::Bits(v)) => *v,
        _ => 0,
    };
    let nulls = || Some(items.iter().map(Option::is_some).collect::<NullBuffer>());
    let arrow = ty.arrow();
    macro_rules! numbers {
        ($native:ty, $from:expr) => {
            native_array::<$native>(items.iter().map(|i| $from(bits(i))).collect(), nulls(), &arrow)
        };
    }
    match ty.repr() {
        Repr::Bool => {
            let values: BooleanArray = items.iter().map(|i| i.is_some().then(|| bits(i) != 0)).collect();
            Ok(Arc::new(values))
        }
        Repr::I8 => numbers!(i8, |v: i64| v as i8),
        Repr::I16 => numbers!(i16, |v: i64| v as i16),
        Repr::I32 => numbers!(i32, |v: i64| v as i32),
        Repr::F32 => numbers!(f32, |v: i64| f32::from_bits(v as u32)),
        Repr::F64 => numbers!(f64, |v: i64| f64::from_bits(v as u64)),
        Repr::I64 | Repr::I128 if matches!(ty, SqlType::Decimal(..)) => {
            let values = items.iter().map(|item| match item {
                Some(Item::Decimal(v)) => Some(*v),
                _ => None,
            });
            decimal_array(values.collect(), ty)
        }
        Repr::I64 => numbers!(i64, |v: i64| v),
        Repr::Str => {
            let values: StringViewArray = items
                .iter()
                .map(|item| match item {
                    Some(Item::Text(text)) => Some(text.as_ref()),
                    _ => None,
                })
                .collect();
            Ok(Arc::new(values))
        }
        _ => Err(Error::internal(format!("{ty} is no item of a sketch"))),
    }
}
