//! Rows of many chunks, picked one by one without being joined first: a joined copy would be written to fresh memory, which is
//! the dearest there is, and take as much of it again.

use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowNativeType, DataType};
use rsql_common::Result;
use rsql_expr::{Chunk, Codes, Vector};

use crate::encoding::{ColumnWriter, Int, Layout, StringsBuffer, layout, to_stored, views_of};

/// A row: the chunk it is in, and its position there.
pub(super) type Pick = (usize, usize);

/// The columns of some chunks, ready to be picked from.
pub(super) struct Gather {
    columns: Vec<(DataType, Column)>,
}

/// One column, by chunk.
enum Column {
    W1(Vec<Values<i8>>),
    W2(Vec<Values<i16>>),
    W4(Vec<Values<i32>>),
    W8(Vec<Values<i64>>),
    W16(Vec<Values<i128>>),
    Strings(Vec<(Values<u128>, Vec<Buffer>)>),
    Arrays(Vec<ArrayRef>),
}

/// Values of a column of one chunk.
struct Values<T: ArrowNativeType> {
    values: ScalarBuffer<T>,
    form: Form,
    nulls: Option<NullBuffer>,
}

/// Which of the values a row has.
enum Form {
    Own,
    Coded(Codes),
    Same,
}

impl<T: ArrowNativeType> Values<T> {
    fn of(vector: &Vector) -> Self {
        let (array, form) = match vector {
            Vector::Flat(a) => (a, Form::Own),
            Vector::Dictionary(d) => (&d.dict.values, Form::Coded(d.codes.clone())),
            Vector::Constant { value, .. } => (value, Form::Same),
        };
        let data = array.to_data();
        Self {
            values: ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len()),
            form,
            nulls: vector.nulls().filter(|n| n.null_count() > 0),
        }
    }

    /// A row's value; anything where it is NULL.
    #[inline(always)]
    fn get(&self, row: usize) -> T {
        match &self.form {
            Form::Own => self.values[row],
            // Codes of NULL rows are arbitrary, also where there are no values.
            Form::Coded(codes) => self.values.get(codes.get(row)).copied().unwrap_or_default(),
            Form::Same => self.values[0],
        }
    }

    fn is_valid(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|n| n.is_valid(row))
    }
}

impl Gather {
    /// Of dense chunks.
    pub fn new(chunks: &[&Chunk]) -> Result<Self> {
        let count = chunks.first().map_or(0, |c| c.columns.len());
        let columns = (0..count).map(|i| {
            let vectors = || chunks.iter().map(|c| &c.columns[i]);
            let ty = chunks[0].columns[i].data_type().clone();
            let column = match layout(&ty) {
                Layout::Fixed(1) => Column::W1(vectors().map(Values::of).collect()),
                Layout::Fixed(2) => Column::W2(vectors().map(Values::of).collect()),
                Layout::Fixed(4) => Column::W4(vectors().map(Values::of).collect()),
                Layout::Fixed(8) => Column::W8(vectors().map(Values::of).collect()),
                Layout::Fixed(_) => Column::W16(vectors().map(Values::of).collect()),
                Layout::Strings => Column::Strings(vectors().map(|v| (Values::of(v), buffers(v))).collect()),
                _ => Column::Arrays(vectors().map(Vector::to_array).collect::<Result<_>>()?),
            };
            Ok((ty, column))
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
        })
    }

    /// Columns.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Writes a column of the picked rows.
    pub fn encode(
        &self,
        column: usize,
        picks: &[Pick],
        strings: &mut StringsBuffer,
        to: &mut ColumnWriter,
    ) -> Result<()> {
        match &self.columns[column].1 {
            Column::W1(chunks) => fixed(chunks, picks, to),
            Column::W2(chunks) => fixed(chunks, picks, to),
            Column::W4(chunks) => fixed(chunks, picks, to),
            Column::W8(chunks) => fixed(chunks, picks, to),
            Column::W16(chunks) => fixed(chunks, picks, to),
            Column::Strings(chunks) => {
                let valid = gather_strings(chunks, picks, strings)?;
                to.strings(strings.of(0..picks.len()), valid.as_deref())
            }
            Column::Arrays(arrays) => {
                let picked = interleaved(arrays, picks)?;
                match layout(picked.data_type()) {
                    Layout::Bits => to.vector(&Vector::Flat(picked)),
                    _ => to.nested(&to_stored(&picked)?),
                }
            }
        }
    }

    /// The picked rows.
    pub fn take(&self, picks: &[Pick]) -> Result<Chunk> {
        let columns = self.columns.iter().map(|(ty, column)| {
            Ok(Vector::Flat(match column {
                Column::W1(chunks) => array(chunks, picks, ty)?,
                Column::W2(chunks) => array(chunks, picks, ty)?,
                Column::W4(chunks) => array(chunks, picks, ty)?,
                Column::W8(chunks) => array(chunks, picks, ty)?,
                Column::W16(chunks) => array(chunks, picks, ty)?,
                Column::Strings(chunks) => {
                    let mut strings = StringsBuffer::default();
                    let valid = gather_strings(chunks, picks, &mut strings)?;
                    strings.into_array(ty, valid.map(NullBuffer::from))?
                }
                Column::Arrays(arrays) => interleaved(arrays, picks)?,
            }))
        });
        Ok(Chunk::new(columns.collect::<Result<_>>()?, picks.len()))
    }
}

fn gather_strings(
    chunks: &[(Values<u128>, Vec<Buffer>)],
    picks: &[Pick],
    strings: &mut StringsBuffer,
) -> Result<Option<Vec<bool>>> {
    let some_null = chunks.iter().any(|c| c.0.nulls.is_some());
    let valid = valid(picks, some_null, |(c, r)| chunks[c].0.is_valid(r));
    strings.clear();
    for (i, (c, r)) in picks.iter().enumerate() {
        let (views, buffers) = &chunks[*c];
        let view = match &valid {
            Some(valid) if !valid[i] => 0,
            _ => views.get(*r),
        };
        strings.push(buffers, view);
    }
    strings.check()?;
    Ok(valid)
}

fn interleaved(arrays: &[ArrayRef], picks: &[Pick]) -> Result<ArrayRef> {
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    Ok(arrow::compute::interleave(&arrays, picks)?)
}

fn array<T: Int>(chunks: &[Values<T>], picks: &[Pick], ty: &DataType) -> Result<ArrayRef> {
    let some_null = chunks.iter().any(|c| c.nulls.is_some());
    let valid = valid(picks, some_null, |(c, r)| chunks[c].is_valid(r));
    let values: Vec<T> = picks.iter().map(|(c, r)| chunks[*c].get(*r)).collect();
    let data = ArrayData::builder(ty.clone())
        .len(values.len())
        .nulls(valid.map(NullBuffer::from))
        .add_buffer(Buffer::from_vec(values))
        .build()?;
    Ok(make_array(data))
}

fn buffers(vector: &Vector) -> Vec<Buffer> {
    let array = match vector {
        Vector::Flat(a) | Vector::Constant { value: a, .. } => a,
        Vector::Dictionary(d) => &d.dict.values,
    };
    views_of(array).1.to_vec()
}

fn valid(picks: &[Pick], some_null: bool, of: impl Fn(Pick) -> bool) -> Option<Vec<bool>> {
    some_null
        .then(|| picks.iter().map(|p| of(*p)).collect::<Vec<bool>>())
        .filter(|v| v.contains(&false))
}

fn fixed<T: Int>(chunks: &[Values<T>], picks: &[Pick], to: &mut ColumnWriter) -> Result<()> {
    let valid = valid(picks, chunks.iter().any(|c| c.nulls.is_some()), |(c, r)| {
        chunks[c].is_valid(r)
    });
    let values: Vec<T> = picks.iter().map(|(c, r)| chunks[*c].get(*r)).collect();
    to.ints(&values, valid.as_deref())
}
