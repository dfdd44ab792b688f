//! Normalized sort keys: one unsigned number a row where the keys fit 128 bits, else byte strings.
//!
//! Numbers compare faster than rows of bytes and carry no pointers. Each key takes one bit for NULL (0 or 1 by where
//! NULLs go) and the value's bits with the sign flipped; descending keys are inverted. `-0.0` equals `0.0`, NaN is the
//! largest. Other types go through Arrow's row format.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows, SortField};
use rsql_common::{Error, Result};
use rsql_expr::types::Repr;
use rsql_expr::{SortKey, SqlType, Vector};

/// How the keys of an operator are encoded.
#[derive(Debug, Clone)]
pub(crate) struct KeyFormat {
    keys: Arc<[KeyPart]>,
    packed: bool,
}

#[derive(Debug, Clone)]
struct KeyPart {
    ty: SqlType,
    descending: bool,
    nulls_first: bool,
}

/// Keys of some rows.
pub(crate) enum Keys {
    Packed(Vec<u128>),
    Rows(Rows),
}

/// One key, for thresholds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnedKey {
    Packed(u128),
    Row(Box<[u8]>),
}

fn bits(ty: &SqlType) -> Option<u32> {
    Some(match ty.repr() {
        Repr::Null => 0,
        Repr::Bool => 1,
        Repr::I8 => 8,
        Repr::I16 => 16,
        Repr::I32 | Repr::F32 => 32,
        Repr::I64 | Repr::F64 => 64,
        _ => return None,
    })
}

impl KeyFormat {
    pub fn new(keys: &[SortKey]) -> Self {
        let keys: Arc<[KeyPart]> = keys
            .iter()
            .map(|k| KeyPart {
                ty: k.expr.ty(),
                descending: k.descending,
                nulls_first: k.nulls_first,
            })
            .collect();
        let total: Option<u32> = keys.iter().map(|k| bits(&k.ty).map(|b| b + 1)).sum();
        Self {
            packed: total.is_some_and(|t| t <= 128),
            keys,
        }
    }

    /// A converter for keys that do not pack; rows of one converter compare with each other.
    pub fn encoder(&self) -> Result<KeyEncoder> {
        let converter = if self.packed {
            None
        } else {
            let fields = self.keys.iter().map(|k| {
                let options = SortOptions {
                    descending: k.descending,
                    nulls_first: k.nulls_first,
                };
                SortField::new_with_options(k.ty.arrow(), options)
            });
            Some(RowConverter::new(fields.collect())?)
        };
        Ok(KeyEncoder {
            keys: Arc::clone(&self.keys),
            converter,
        })
    }
}

/// Encodes key columns.
pub(crate) struct KeyEncoder {
    keys: Arc<[KeyPart]>,
    converter: Option<RowConverter>,
}

impl KeyEncoder {
    /// The keys of `rows` rows of dense columns.
    pub fn encode(&mut self, columns: &[Vector], rows: usize) -> Result<Keys> {
        let Some(converter) = &mut self.converter else {
            let mut out = vec![0u128; rows];
            for (key, column) in self.keys.iter().zip(columns) {
                pack(&mut out, key, column)?;
            }
            return Ok(Keys::Packed(out));
        };
        let arrays = columns
            .iter()
            .map(|c| normalize_floats(c.to_array()?))
            .collect::<Result<Vec<_>>>()?;
        Ok(Keys::Rows(converter.convert_columns(&arrays)?))
    }
}

impl Keys {
    pub fn len(&self) -> usize {
        match self {
            Self::Packed(k) => k.len(),
            Self::Rows(r) => r.num_rows(),
        }
    }

    /// First bytes of a key: unequal prefixes order the keys.
    pub fn prefix(&self, row: usize) -> u128 {
        match self {
            Self::Packed(k) => k[row],
            Self::Rows(r) => {
                let key = r.row(row);
                let bytes: &[u8] = key.as_ref();
                let mut head = [0u8; 16];
                let n = bytes.len().min(16);
                head[..n].copy_from_slice(&bytes[..n]);
                u128::from_be_bytes(head)
            }
        }
    }

    /// Order of two keys, possibly of different batches.
    pub fn compare(&self, row: usize, other: &Keys, other_row: usize) -> Ordering {
        match (self, other) {
            (Self::Packed(a), Self::Packed(b)) => a[row].cmp(&b[other_row]),
            (Self::Rows(a), Self::Rows(b)) => a.row(row).as_ref().cmp(b.row(other_row).as_ref()),
            _ => Ordering::Equal,
        }
    }

    /// Keys that are numbers are ordered by their prefix alone.
    pub fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_))
    }

    pub fn owned(&self, row: usize) -> OwnedKey {
        match self {
            Self::Packed(k) => OwnedKey::Packed(k[row]),
            Self::Rows(r) => OwnedKey::Row(r.row(row).as_ref().into()),
        }
    }

    /// Of sorted keys: how many are below `limit`.
    pub fn count_below(&self, limit: &OwnedKey) -> usize {
        let below = |row: usize| match (self, limit) {
            (Self::Packed(k), OwnedKey::Packed(limit)) => k[row] < *limit,
            (Self::Rows(r), OwnedKey::Row(limit)) => r.row(row).as_ref() < limit.as_ref(),
            _ => false,
        };
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match below(middle) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    /// Rows whose key is not above `limit`.
    pub fn at_most(&self, limit: &OwnedKey) -> Vec<u32> {
        match (self, limit) {
            (Self::Packed(k), OwnedKey::Packed(limit)) => {
                (0..k.len() as u32).filter(|i| k[*i as usize] <= *limit).collect()
            }
            (Self::Rows(r), OwnedKey::Row(limit)) => (0..r.num_rows() as u32)
                .filter(|i| r.row(*i as usize).as_ref() <= limit.as_ref())
                .collect(),
            _ => (0..self.len() as u32).collect(),
        }
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        match self {
            Self::Packed(k) => k.len() * 16,
            Self::Rows(r) => r.size(),
        }
    }
}

/// Shifts a key's bits into each row's number.
fn pack(out: &mut [u128], key: &KeyPart, column: &Vector) -> Result<()> {
    let width = bits(&key.ty).ok_or_else(|| Error::internal("sort key does not pack"))?;
    if let Vector::Dictionary(d) = column {
        // Encode each value once, then look codes up.
        let mut of_code = vec![0u128; d.dict.values.len()];
        let values = Vector::Flat(Arc::clone(&d.dict.values));
        pack(&mut of_code, key, &values)?;
        let null = null_bits(key, width);
        rsql_expr::with_codes!(&d.codes, codes => {
            for (i, (o, c)) in out.iter_mut().zip(codes).enumerate() {
                let valid = d.validity.as_ref().is_none_or(|v| v.is_valid(i));
                let bits = if valid { of_code.get(*c as usize).copied().unwrap_or(null) } else { null };
                *o = *o << (width + 1) | bits;
            }
        });
        return Ok(());
    }
    let array = column.to_array()?;
    let mask = (1u128 << width) - 1;
    let flip = if key.descending { mask } else { 0 };
    let valid_bit = u128::from(key.nulls_first) << width;
    let null = null_bits(key, width);
    let nulls = array.logical_nulls();
    macro_rules! put {
        ($values:expr, $to_bits:expr) => {{
            let to_bits = $to_bits;
            match &nulls {
                None => {
                    for (o, v) in out.iter_mut().zip($values) {
                        *o = *o << (width + 1) | valid_bit | ((to_bits(v) as u128 & mask) ^ flip);
                    }
                }
                Some(nulls) => {
                    for ((o, v), valid) in out.iter_mut().zip($values).zip(nulls.iter()) {
                        let bits = valid_bit | ((to_bits(v) as u128 & mask) ^ flip);
                        *o = *o << (width + 1) | if valid { bits } else { null };
                    }
                }
            }
        }};
    }
    match key.ty.repr() {
        Repr::Null => out.iter_mut().for_each(|o| *o = *o << 1 | null),
        Repr::Bool => put!(array.as_boolean().values().iter(), |v: bool| v as u8),
        Repr::I8 => put!(array.to_data().buffer::<i8>(0).iter().take(array.len()), |v: &i8| *v
            as u8
            ^ 1 << 7),
        Repr::I16 => put!(array.to_data().buffer::<i16>(0).iter().take(array.len()), |v: &i16| *v
            as u16
            ^ 1 << 15),
        Repr::I32 => {
            put!(array.to_data().buffer::<i32>(0).iter().take(array.len()), |v: &i32| *v
                as u32
                ^ 1 << 31)
        }
        Repr::I64 => {
            put!(array.to_data().buffer::<i64>(0).iter().take(array.len()), |v: &i64| *v
                as u64
                ^ 1 << 63)
        }
        Repr::F32 => put!(array.as_primitive::<Float32Type>().values().iter(), |v: &f32| {
            let b = canonical_f32(*v).to_bits();
            if b >> 31 == 1 { !b } else { b | 1 << 31 }
        }),
        Repr::F64 => put!(array.as_primitive::<Float64Type>().values().iter(), |v: &f64| {
            let b = canonical_f64(*v).to_bits();
            if b >> 63 == 1 { !b } else { b | 1 << 63 }
        }),
        _ => return Err(Error::internal("sort key does not pack")),
    }
    Ok(())
}

/// A NULL: its bit says first or last, the value is zero.
fn null_bits(key: &KeyPart, width: u32) -> u128 {
    u128::from(!key.nulls_first) << width
}

fn canonical_f32(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v + 0.0 }
}

fn canonical_f64(v: f64) -> f64 {
    if v.is_nan() { f64::NAN } else { v + 0.0 }
}

fn normalize_floats(array: ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Float32 => {
            let a: PrimitiveArray<Float32Type> = array.as_primitive::<Float32Type>().unary(canonical_f32);
            Arc::new(a)
        }
        DataType::Float64 => {
            let a: PrimitiveArray<Float64Type> = array.as_primitive::<Float64Type>().unary(canonical_f64);
            Arc::new(a)
        }
        _ => array,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int32Array, StringViewArray};
    use rsql_expr::{Expr, Slot};

    fn key(ty: SqlType, descending: bool, nulls_first: bool) -> SortKey {
        SortKey {
            expr: Expr::Slot(Slot { index: 0, ty }),
            descending,
            nulls_first,
        }
    }

    fn order(keys: &[SortKey], columns: &[Vector]) -> Vec<usize> {
        let rows = columns[0].len();
        let encoded = KeyFormat::new(keys).encoder().unwrap().encode(columns, rows).unwrap();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|a, b| encoded.compare(*a, &encoded, *b).then(a.cmp(b)));
        order
    }

    #[test]
    fn packs_ints_and_floats() {
        let ints = Vector::Flat(Arc::new(Int32Array::from(vec![Some(3), None, Some(-1), Some(7)])));
        assert_eq!(
            order(&[key(SqlType::Int, false, true)], std::slice::from_ref(&ints)),
            [1, 2, 0, 3]
        );
        assert_eq!(
            order(&[key(SqlType::Int, false, false)], std::slice::from_ref(&ints)),
            [2, 0, 3, 1]
        );
        assert_eq!(
            order(&[key(SqlType::Int, true, false)], std::slice::from_ref(&ints)),
            [3, 0, 2, 1]
        );
        assert_eq!(order(&[key(SqlType::Int, true, true)], &[ints]), [1, 3, 0, 2]);
        let floats = Vector::Flat(Arc::new(Float64Array::from(vec![
            f64::NAN,
            0.0,
            -0.0,
            -1.5,
            f64::INFINITY,
        ])));
        assert_eq!(order(&[key(SqlType::Double, false, true)], &[floats]), [3, 1, 2, 4, 0]);
    }

    #[test]
    fn rows_for_strings() {
        let s = Vector::Flat(Arc::new(StringViewArray::from(vec![
            Some("b"),
            None,
            Some("a"),
            Some("b"),
        ])));
        let i = Vector::Flat(Arc::new(Int32Array::from(vec![1, 2, 3, 0])));
        let keys = [key(SqlType::String, false, false), key(SqlType::Int, false, true)];
        assert_eq!(order(&keys, &[s, i]), [2, 3, 0, 1]);
    }
}
