//! One column of every partition.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_empty_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowNativeType, DataType};
use rsql_common::Result;
use rsql_exec::encoding::{ColumnWriter, Int, Layout, StringsBuffer, layout, stored_type, to_stored, views_of};
use rsql_expr::{Vector, with_codes};

use super::Routes;
use super::validity::Validity;

/// Values of one column, by partition.
pub(super) enum ColumnBuffers {
    W1(Vec<Fixed<i8>>),
    W2(Vec<Fixed<i16>>),
    W4(Vec<Fixed<i32>>),
    W8(Vec<Fixed<i64>>),
    W16(Vec<Fixed<i128>>),
    Bits(Vec<Fixed<bool>>),
    Bytes(Vec<Bytes>),
    /// Other types: arrays of the stored type.
    Pieces(DataType, Vec<Vec<ArrayRef>>),
}

/// Values of fixed width.
#[derive(Default)]
pub(super) struct Fixed<T> {
    values: Vec<T>,
    validity: Validity,
}

/// Strings or binaries.
#[derive(Default)]
pub(super) struct Bytes {
    values: StringsBuffer,
    validity: Validity,
}

fn many<T>(n: usize, make: impl Fn() -> T) -> Vec<T> {
    (0..n).map(|_| make()).collect()
}

impl ColumnBuffers {
    pub(super) fn new(ty: &DataType, n: usize) -> Self {
        match layout(ty) {
            Layout::Fixed(1) => Self::W1(many(n, Fixed::default)),
            Layout::Fixed(2) => Self::W2(many(n, Fixed::default)),
            Layout::Fixed(4) => Self::W4(many(n, Fixed::default)),
            Layout::Fixed(8) => Self::W8(many(n, Fixed::default)),
            Layout::Fixed(_) => Self::W16(many(n, Fixed::default)),
            Layout::Bits => Self::Bits(many(n, Fixed::default)),
            Layout::Strings => Self::Bytes(many(n, Bytes::default)),
            Layout::Nested => Self::Pieces(stored_type(ty), many(n, Vec::new)),
        }
    }

    /// Bytes a row; 0 if that depends on the value.
    pub(super) fn row_width(&self) -> usize {
        match self {
            Self::W1(_) | Self::Bits(_) => 1,
            Self::W2(_) => 2,
            Self::W4(_) | Self::Bytes(_) => 4,
            Self::W8(_) => 8,
            Self::W16(_) => 16,
            Self::Pieces(..) => 0,
        }
    }

    /// Appends the routed rows of a vector; adds the bytes beyond the row width to each partition's number.
    pub(super) fn append(&mut self, vector: &Vector, routes: &Routes, variable: &mut [usize]) -> Result<()> {
        match self {
            Self::W1(parts) => append_fixed(parts, vector, routes),
            Self::W2(parts) => append_fixed(parts, vector, routes),
            Self::W4(parts) => append_fixed(parts, vector, routes),
            Self::W8(parts) => append_fixed(parts, vector, routes),
            Self::W16(parts) => append_fixed(parts, vector, routes),
            Self::Bits(parts) => append_bits(parts, vector, routes),
            Self::Bytes(parts) => append_bytes(parts, vector, routes, variable),
            Self::Pieces(_, parts) => append_pieces(parts, vector, routes, variable),
        }
    }

    /// Writes some of a partition's values.
    pub(super) fn encode(&self, partition: usize, rows: Range<usize>, to: &mut ColumnWriter) -> Result<()> {
        match self {
            Self::W1(parts) => parts[partition].encode(rows, to),
            Self::W2(parts) => parts[partition].encode(rows, to),
            Self::W4(parts) => parts[partition].encode(rows, to),
            Self::W8(parts) => parts[partition].encode(rows, to),
            Self::W16(parts) => parts[partition].encode(rows, to),
            Self::Bits(parts) => {
                let part = &parts[partition];
                to.bits(&part.values[rows.clone()], part.validity.of(rows))
            }
            Self::Bytes(parts) => {
                let part = &parts[partition];
                to.strings(part.values.of(rows.clone()), part.validity.of(rows))
            }
            Self::Pieces(ty, parts) => {
                let pieces: Vec<&dyn Array> = parts[partition].iter().map(AsRef::as_ref).collect();
                let all = match pieces.as_slice() {
                    [] => new_empty_array(ty),
                    _ => arrow::compute::concat(&pieces)?,
                };
                to.nested(&all.slice(rows.start, rows.len()))
            }
        }
    }

    /// Forgets a partition's values and keeps their room.
    pub(super) fn clear(&mut self, partition: usize) {
        match self {
            Self::W1(parts) => parts[partition].clear(),
            Self::W2(parts) => parts[partition].clear(),
            Self::W4(parts) => parts[partition].clear(),
            Self::W8(parts) => parts[partition].clear(),
            Self::W16(parts) => parts[partition].clear(),
            Self::Bits(parts) => parts[partition].clear(),
            Self::Bytes(parts) => {
                parts[partition].values.clear();
                parts[partition].validity.clear();
            }
            Self::Pieces(_, parts) => parts[partition].clear(),
        }
    }
}

impl<T: Int> Fixed<T> {
    fn encode(&self, rows: Range<usize>, to: &mut ColumnWriter) -> Result<()> {
        to.ints(&self.values[rows.clone()], self.validity.of(rows))
    }
}

impl<T> Fixed<T> {
    fn clear(&mut self) {
        self.values.clear();
        self.validity.clear();
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

fn append_bits(parts: &mut [Fixed<bool>], vector: &Vector, routes: &Routes) -> Result<()> {
    let array = vector.to_array()?;
    let source = array.as_boolean();
    for (p, part) in parts.iter_mut().enumerate() {
        let rows = routes.of(p);
        if !rows.is_empty() {
            part.validity.append(source.nulls(), rows, part.values.len());
            part.values.extend(rows.iter().map(|r| source.value(*r as usize)));
        }
    }
    Ok(())
}

fn append_bytes(parts: &mut [Bytes], vector: &Vector, routes: &Routes, variable: &mut [usize]) -> Result<()> {
    macro_rules! each {
        ($array:expr, $nulls:expr, $row:ident => $index:expr) => {{
            let (views, buffers) = views_of($array);
            let view = |$row: usize| views[$index];
            let nulls: Option<&NullBuffer> = $nulls;
            for (p, part) in parts.iter_mut().enumerate() {
                let rows = routes.of(p);
                if rows.is_empty() {
                    continue;
                }
                part.validity.append(nulls, rows, part.values.rows());
                let rows = rows.iter().map(|r| *r as usize);
                variable[p] += match nulls {
                    None => part.values.extend(buffers, rows.map(view))?,
                    // The view of no bytes.
                    Some(n) => part
                        .values
                        .extend(buffers, rows.map(|r| if n.is_valid(r) { view(r) } else { 0 }))?,
                };
            }
        }};
    }
    match vector {
        Vector::Flat(array) => each!(array, array.nulls(), r => r),
        Vector::Dictionary(d) if d.dict.values.is_empty() => {
            let array = vector.to_array()?;
            each!(&array, array.nulls(), r => r);
        }
        Vector::Dictionary(d) => with_codes!(&d.codes, codes => {
            each!(&d.dict.values, d.validity.as_ref(), r => codes[r] as usize)
        }),
        Vector::Constant { value, len } => {
            let nulls = value.is_null(0).then(|| NullBuffer::new_null(*len));
            each!(value, nulls.as_ref(), _r => 0);
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
