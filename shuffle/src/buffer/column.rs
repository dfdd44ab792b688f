//! One column of every partition.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, ByteView, UInt32Array, new_empty_array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use rsql_common::{Error, Result};
use rsql_exec::encoding::{ColumnWriter, Layout, Strings, layout, stored_type, to_stored};
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
pub(super) struct Bytes {
    offsets: Vec<i32>,
    data: Vec<u8>,
    validity: Validity,
}

fn many<T>(n: usize, make: impl Fn() -> T) -> Vec<T> {
    (0..n).map(|_| make()).collect()
}

/// Runs `$body` with `$parts` bound to the buffers of whatever fixed width, or of bytes.
macro_rules! with_parts {
    ($self:expr, fixed $parts:ident => $fixed:expr, bits $bits:ident => $of_bits:expr, bytes $bytes:ident => $of_bytes:expr,
     pieces $ty:ident, $pieces:ident => $of_pieces:expr) => {
        match $self {
            ColumnBuffers::W1($parts) => $fixed,
            ColumnBuffers::W2($parts) => $fixed,
            ColumnBuffers::W4($parts) => $fixed,
            ColumnBuffers::W8($parts) => $fixed,
            ColumnBuffers::W16($parts) => $fixed,
            ColumnBuffers::Bits($bits) => $of_bits,
            ColumnBuffers::Bytes($bytes) => $of_bytes,
            ColumnBuffers::Pieces($ty, $pieces) => $of_pieces,
        }
    };
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
        with_parts!(self,
            fixed parts => append_fixed(parts, vector, routes),
            bits parts => append_bits(parts, vector, routes),
            bytes parts => append_bytes(parts, vector, routes, variable),
            pieces _ty, parts => append_pieces(parts, vector, routes, variable))
    }

    /// Writes some of a partition's values.
    pub(super) fn encode(&self, partition: usize, rows: Range<usize>, to: ColumnWriter) -> Result<()> {
        with_parts!(self,
        fixed parts => {
            let part = &parts[partition];
            to.ints(&part.values[rows.clone()], part.validity.of(rows))
        },
        bits parts => {
            let part = &parts[partition];
            to.bits(&part.values[rows.clone()], part.validity.of(rows))
        },
        bytes parts => {
            let part = &parts[partition];
            let strings = Strings {
                offsets: &part.offsets[rows.start..rows.end + 1],
                data: &part.data,
            };
            to.strings(strings, part.validity.of(rows))
        },
        pieces ty, parts => {
            let pieces: Vec<&dyn Array> = parts[partition].iter().map(AsRef::as_ref).collect();
            let all = match pieces.as_slice() {
                [] => new_empty_array(ty),
                _ => arrow::compute::concat(&pieces)?,
            };
            to.nested(all.slice(rows.start, rows.len()))
        })
    }

    /// Forgets a partition's values and keeps their room.
    pub(super) fn clear(&mut self, partition: usize) {
        with_parts!(self,
            fixed parts => parts[partition].clear(),
            bits parts => parts[partition].clear(),
            bytes parts => parts[partition].clear(),
            pieces _ty, parts => parts[partition].clear());
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
    fn clear(&mut self) {
        self.offsets.truncate(1);
        self.data.clear();
        self.validity.clear();
    }

    /// Appends values; fails if the partition would hold more bytes than offsets reach. Gives the bytes of the values.
    fn extend(&mut self, of: &Views, views: impl Iterator<Item = u128>) -> Result<usize> {
        let before = self.data.len();
        for view in views {
            let len = view as u32 as usize;
            // Copies of fixed length are a few instructions; what is too much of them is cut off again.
            if len <= INLINE {
                self.data.extend_from_slice(&view.to_le_bytes()[4..]);
                self.data.truncate(self.data.len() - INLINE + len);
            } else {
                let at = ByteView::from(view);
                let buffer: &[u8] = &of.buffers[at.buffer_index as usize];
                let start = at.offset as usize;
                match buffer.get(start..start + NEAR) {
                    Some(near) if len <= NEAR => {
                        self.data.extend_from_slice(near);
                        self.data.truncate(self.data.len() - NEAR + len);
                    }
                    _ => self.data.extend_from_slice(&buffer[start..start + len]),
                }
            }
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

/// Bytes that a view holds itself.
const INLINE: usize = 12;
/// Longer values are copied by as many bytes as they have.
const NEAR: usize = 32;

/// Views and what they point into.
struct Views<'a> {
    views: &'a [u128],
    buffers: &'a [Buffer],
}

impl<'a> Views<'a> {
    fn of(array: &'a ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8View => {
                let a = array.as_string_view();
                Self {
                    views: a.views(),
                    buffers: a.data_buffers(),
                }
            }
            _ => {
                let a = array.as_binary_view();
                Self {
                    views: a.views(),
                    buffers: a.data_buffers(),
                }
            }
        }
    }
}

fn append_bytes(parts: &mut [Bytes], vector: &Vector, routes: &Routes, variable: &mut [usize]) -> Result<()> {
    macro_rules! each {
        ($array:expr, $nulls:expr, $row:ident => $index:expr) => {{
            let views = Views::of($array);
            let view = |$row: usize| views.views[$index];
            let nulls: Option<&NullBuffer> = $nulls;
            for (p, part) in parts.iter_mut().enumerate() {
                let rows = routes.of(p);
                if rows.is_empty() {
                    continue;
                }
                part.validity.append(nulls, rows, part.offsets.len() - 1);
                let rows = rows.iter().map(|r| *r as usize);
                variable[p] += match nulls {
                    None => part.extend(&views, rows.map(view))?,
                    // The view of no bytes.
                    Some(n) => part.extend(&views, rows.map(|r| if n.is_valid(r) { view(r) } else { 0 }))?,
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
