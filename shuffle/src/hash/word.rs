//! One 64-bit word a value, of every type.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, IntervalMonthDayNanoType, IntervalUnit,
};
use rsql_common::{Error, Result};

const K0: u64 = 0xa076_1d64_78bd_642f;
const K1: u64 = 0xe703_7ed1_a0b4_28db;
const K2: u64 = 0x8ebc_6af0_9c88_c6e3;

/// The word of NULL.
pub(super) const NULL_WORD: u64 = 0x5899_65cc_7537_4cc3;

/// Both halves of a 128-bit product.
#[inline(always)]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// A hash and the next word of its row.
#[inline(always)]
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    fold(hash ^ word, K0).wrapping_add(K1)
}

/// The word of some bytes.
#[inline(always)]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let (a, b) = if n > 16 {
        return hash_long(bytes);
    } else if n >= 8 {
        (read8(bytes, 0), read8(bytes, n - 8))
    } else if n >= 4 {
        (read4(bytes, 0), read4(bytes, n - 4))
    } else if n > 0 {
        let ends = u64::from(bytes[0]) << 16 | u64::from(bytes[n - 1]);
        (ends | u64::from(bytes[n / 2]) << 8, 0)
    } else {
        (0, 0)
    };
    fold(fold(a ^ K1, b ^ K2) ^ K0, n as u64 ^ K1)
}

fn hash_long(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let mut hash = K0;
    let (pairs, _) = bytes.as_chunks::<16>();
    for pair in &pairs[..(n - 1) / 16] {
        hash = fold(read8(pair, 0) ^ K1 ^ hash, read8(pair, 8) ^ K2);
    }
    hash = fold(read8(bytes, n - 16) ^ K1 ^ hash, read8(bytes, n - 8) ^ K2);
    fold(hash ^ K0, n as u64 ^ K1)
}

#[inline(always)]
fn read8(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0u8; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[inline(always)]
fn read4(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0u8; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u64::from(u32::from_le_bytes(word))
}

/// One zero, one NaN; a FLOAT hashes as the DOUBLE of its value.
#[inline(always)]
pub(super) fn canonical_f64(v: f64) -> u64 {
    if v.is_nan() {
        f64::NAN.to_bits()
    } else {
        (v + 0.0).to_bits()
    }
}

#[inline(always)]
pub(super) fn canonical_f32(v: f32) -> u64 {
    canonical_f64(f64::from(v))
}

/// Numbers that fit 64 bits have the word of the 64-bit number.
#[inline(always)]
fn wide(v: i128) -> u64 {
    match i64::try_from(v) {
        Ok(v) => v as u64,
        Err(_) => fold(v as u64 ^ K1, (v >> 64) as u64 ^ K2),
    }
}

/// The word of each value of an array.
pub(super) fn words(array: &dyn Array) -> Result<Vec<u64>> {
    let n = array.len();
    macro_rules! buffer {
        ($t:ty) => {{
            let data = array.to_data();
            data.buffer::<$t>(0)[..n].iter().map(|v| i64::from(*v) as u64).collect()
        }};
    }
    let mut out: Vec<u64> = match array.data_type() {
        DataType::Null => return Ok(vec![NULL_WORD; n]),
        DataType::Boolean => array.as_boolean().values().iter().map(u64::from).collect(),
        DataType::Int8 => array
            .as_primitive::<Int8Type>()
            .values()
            .iter()
            .map(|v| i64::from(*v) as u64)
            .collect(),
        DataType::Int16 => array
            .as_primitive::<Int16Type>()
            .values()
            .iter()
            .map(|v| i64::from(*v) as u64)
            .collect(),
        DataType::Int32 | DataType::Date32 | DataType::Interval(IntervalUnit::YearMonth) => buffer!(i32),
        DataType::Int64
        | DataType::Decimal64(..)
        | DataType::Timestamp(..)
        | DataType::Duration(_)
        | DataType::Time64(_) => buffer!(i64),
        DataType::Decimal128(..) => array
            .as_primitive::<Decimal128Type>()
            .values()
            .iter()
            .map(|v| wide(*v))
            .collect(),
        DataType::Float32 => array
            .as_primitive::<Float32Type>()
            .values()
            .iter()
            .map(|v| canonical_f32(*v))
            .collect(),
        DataType::Float64 => array
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .map(|v| canonical_f64(*v))
            .collect(),
        DataType::Interval(IntervalUnit::MonthDayNano) => array
            .as_primitive::<IntervalMonthDayNanoType>()
            .values()
            .iter()
            .map(|v| {
                mix(
                    mix(i64::from(v.months) as u64, i64::from(v.days) as u64),
                    v.nanoseconds as u64,
                )
            })
            .collect(),
        DataType::Utf8View => {
            let a = array.as_string_view();
            (0..n).map(|i| hash_bytes(a.value(i).as_bytes())).collect()
        }
        DataType::BinaryView => {
            let a = array.as_binary_view();
            (0..n).map(|i| hash_bytes(a.value(i))).collect()
        }
        DataType::List(_) => {
            let a = array.as_list::<i32>();
            let values = words(a.values().as_ref())?;
            a.offsets()
                .windows(2)
                .map(|w| {
                    let items = &values[w[0] as usize..w[1] as usize];
                    items.iter().fold(K2 ^ items.len() as u64, |h, v| mix(h, *v))
                })
                .collect()
        }
        DataType::Map(..) => {
            let a = array.as_map();
            let keys = words(a.keys().as_ref())?;
            let values = words(a.values().as_ref())?;
            a.offsets()
                .windows(2)
                .map(|w| {
                    // A sum, so that the order of the entries does not matter.
                    let entries = w[0] as usize..w[1] as usize;
                    let n = entries.len() as u64;
                    let sum = entries
                        .map(|i| mix(mix(K1, keys[i]), values[i]))
                        .fold(0, u64::wrapping_add);
                    mix(n ^ K2, sum)
                })
                .collect()
        }
        DataType::Struct(_) => {
            let a = array.as_struct();
            let mut out = vec![K2; n];
            for field in a.columns() {
                for (h, w) in out.iter_mut().zip(words(field.as_ref())?) {
                    *h = mix(*h, w);
                }
            }
            out
        }
        other => return Err(Error::internal(format!("no partition hash for {other}"))),
    };
    if let Some(nulls) = array.nulls() {
        for (w, valid) in out.iter_mut().zip(nulls.iter()) {
            if !valid {
                *w = NULL_WORD;
            }
        }
    }
    Ok(out)
}
