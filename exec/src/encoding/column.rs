//! One column of a block: `[0]` if no row is NULL, else `[1]` and a buffer of bits, then the values.

use arrow::array::{ArrayRef, BooleanArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, IntervalUnit};
use arrow::error::ArrowError;
use rsql_common::Result;
use rsql_expr::Vector;
use std::sync::Arc;

use super::compress::{Compression, Compressor, Trial, take_buffer};
use super::cursor::Cursor;
use super::ints::{Int, put_ints, take_ints};
use super::nested::{NestedEncoder, take_nested};
use super::strings::{StringScratch, StringTrials, put_coded, put_strings, take_strings};
use super::text::{Strings, StringsBuffer};

/// How values of a type are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Integers of so many bytes, or what has their bits.
    Fixed(usize),
    /// Booleans.
    Bits,
    /// Strings and binaries.
    Strings,
    /// Anything else.
    Nested,
}

/// The layout of values of an engine type.
pub fn layout(ty: &DataType) -> Layout {
    match ty {
        DataType::Int8 | DataType::UInt8 => Layout::Fixed(1),
        DataType::Int16 | DataType::UInt16 => Layout::Fixed(2),
        DataType::Int32
        | DataType::UInt32
        | DataType::Date32
        | DataType::Float32
        | DataType::Interval(IntervalUnit::YearMonth) => Layout::Fixed(4),
        DataType::Int64
        | DataType::UInt64
        | DataType::Float64
        | DataType::Decimal64(..)
        | DataType::Timestamp(..)
        | DataType::Duration(_)
        | DataType::Time64(_) => Layout::Fixed(8),
        DataType::Decimal128(..) => Layout::Fixed(16),
        DataType::Boolean => Layout::Bits,
        DataType::Utf8View | DataType::BinaryView => Layout::Strings,
        _ => Layout::Nested,
    }
}

/// What all columns of an encoder share.
#[derive(Debug)]
pub(super) struct Tools {
    compressor: Compressor,
    scratch: StringScratch,
    pub(super) strings: StringsBuffer,
    nested: NestedEncoder,
}

impl Tools {
    pub(super) fn new(compression: Compression) -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(compression)?,
            scratch: StringScratch::default(),
            strings: StringsBuffer::default(),
            nested: NestedEncoder::new(compression)?,
        })
    }
}

/// What the blocks before told of a column.
#[derive(Debug, Default)]
pub(super) struct ColumnTrials {
    validity: Trial,
    values: Trial,
    strings: StringTrials,
}

/// Writes one column of a block.
#[derive(Debug)]
pub struct ColumnWriter<'a> {
    pub(super) tools: &'a mut Tools,
    pub(super) trials: &'a mut ColumnTrials,
    pub(super) out: &'a mut Vec<u8>,
}

impl ColumnWriter<'_> {
    /// Values of fixed width.
    pub fn ints<T: Int>(&mut self, values: &[T], validity: Option<&[bool]>) -> Result<()> {
        self.validity(validity)?;
        put_ints(values, &mut self.tools.compressor, &mut self.trials.values, self.out)
    }

    /// Booleans.
    pub fn bits(&mut self, values: &[bool], validity: Option<&[bool]>) -> Result<()> {
        self.validity(validity)?;
        put_bits(values, &mut self.tools.compressor, &mut self.trials.values, self.out)
    }

    /// Strings or binaries.
    pub fn strings(&mut self, values: Strings, validity: Option<&[bool]>) -> Result<()> {
        self.validity(validity)?;
        let tools = &mut *self.tools;
        put_strings(
            values,
            &mut tools.compressor,
            &mut self.trials.strings,
            &mut tools.scratch,
            self.out,
        )
    }

    /// Codes of different strings, of which there are one to 255.
    pub(super) fn coded(&mut self, values: Strings, codes: &[u8], validity: Option<&[bool]>) -> Result<()> {
        self.validity(validity)?;
        let tools = &mut *self.tools;
        put_coded(
            values,
            codes,
            &mut tools.compressor,
            &mut self.trials.strings,
            &mut tools.scratch.lengths,
            self.out,
        )
    }

    /// An array of the stored type; it has its own validity.
    pub fn nested(&mut self, array: &ArrayRef) -> Result<()> {
        self.tools.nested.put(Arc::clone(array), self.out)
    }

    fn validity(&mut self, validity: Option<&[bool]>) -> Result<()> {
        self.out.push(u8::from(validity.is_some()));
        match validity {
            Some(bits) => put_bits(bits, &mut self.tools.compressor, &mut self.trials.validity, self.out),
            None => Ok(()),
        }
    }
}

fn put_bits(bits: &[bool], compressor: &mut Compressor, trial: &mut Trial, out: &mut Vec<u8>) -> Result<()> {
    compressor.put(trial, bits.len().div_ceil(8), out, |out| {
        let byte = |eight: &[bool]| (0..).zip(eight).map(|(i, b)| u8::from(*b) << i).sum::<u8>();
        out.extend(bits.chunks(8).map(byte));
    })
}

fn take_bits(from: &mut Cursor, rows: usize) -> Option<BooleanBuffer> {
    let bytes = take_buffer(from)?;
    (bytes.len() == rows.div_ceil(8)).then(|| BooleanBuffer::new(Buffer::from_vec(bytes.to_vec()), 0, rows))
}

/// The next column, of an engine type; none if it is damaged.
pub(super) fn take_column(from: &mut Cursor, ty: &DataType, rows: usize) -> Option<Vector> {
    let layout = layout(ty);
    if layout == Layout::Nested {
        return Some(Vector::Flat(take_nested(from, ty, rows)?));
    }
    let validity = match from.u8()? {
        0 => None,
        _ => Some(NullBuffer::new(take_bits(from, rows)?)),
    };
    Some(match layout {
        Layout::Fixed(1) => Vector::Flat(fixed(take_ints::<i8>(from, rows)?, ty, validity).ok()?),
        Layout::Fixed(2) => Vector::Flat(fixed(take_ints::<i16>(from, rows)?, ty, validity).ok()?),
        Layout::Fixed(4) => Vector::Flat(fixed(take_ints::<i32>(from, rows)?, ty, validity).ok()?),
        Layout::Fixed(8) => Vector::Flat(fixed(take_ints::<i64>(from, rows)?, ty, validity).ok()?),
        Layout::Fixed(_) => Vector::Flat(fixed(take_ints::<i128>(from, rows)?, ty, validity).ok()?),
        Layout::Bits => Vector::Flat(Arc::new(BooleanArray::new(take_bits(from, rows)?, validity))),
        Layout::Strings => take_strings(from, ty, rows, validity)?,
        Layout::Nested => return None,
    })
}

fn fixed<T: Int>(
    values: Vec<T>,
    ty: &DataType,
    validity: Option<NullBuffer>,
) -> std::result::Result<ArrayRef, ArrowError> {
    let data = arrow::array::ArrayData::builder(ty.clone())
        .len(values.len())
        .nulls(validity)
        .add_buffer(Buffer::from_vec(values))
        .build()?;
    Ok(make_array(data))
}
