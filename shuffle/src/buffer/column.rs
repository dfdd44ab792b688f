//! One column of every partition.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, UInt32Array, make_array, new_empty_array,
};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType, IntervalUnit};
use rsql_common::{Error, Result};
use rsql_expr::{Vector, with_codes};

use super::Routes;
use super::validity::Validity;
use crate::format::to_stored;

/// Values of one column, by partition.
pub(super) enum ColumnBuffers {
    W1(DataType, Vec<Fixed<i8>>),
    W2(DataType, Vec<Fixed<i16>>),
    W4(DataType, Vec<Fixed<i32>>),
    W8(DataType, Vec<Fixed<i64>>),
    W16(DataType, Vec<Fixed<i128>>),
    Bits(Vec<Bits>),
    Bytes(DataType, Vec<Bytes>),
    /// Other types: arrays of stored types.
    Pieces(DataType, Vec<Vec<ArrayRef>>),
}

/// Values of fixed width.
#[derive(Default)]
pub(super) struct Fixed<T> {
    values: Vec<T>,
    validity: Validity,
}

/// Booleans.
pub(super) struct Bits {
    values: BooleanBufferBuilder,
    validity: Validity,
}

/// Strings or binaries.
pub(super) struct Bytes {
    offsets: Vec<i32>,
    data: Vec<u8>,
    validity: Validity,
}

fn many<T>(n: usize, make: impl Fn() -> T) -> Vec<T> {
    (0..n).map(|_| make()).collect()
}

impl ColumnBuffers {
    pub(super) fn new(ty: &DataType, n: usize) -> Self {
        match ty {
            DataType::Int8 => Self::W1(ty.clone(), many(n, Fixed::default)),
            DataType::Int16 => Self::W2(ty.clone(), many(n, Fixed::default)),
            DataType::Int32 | DataType::Date32 | DataType::Float32 | DataType::Interval(IntervalUnit::YearMonth) => {
                Self::W4(ty.clone(), many(n, Fixed::default))
            }
            DataType::Int64
            | DataType::Float64
            | DataType::Decimal64(..)
            | DataType::Timestamp(..)
            | DataType::Duration(_)
            | DataType::Time64(_) => Self::W8(ty.clone(), many(n, Fixed::default)),
            DataType::Decimal128(..) => Self::W16(ty.clone(), many(n, Fixed::default)),
            DataType::Boolean => Self::Bits(many(n, || Bits {
                values: BooleanBufferBuilder::new(0),
                validity: Validity::default(),
            })),
            DataType::Utf8View => Self::Bytes(DataType::Utf8, many(n, Bytes::default)),
            DataType::BinaryView => Self::Bytes(DataType::Binary, many(n, Bytes::default)),
            other => Self::Pieces(crate::format::stored_type(other), many(n, Vec::new)),
        }
    }

    /// Bytes a row; 0 if that depends on the value.
    pub(super) fn row_width(&self) -> usize {
        match self {
            Self::W1(..) | Self::Bits(_) => 1,
            Self::W2(..) => 2,
            Self::W4(..) | Self::Bytes(..) => 4,
            Self::W8(..) => 8,
            Self::W16(..) => 16,
            Self::Pieces(..) => 0,
        }
    }

    /// Appends the routed rows of a vector; adds the bytes beyond the row width to each partition's number.
    pub(super) fn append(&mut self, vector: &Vector, routes: &Routes, variable: &mut [usize]) -> Result<()> {
        match self {
            Self::W1(_, parts) => append_fixed(parts, vector, routes),
            Self::W2(_, parts) => append_fixed(parts, vector, routes),
            Self::W4(_, parts) => append_fixed(parts, vector, routes),
            Self::W8(_, parts) => append_fixed(parts, vector, routes),
            Self::W16(_, parts) => append_fixed(parts, vector, routes),
            Self::Bits(parts) => append_bits(parts, vector, routes),
            Self::Bytes(_, parts) => append_bytes(parts, vector, routes, variable),
            Self::Pieces(_, parts) => append_pieces(parts, vector, routes, variable),
        }
    }

    /// A partition's values; it is empty then.
    pub(super) fn take(&mut self, partition: usize) -> Result<ArrayRef> {
        match self {
            Self::W1(ty, parts) => parts[partition].take(ty),
            Self::W2(ty, parts) => parts[partition].take(ty),
            Self::W4(ty, parts) => parts[partition].take(ty),
            Self::W8(ty, parts) => parts[partition].take(ty),
            Self::W16(ty, parts) => parts[partition].take(ty),
            Self::Bits(parts) => {
                let part = &mut parts[partition];
                Ok(Arc::new(BooleanArray::new(part.values.finish(), part.validity.take())))
            }
            Self::Bytes(ty, parts) => parts[partition].take(ty),
            Self::Pieces(ty, parts) => {
                let pieces = std::mem::take(&mut parts[partition]);
                let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
                match pieces.as_slice() {
                    [] => Ok(new_empty_array(ty)),
                    _ => Ok(arrow::compute::concat(&pieces)?),
                }
            }
        }
    }
}

impl<T: ArrowNativeType> Fixed<T> {
    fn take(&mut self, ty: &DataType) -> Result<ArrayRef> {
        let values = std::mem::take(&mut self.values);
        let data = ArrayData::builder(ty.clone())
            .len(values.len())
            .nulls(self.validity.take())
            .add_buffer(Buffer::from_vec(values))
            .build()?;
        Ok(make_array(data))
    }
}

fn append_fixed<T: ArrowNativeType>(parts: &mut [Fixed<T>], vector: &Vector, routes: &Routes) -> Result<()> {
    let mut each = |nulls: Option<&NullBuffer>, value: &dyn Fn(&mut Vec<T>, &[u32])| {
        for (p, part) in parts.iter_mut().enumerate() {
            let rows = routes.of(p);
            if !rows.is_empty() {
                part.validity.append(nulls, rows, part.values.len());
                value(&mut part.values, rows);
            }
        }
    };
    match vector {
        Vector::Flat(array) => {
            let data = array.to_data();
            let source = &data.buffer::<T>(0)[..array.len()];
            each(array.nulls(), &|out, rows| {
                out.extend(rows.iter().map(|r| source[*r as usize]))
            });
        }
        Vector::Dictionary(d) => {
            let data = d.dict.values.to_data();
            let values = &data.buffer::<T>(0)[..d.dict.values.len()];
            // Codes of NULL rows are arbitrary, also where the dictionary is empty.
            let value = |code: usize| values.get(code).copied().unwrap_or_default();
            with_codes!(&d.codes, codes => {
                each(d.validity.as_ref(), &|out, rows| {
                    out.extend(rows.iter().map(|r| value(codes[*r as usize] as usize)));
                });
            });
        }
        Vector::Constant { value, len } => {
            let data = value.to_data();
            let constant = data.buffer::<T>(0)[0];
            let nulls = value.is_null(0).then(|| NullBuffer::new_null(*len));
            each(nulls.as_ref(), &|out, rows| out.extend(rows.iter().map(|_| constant)));
        }
    }
    Ok(())
}

fn append_bits(parts: &mut [Bits], vector: &Vector, routes: &Routes) -> Result<()> {
    let array = vector.to_array()?;
    let source = array.as_boolean();
    for (p, part) in parts.iter_mut().enumerate() {
        let rows = routes.of(p);
        if !rows.is_empty() {
            part.validity.append(source.nulls(), rows, part.values.len());
            rows.iter().for_each(|r| part.values.append(source.value(*r as usize)));
        }
    }
    Ok(())
}

impl Default for Bytes {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            data: Vec::new(),
            validity: Validity::default(),
        }
    }
}

impl Bytes {
    fn take(&mut self, ty: &DataType) -> Result<ArrayRef> {
        let part = std::mem::take(self);
        let mut validity = part.validity;
        let data = ArrayData::builder(ty.clone())
            .len(part.offsets.len() - 1)
            .nulls(validity.take())
            .add_buffer(Buffer::from_vec(part.offsets))
            .add_buffer(Buffer::from_vec(part.data))
            .build()?;
        Ok(make_array(data))
    }

    /// Appends values; fails if the partition would hold more bytes than offsets reach.
    fn extend<'a>(&mut self, values: impl Iterator<Item = &'a [u8]>) -> Result<usize> {
        let before = self.data.len();
        for value in values {
            self.data.extend_from_slice(value);
            self.offsets.push(self.data.len() as i32);
        }
        if i32::try_from(self.data.len()).is_err() {
            return Err(Error::exhausted(format!(
                "a shuffle block of {} bytes of one column is over the limit of 2 GiB",
                self.data.len()
            )));
        }
        Ok(self.data.len() - before)
    }
}

fn append_bytes(parts: &mut [Bytes], vector: &Vector, routes: &Routes, variable: &mut [usize]) -> Result<()> {
    macro_rules! each {
        ($nulls:expr, $value:expr) => {{
            let nulls: Option<&NullBuffer> = $nulls;
            for (p, part) in parts.iter_mut().enumerate() {
                let rows = routes.of(p);
                if rows.is_empty() {
                    continue;
                }
                part.validity.append(nulls, rows, part.offsets.len() - 1);
                variable[p] += match nulls {
                    None => part.extend(rows.iter().map(|r| $value(*r as usize)))?,
                    Some(n) => part.extend(rows.iter().map(|r| {
                        let r = *r as usize;
                        if n.is_valid(r) { $value(r) } else { &[] }
                    }))?,
                };
            }
        }};
    }
    macro_rules! of_views {
        ($array:expr, $nulls:expr, $row:ident => $index:expr) => {{
            let array: &ArrayRef = $array;
            match array.data_type() {
                DataType::Utf8View => {
                    let a = array.as_string_view();
                    each!($nulls, |$row: usize| a.value($index).as_bytes())
                }
                _ => {
                    let a = array.as_binary_view();
                    each!($nulls, |$row: usize| a.value($index))
                }
            }
        }};
    }
    match vector {
        Vector::Flat(array) => of_views!(array, array.nulls(), r => r),
        Vector::Dictionary(d) if d.dict.values.is_empty() => {
            let array = vector.to_array()?;
            of_views!(&array, array.nulls(), r => r);
        }
        Vector::Dictionary(d) => with_codes!(&d.codes, codes => {
            of_views!(&d.dict.values, d.validity.as_ref(), r => codes[r] as usize)
        }),
        Vector::Constant { value, len } => {
            let nulls = value.is_null(0).then(|| NullBuffer::new_null(*len));
            of_views!(value, nulls.as_ref(), _r => 0);
        }
    }
    Ok(())
}

fn append_pieces(parts: &mut [Vec<ArrayRef>], vector: &Vector, routes: &Routes, variable: &mut [usize]) -> Result<()> {
    let indices = UInt32Array::from(routes.order().to_vec());
    let gathered = arrow::compute::take(vector.to_array()?.as_ref(), &indices, None)?;
    let gathered = to_stored(&gathered)?;
    let row_bytes = gathered.get_array_memory_size() / gathered.len().max(1);
    for (p, part) in parts.iter_mut().enumerate().take(routes.partitions()) {
        let range = routes.range(p);
        if !range.is_empty() {
            variable[p] += range.len() * row_bytes;
            part.push(gathered.slice(range.start, range.len()));
        }
    }
    Ok(())
}
