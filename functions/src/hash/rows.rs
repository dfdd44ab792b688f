//! Hashes values of any type the way Spark does: a value's hash is the seed of the next one's, NULL leaves it alone.

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, IntervalMonthDayNanoArray, ListArray, MapArray, StringViewArray,
    StructArray,
};
use arrow::datatypes::ArrowNativeType;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::SqlType;
use rsql_expr::function::{EvalArgs, ResolveCx};
use rsql_expr::types::Repr;

use crate::kernel::{mismatch, native_values};

/// A hash of the three shapes values have.
pub(super) trait ValueHash {
    fn int(value: i32, seed: i64) -> i64;
    fn long(value: i64, seed: i64) -> i64;
    fn bytes(value: &[u8], seed: i64) -> i64;
}

/// Replaces each row's seed by the hash of its value.
pub(super) fn hash_rows<H: ValueHash>(array: &ArrayRef, ty: &SqlType, seeds: &mut [i64]) -> Result<()> {
    match ty.repr() {
        Repr::Null => Ok(()),
        Repr::I8 => fixed::<i8>(array, seeds, |v, s| H::int(i32::from(v), s)),
        Repr::I16 => fixed::<i16>(array, seeds, |v, s| H::int(i32::from(v), s)),
        Repr::I32 => fixed::<i32>(array, seeds, H::int),
        Repr::I64 => fixed::<i64>(array, seeds, H::long),
        Repr::F32 => fixed::<f32>(array, seeds, |v, s| H::int(float_bits(v), s)),
        Repr::F64 => fixed::<f64>(array, seeds, |v, s| H::long(double_bits(v), s)),
        Repr::I128 => fixed::<i128>(array, seeds, |v, s| H::bytes(minimal_bytes(&v.to_be_bytes()), s)),
        Repr::Str | Repr::Bin | Repr::Bool | Repr::Interval | Repr::Nested => {
            for (row, seed) in seeds.iter_mut().enumerate() {
                *seed = hash_one::<H>(array.as_ref(), ty, row, *seed)?;
            }
            Ok(())
        }
    }
}

fn fixed<T: ArrowNativeType>(array: &ArrayRef, seeds: &mut [i64], f: impl Fn(T, i64) -> i64) -> Result<()> {
    let values = native_values::<T>(array.as_ref())?;
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => seeds.iter_mut().zip(values.iter()).for_each(|(s, v)| *s = f(*v, *s)),
        Some(nulls) => nulls.valid_indices().for_each(|i| seeds[i] = f(values[i], seeds[i])),
    }
    Ok(())
}

/// Bits of a float with one zero and one NaN.
fn float_bits(v: f32) -> i32 {
    if v == 0.0 {
        0
    } else if v.is_nan() {
        0x7fc0_0000
    } else {
        v.to_bits() as i32
    }
}

/// Bits of a double with one zero and one NaN.
fn double_bits(v: f64) -> i64 {
    if v == 0.0 {
        0
    } else if v.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        v.to_bits() as i64
    }
}

/// Two's complement without redundant leading bytes, as `BigInteger.toByteArray` gives it.
fn minimal_bytes(bytes: &[u8; 16]) -> &[u8] {
    let mut start = 0;
    while start < 15
        && (bytes[start] == 0 && bytes[start + 1] < 0x80 || bytes[start] == 0xff && bytes[start + 1] >= 0x80)
    {
        start += 1;
    }
    &bytes[start..]
}

fn down<A: 'static>(array: &dyn Array) -> Result<&A> {
    array
        .as_any()
        .downcast_ref::<A>()
        .ok_or_else(|| Error::internal(format!("an array of type {} cannot be hashed", array.data_type())))
}

fn hash_one<H: ValueHash>(array: &dyn Array, ty: &SqlType, row: usize, seed: i64) -> Result<i64> {
    if array.is_null(row) || *ty == SqlType::Void {
        return Ok(seed);
    }
    Ok(match ty {
        SqlType::Boolean => H::int(i32::from(down::<BooleanArray>(array)?.value(row)), seed),
        t if t.is_string() => H::bytes(down::<StringViewArray>(array)?.value(row).as_bytes(), seed),
        SqlType::Binary => H::bytes(down::<BinaryViewArray>(array)?.value(row), seed),
        SqlType::CalendarInterval => {
            let v = down::<IntervalMonthDayNanoArray>(array)?.value(row);
            H::int(v.months, H::int(v.days, H::long(v.nanoseconds / 1000, seed)))
        }
        SqlType::Array(a) => {
            let values = down::<ListArray>(array)?.value(row);
            (0..values.len()).try_fold(seed, |s, i| hash_one::<H>(values.as_ref(), &a.element, i, s))?
        }
        SqlType::Map(m) => {
            let entries = down::<MapArray>(array)?.value(row);
            (0..entries.len()).try_fold(seed, |s, i| {
                let s = hash_one::<H>(entries.column(0).as_ref(), &m.key, i, s)?;
                hash_one::<H>(entries.column(1).as_ref(), &m.value, i, s)
            })?
        }
        SqlType::Struct(fields) => {
            let array = down::<StructArray>(array)?;
            fields
                .iter()
                .enumerate()
                .try_fold(seed, |s, (i, f)| hash_one::<H>(array.column(i).as_ref(), &f.ty, row, s))?
        }
        _ => {
            let mut one = [seed];
            hash_rows::<H>(&array.slice(row, 1), ty, &mut one)?;
            one[0]
        }
    })
}

/// Hashes of all arguments together.
pub(super) fn hash_arguments<H: ValueHash>(args: &EvalArgs<'_>) -> Result<Vec<i64>> {
    let mut hashes = vec![42; args.rows];
    for i in 0..args.len() {
        hash_rows::<H>(&args.array(i)?, &args.ty(i), &mut hashes)?;
    }
    Ok(hashes)
}

/// Refuses maps and calls without arguments.
pub(super) fn bind(args: Vec<rsql_expr::Expr>, cx: &ResolveCx<'_>) -> Result<Vec<rsql_expr::Expr>> {
    if args.is_empty() {
        return Err(rsql_expr::function::signature::wrong_number(
            cx.called_as,
            1,
            None,
            0,
            cx,
        ));
    }
    if args.iter().any(|a| a.ty().holds_map()) {
        return Err(mismatch("HASH_MAP_TYPE", &args, cx).param("functionName", quoted_name([&cx.called_as])));
    }
    Ok(args)
}
