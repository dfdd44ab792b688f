//! Bounds of Parquet columns as the engine's values.

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescriptor;
use rsql_expr::types::Repr;
use rsql_expr::{Scalar, SqlType};

use crate::parquet_types::ticks_per_second;

/// Bounds of some values of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bounds {
    /// Lower bound.
    pub min: Option<Scalar>,
    /// Upper bound.
    pub max: Option<Scalar>,
    /// NULLs, if known.
    pub nulls: Option<u64>,
}

/// Bounds a column chunk's statistics give for a column read as `ty`.
pub fn chunk_bounds(stats: &Statistics, column: &ColumnDescriptor, ty: &SqlType) -> Bounds {
    let bytes = matches!(
        column.physical_type(),
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY
    );
    // Old writers ordered bytes as signed numbers.
    let trusted = !(bytes && stats.is_min_max_deprecated());
    Bounds {
        min: stats
            .min_bytes_opt()
            .filter(|_| trusted)
            .and_then(|b| bound(b, column, ty)),
        max: stats
            .max_bytes_opt()
            .filter(|_| trusted)
            .and_then(|b| bound(b, column, ty)),
        nulls: stats.null_count_opt(),
    }
}

/// A value as statistics store it (plain encoding), read as `ty`. None where order or meaning is in doubt.
pub fn bound(bytes: &[u8], column: &ColumnDescriptor, ty: &SqlType) -> Option<Scalar> {
    let int = || -> Option<i64> {
        Some(match column.physical_type() {
            Physical::INT32 => i64::from(i32::from_le_bytes(bytes.try_into().ok()?)),
            Physical::INT64 => i64::from_le_bytes(bytes.try_into().ok()?),
            _ => return None,
        })
    };
    let unsigned = match column.logical_type_ref() {
        Some(LogicalType::Integer(i)) => !i.is_signed && i.bit_width >= 32,
        _ => matches!(column.converted_type(), ConvertedType::UINT_32 | ConvertedType::UINT_64),
    };
    match ty.repr() {
        _ if unsigned => None,
        Repr::Bool => Some(Scalar::Bool(*bytes.first()? != 0)),
        Repr::I8 => i8::try_from(int()?).ok().map(Scalar::I8),
        Repr::I16 => i16::try_from(int()?).ok().map(Scalar::I16),
        Repr::I32 => i32::try_from(int()?).ok().map(Scalar::I32),
        Repr::I64 if matches!(ty, SqlType::Timestamp | SqlType::TimestampNtz) => {
            let micros = match ticks_per_second(column.self_type())? {
                1_000 => int()?.checked_mul(1_000)?,
                1_000_000 => int()?,
                // Nanoseconds are cut to microseconds, which keeps the order.
                _ => int()?.div_euclid(1_000),
            };
            Some(Scalar::I64(micros))
        }
        Repr::I64 if matches!(ty, SqlType::Time(_)) => {
            let per_tick = 1_000_000_000 / ticks_per_second(column.self_type())?;
            Some(Scalar::I64(int()?.checked_mul(per_tick)?))
        }
        Repr::I64 => match int() {
            Some(v) => Some(Scalar::I64(v)),
            None => i64::try_from(big_endian(bytes, column)?).ok().map(Scalar::I64),
        },
        Repr::I128 => match int() {
            Some(v) => Some(Scalar::I128(i128::from(v))),
            None => Some(Scalar::I128(big_endian(bytes, column)?)),
        },
        Repr::F32 => {
            let v = f32::from_le_bytes(bytes.try_into().ok()?);
            (!v.is_nan()).then_some(Scalar::F32(v))
        }
        Repr::F64 => {
            let v = match column.physical_type() {
                Physical::FLOAT => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
                _ => f64::from_le_bytes(bytes.try_into().ok()?),
            };
            (!v.is_nan()).then_some(Scalar::F64(v))
        }
        Repr::Str => std::str::from_utf8(bytes).ok().map(|s| Scalar::Str(s.into())),
        Repr::Bin => Some(Scalar::Bin(bytes.into())),
        _ => None,
    }
}

/// A decimal stored as big-endian bytes.
fn big_endian(bytes: &[u8], column: &ColumnDescriptor) -> Option<i128> {
    let is_bytes = matches!(
        column.physical_type(),
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY
    );
    if !is_bytes || bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let fill = if bytes[0] & 0x80 != 0 { 0xff } else { 0 };
    let mut wide = [fill; 16];
    wide[16 - bytes.len()..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

/// Order of two values of one type, as Spark orders them; none if they do not compare.
pub fn compare(a: &Scalar, b: &Scalar) -> Option<std::cmp::Ordering> {
    Some(match (a, b) {
        (Scalar::Bool(a), Scalar::Bool(b)) => a.cmp(b),
        (Scalar::F32(a), Scalar::F32(b)) => a.partial_cmp(b)?,
        (Scalar::F64(a), Scalar::F64(b)) => a.partial_cmp(b)?,
        (Scalar::Str(a), Scalar::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Scalar::Bin(a), Scalar::Bin(b)) => a.cmp(b),
        (a, b) => a.as_i128()?.cmp(&b.as_i128()?),
    })
}
