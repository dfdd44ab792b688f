//! Rows of many chunks, picked one by one and encoded without being joined first.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Codes, Vector};

use crate::encoding::{ColumnWriter, Int, Layout, StringsBuffer, layout, to_stored, views_of};

/// A row: the chunk it is in, and its position there.
pub(super) type Pick = (usize, usize);

/// The columns of some chunks, ready to be picked from.
pub(super) struct Gather {
    columns: Vec<Column>,
    strings: StringsBuffer,
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
            Ok(match chunks.first().map(|c| layout(c.columns[i].data_type())) {
                Some(Layout::Fixed(1)) => Column::W1(vectors().map(Values::of).collect()),
                Some(Layout::Fixed(2)) => Column::W2(vectors().map(Values::of).collect()),
                Some(Layout::Fixed(4)) => Column::W4(vectors().map(Values::of).collect()),
                Some(Layout::Fixed(8)) => Column::W8(vectors().map(Values::of).collect()),
                Some(Layout::Fixed(_)) => Column::W16(vectors().map(Values::of).collect()),
                Some(Layout::Strings) => Column::Strings(vectors().map(|v| (Values::of(v), buffers(v))).collect()),
                _ => Column::Arrays(vectors().map(Vector::to_array).collect::<Result<_>>()?),
            })
        });
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
            strings: StringsBuffer::default(),
        })
    }

    /// Columns.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Writes a column of the picked rows.
    pub fn encode(&mut self, column: usize, picks: &[Pick], to: &mut ColumnWriter) -> Result<()> {
        let column = self
            .columns
            .get(column)
            .ok_or_else(|| Error::internal("a column that is not there"))?;
        match column {
            Column::W1(chunks) => fixed(chunks, picks, to),
            Column::W2(chunks) => fixed(chunks, picks, to),
            Column::W4(chunks) => fixed(chunks, picks, to),
            Column::W8(chunks) => fixed(chunks, picks, to),
            Column::W16(chunks) => fixed(chunks, picks, to),
            Column::Strings(chunks) => {
                let valid = valid(picks, chunks.iter().any(|c| c.0.nulls.is_some()), |(c, r)| {
                    chunks[c].0.is_valid(r)
                });
                self.strings.clear();
                for (i, (c, r)) in picks.iter().enumerate() {
                    let (views, buffers) = &chunks[*c];
                    let view = match &valid {
                        Some(valid) if !valid[i] => 0,
                        _ => views.get(*r),
                    };
                    self.strings.push(buffers, view);
                }
                self.strings.check()?;
                to.strings(self.strings.of(0..picks.len()), valid.as_deref())
            }
            Column::Arrays(arrays) => {
                let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                let picked = arrow::compute::interleave(&arrays, picks)?;
                match layout(picked.data_type()) {
                    Layout::Bits => to.vector(&Vector::Flat(picked)),
                    _ => to.nested(&to_stored(&picked)?),
                }
            }
        }
    }
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
