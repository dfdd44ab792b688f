//! Values in the forms the engine keeps them, and how plain-encoded bytes become them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, make_array,
};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::DataType;
use parquet::basic::Type as Physical;
use parquet::schema::types::ColumnDescriptor;
use rsql_catalog::parquet_types::ticks_per_second;
use rsql_common::Result;
use rsql_expr::SqlType;
use rsql_expr::types::Repr;

use super::pages::damaged;
use super::views::Views;

/// How a column's stored values become the engine's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::scan::parquet) enum Kind {
    Bool,
    I32ToI8,
    I32ToI16,
    I32,
    /// Widened and multiplied.
    I32ToI64(i64),
    I32ToI128,
    /// Multiplied, then divided rounding down.
    I64(i64, i64),
    I64ToI128,
    F32,
    F32ToF64,
    F64,
    /// Big-endian decimals of a fixed length.
    BytesToI64(usize),
    BytesToI128(usize),
    Int96,
    Str,
    Bin,
}

impl Kind {
    /// How `column` is read as `ty`; none if only the Arrow reader can.
    pub fn of(column: &ColumnDescriptor, file: &SqlType, ty: &SqlType) -> Option<Self> {
        if column.max_rep_level() > 0 || u8::try_from(column.max_def_level()).is_err() {
            return None;
        }
        let same_scale = match (file, ty) {
            (SqlType::Decimal(_, a), SqlType::Decimal(_, b)) => a == b,
            (SqlType::Decimal(20, 0), _) | (_, SqlType::Decimal(..)) => false,
            _ => true,
        };
        let unsigned64 = matches!(file, SqlType::Decimal(20, 0)) && column.physical_type() == Physical::INT64;
        let unsigned32 = matches!(file, SqlType::Long) && column.physical_type() == Physical::INT32;
        let same_kind = file.repr() == ty.repr() || file.is_integral() && ty.is_integral() || file.is_decimal();
        if !same_scale || unsigned64 || unsigned32 {
            return None;
        }
        let length = usize::try_from(column.type_length()).unwrap_or(0);
        let ticks = ticks_per_second(column.self_type());
        Some(match (column.physical_type(), ty.repr()) {
            (Physical::BOOLEAN, Repr::Bool) => Kind::Bool,
            (Physical::FLOAT, Repr::F32) => Kind::F32,
            (Physical::FLOAT, Repr::F64) => Kind::F32ToF64,
            (Physical::DOUBLE, Repr::F64) => Kind::F64,
            (Physical::INT96, Repr::I64) => Kind::Int96,
            (Physical::INT32, Repr::I64) if matches!(ty, SqlType::Time(_)) => Kind::I32ToI64(1_000_000_000 / ticks?),
            _ if !same_kind => return None,
            (Physical::INT32, Repr::I8) => Kind::I32ToI8,
            (Physical::INT32, Repr::I16) => Kind::I32ToI16,
            (Physical::INT32, Repr::I32) => Kind::I32,
            (Physical::INT32, Repr::I64) => Kind::I32ToI64(1),
            (Physical::INT32, Repr::I128) => Kind::I32ToI128,
            (Physical::INT64, Repr::I64) => match ty {
                SqlType::Time(_) => Kind::I64(1_000_000_000 / ticks?, 1),
                SqlType::Timestamp | SqlType::TimestampNtz => match ticks? {
                    1_000 => Kind::I64(1_000, 1),
                    1_000_000 => Kind::I64(1, 1),
                    _ => Kind::I64(1, 1_000),
                },
                _ => Kind::I64(1, 1),
            },
            (Physical::INT64, Repr::I128) => Kind::I64ToI128,
            (Physical::FIXED_LEN_BYTE_ARRAY, Repr::I64) if (1..=16).contains(&length) => Kind::BytesToI64(length),
            (Physical::FIXED_LEN_BYTE_ARRAY, Repr::I128) if (1..=16).contains(&length) => Kind::BytesToI128(length),
            (Physical::BYTE_ARRAY, Repr::Str) => Kind::Str,
            (Physical::BYTE_ARRAY, Repr::Bin) => Kind::Bin,
            _ => return None,
        })
    }

    /// An empty place for its values.
    pub fn values(self, capacity: usize) -> Values {
        match self {
            Kind::Bool => Values::Bool(Vec::with_capacity(capacity)),
            Kind::I32ToI8 => Values::I8(Vec::with_capacity(capacity)),
            Kind::I32ToI16 => Values::I16(Vec::with_capacity(capacity)),
            Kind::I32 => Values::I32(Vec::with_capacity(capacity)),
            Kind::I32ToI64(_) | Kind::I64(..) | Kind::BytesToI64(_) | Kind::Int96 => {
                Values::I64(Vec::with_capacity(capacity))
            }
            Kind::I32ToI128 | Kind::I64ToI128 | Kind::BytesToI128(_) => Values::I128(Vec::with_capacity(capacity)),
            Kind::F32 => Values::F32(Vec::with_capacity(capacity)),
            Kind::F32ToF64 | Kind::F64 => Values::F64(Vec::with_capacity(capacity)),
            Kind::Str | Kind::Bin => Values::Views(Views::with_capacity(capacity, self == Kind::Str)),
        }
    }

    /// Strings and binaries.
    pub fn is_bytes(self) -> bool {
        matches!(self, Kind::Str | Kind::Bin)
    }
}

/// Decoded values.
#[derive(Debug, Clone)]
pub(in crate::scan::parquet) enum Values {
    Bool(Vec<bool>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I128(Vec<i128>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Views(Views),
}

/// Which of a page's stored values are wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::scan::parquet) enum Wanted<'a> {
    Range(usize, usize),
    /// Ascending positions.
    Rows(&'a [u32]),
}

impl Wanted<'_> {
    pub fn len(&self) -> usize {
        match self {
            Wanted::Range(from, to) => to - from,
            Wanted::Rows(rows) => rows.len(),
        }
    }

    /// One past the last position.
    pub fn end(&self) -> usize {
        match self {
            Wanted::Range(_, to) => *to,
            Wanted::Rows(rows) => rows.last().map_or(0, |r| *r as usize + 1),
        }
    }
}

fn fixed<const N: usize, T>(
    bytes: &[u8],
    wanted: Wanted<'_>,
    out: &mut Vec<T>,
    read: impl Fn([u8; N]) -> T,
) -> Result<()> {
    let (values, _) = bytes.as_chunks::<N>();
    if values.len() < wanted.end() {
        return Err(damaged("a page has fewer values than its header says"));
    }
    match wanted {
        Wanted::Range(from, to) => out.extend(values[from..to].iter().map(|v| read(*v))),
        Wanted::Rows(rows) => out.extend(rows.iter().map(|r| read(values[*r as usize]))),
    }
    Ok(())
}

fn big_endian<T>(
    bytes: &[u8],
    length: usize,
    wanted: Wanted<'_>,
    out: &mut Vec<T>,
    to: impl Fn(i128) -> T,
) -> Result<()> {
    if bytes.len() / length < wanted.end() {
        return Err(damaged("a page has fewer values than its header says"));
    }
    let mut push = |i: usize| {
        let value = &bytes[i * length..(i + 1) * length];
        let mut wide = [if value[0] & 0x80 != 0 { 0xff } else { 0 }; 16];
        wide[16 - length..].copy_from_slice(value);
        out.push(to(i128::from_be_bytes(wide)));
    };
    match wanted {
        Wanted::Range(from, to) => (from..to).for_each(push),
        Wanted::Rows(rows) => rows.iter().for_each(|r| push(*r as usize)),
    }
    Ok(())
}

/// Microseconds of a legacy timestamp: nanoseconds of the day, then the Julian day.
fn int96_micros(b: [u8; 12]) -> i64 {
    let nanos = i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
    let day = i64::from(u32::from_le_bytes([b[8], b[9], b[10], b[11]])) - 2_440_588;
    day.wrapping_mul(86_400_000_000).wrapping_add(nanos.div_euclid(1_000))
}

impl Values {
    /// Appends wanted values of a plain-encoded section (not of strings, see [`Views`]).
    pub fn plain(&mut self, kind: Kind, bytes: &[u8], wanted: Wanted<'_>) -> Result<()> {
        match (self, kind) {
            (Values::Bool(out), Kind::Bool) => {
                if bytes.len() * 8 < wanted.end() {
                    return Err(damaged("a page has fewer values than its header says"));
                }
                let bit = |i: usize| bytes[i / 8] >> (i % 8) & 1 == 1;
                match wanted {
                    Wanted::Range(from, to) => out.extend((from..to).map(bit)),
                    Wanted::Rows(rows) => out.extend(rows.iter().map(|r| bit(*r as usize))),
                }
                Ok(())
            }
            (Values::I8(out), _) => fixed::<4, _>(bytes, wanted, out, |b| i32::from_le_bytes(b) as i8),
            (Values::I16(out), _) => fixed::<4, _>(bytes, wanted, out, |b| i32::from_le_bytes(b) as i16),
            (Values::I32(out), _) => fixed::<4, _>(bytes, wanted, out, i32::from_le_bytes),
            (Values::I64(out), Kind::I64(1, 1)) => fixed::<8, _>(bytes, wanted, out, i64::from_le_bytes),
            (Values::I64(out), Kind::I64(m, d)) => fixed::<8, _>(bytes, wanted, out, |b| {
                i64::from_le_bytes(b).wrapping_mul(m).div_euclid(d)
            }),
            (Values::I64(out), Kind::I32ToI64(m)) => {
                fixed::<4, _>(bytes, wanted, out, |b| i64::from(i32::from_le_bytes(b)).wrapping_mul(m))
            }
            (Values::I64(out), Kind::Int96) => fixed::<12, _>(bytes, wanted, out, int96_micros),
            (Values::I64(out), Kind::BytesToI64(n)) => big_endian(bytes, n, wanted, out, |v| v as i64),
            (Values::I128(out), Kind::BytesToI128(n)) => big_endian(bytes, n, wanted, out, |v| v),
            (Values::I128(out), Kind::I32ToI128) => {
                fixed::<4, _>(bytes, wanted, out, |b| i128::from(i32::from_le_bytes(b)))
            }
            (Values::I128(out), _) => fixed::<8, _>(bytes, wanted, out, |b| i128::from(i64::from_le_bytes(b))),
            (Values::F32(out), _) => fixed::<4, _>(bytes, wanted, out, f32::from_le_bytes),
            (Values::F64(out), Kind::F32ToF64) => {
                fixed::<4, _>(bytes, wanted, out, |b| f64::from(f32::from_le_bytes(b)))
            }
            (Values::F64(out), _) => fixed::<8, _>(bytes, wanted, out, f64::from_le_bytes),
            _ => Err(damaged("a page's values have another type than the column")),
        }
    }

    /// Appends a dictionary's values by code; codes were checked.
    pub fn gather(&mut self, dictionary: &Values, codes: &[u32]) -> Result<()> {
        macro_rules! take {
            ($out:expr, $values:expr) => {
                $out.extend(codes.iter().map(|c| $values[*c as usize]))
            };
        }
        match (self, dictionary) {
            (Values::Bool(o), Values::Bool(v)) => take!(o, v),
            (Values::I8(o), Values::I8(v)) => take!(o, v),
            (Values::I16(o), Values::I16(v)) => take!(o, v),
            (Values::I32(o), Values::I32(v)) => take!(o, v),
            (Values::I64(o), Values::I64(v)) => take!(o, v),
            (Values::I128(o), Values::I128(v)) => take!(o, v),
            (Values::F32(o), Values::F32(v)) => take!(o, v),
            (Values::F64(o), Values::F64(v)) => take!(o, v),
            (Values::Views(o), Values::Views(v)) => return o.gather(v, codes),
            _ => return Err(damaged("a dictionary's values have another type than the column")),
        }
        Ok(())
    }

    pub fn len(&self) -> usize {
        match self {
            Values::Bool(v) => v.len(),
            Values::I8(v) => v.len(),
            Values::I16(v) => v.len(),
            Values::I32(v) => v.len(),
            Values::I64(v) => v.len(),
            Values::I128(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::Views(v) => v.len(),
        }
    }

    /// Moves the last values apart so that NULL rows get a place: row `i` behind `base` has a value if `valid[i]`.
    pub fn spread(&mut self, base: usize, valid: &[u8]) {
        match self {
            Values::Bool(v) => spread(v, base, valid),
            Values::I8(v) => spread(v, base, valid),
            Values::I16(v) => spread(v, base, valid),
            Values::I32(v) => spread(v, base, valid),
            Values::I64(v) => spread(v, base, valid),
            Values::I128(v) => spread(v, base, valid),
            Values::F32(v) => spread(v, base, valid),
            Values::F64(v) => spread(v, base, valid),
            Values::Views(v) => v.spread(base, valid),
        }
    }

    /// As an array of `ty`.
    pub fn finish(self, nulls: Option<NullBuffer>, ty: &DataType) -> Result<ArrayRef> {
        let array: ArrayRef = match self {
            Values::Bool(v) => Arc::new(BooleanArray::new(v.into(), nulls)),
            Values::I8(v) => Arc::new(Int8Array::new(v.into(), nulls)),
            Values::I16(v) => Arc::new(Int16Array::new(v.into(), nulls)),
            Values::I32(v) => Arc::new(Int32Array::new(v.into(), nulls)),
            Values::I64(v) => Arc::new(Int64Array::new(v.into(), nulls)),
            Values::I128(v) => Arc::new(Decimal128Array::new(v.into(), nulls)),
            Values::F32(v) => Arc::new(Float32Array::new(v.into(), nulls)),
            Values::F64(v) => Arc::new(Float64Array::new(v.into(), nulls)),
            Values::Views(v) => v.into_array(nulls)?,
        };
        if array.data_type() == ty {
            return Ok(array);
        }
        Ok(make_array(
            array.to_data().into_builder().data_type(ty.clone()).build()?,
        ))
    }
}

/// See [`Values::spread`].
pub(super) fn spread<T: Copy + Default>(values: &mut Vec<T>, base: usize, valid: &[u8]) {
    let mut from = values.len();
    values.resize(base + valid.len(), T::default());
    for (i, v) in valid.iter().enumerate().rev() {
        if *v != 0 {
            from -= 1;
            values[base + i] = values[from];
        } else {
            values[base + i] = T::default();
        }
    }
}

/// A buffer of plain-encoded strings and where they begin.
pub(in crate::scan::parquet) type StringPage = (Buffer, usize);
