//! Encodes all rows of vectors.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::vector::DictVector;
use rsql_expr::{Codes, Vector, with_codes};

use super::column::{ColumnWriter, Layout, layout};
use super::ints::Int;
use super::nested::to_stored;
use super::strings::{LEAST_ROWS, MOST_VALUES};

impl ColumnWriter<'_> {
    /// The rows of a vector.
    pub fn vector(&mut self, vector: &Vector) -> Result<()> {
        if let (Layout::Strings, Vector::Dictionary(d)) = (layout(vector.data_type()), vector)
            && !d.dict.values.is_empty()
        {
            return self.dictionary(d);
        }
        let array = vector.to_array()?;
        let valid = valid(array.nulls());
        let valid = valid.as_deref();
        match layout(array.data_type()) {
            Layout::Fixed(1) => self.values::<i8>(&array, valid),
            Layout::Fixed(2) => self.values::<i16>(&array, valid),
            Layout::Fixed(4) => self.values::<i32>(&array, valid),
            Layout::Fixed(8) => self.values::<i64>(&array, valid),
            Layout::Fixed(_) => self.values::<i128>(&array, valid),
            Layout::Bits => {
                let values: Vec<bool> = array.as_boolean().values().iter().collect();
                self.bits(&values, valid)
            }
            Layout::Strings => {
                let (views, buffers) = views_of(&array);
                let row = |i: usize| match valid {
                    Some(valid) if !valid[i] => 0,
                    _ => views[i],
                };
                self.gathered(buffers, (0..views.len()).map(row), valid)
            }
            Layout::Nested => self.nested(&to_stored(&array)?),
        }
    }

    fn values<T: Int>(&mut self, array: &ArrayRef, valid: Option<&[bool]>) -> Result<()> {
        let data = array.to_data();
        self.ints(&data.buffer::<T>(0)[..array.len()], valid)
    }

    fn dictionary(&mut self, d: &DictVector) -> Result<()> {
        let valid = valid(d.validity.as_ref());
        let valid = valid.as_deref();
        let (views, buffers) = views_of(&d.dict.values);
        if let Codes::U8(codes) = &d.codes
            && d.dict.distinct
            && views.len() <= MOST_VALUES
            && codes.len() >= LEAST_ROWS
        {
            let mut strings = std::mem::take(&mut self.tools.strings);
            strings.clear();
            strings.extend(buffers, views.iter().copied())?;
            self.coded(strings.of(0..views.len()), codes, valid)?;
            self.tools.strings = strings;
            return Ok(());
        }
        with_codes!(&d.codes, codes => {
            let row = |i: usize| match valid {
                Some(valid) if !valid[i] => 0,
                _ => views[codes[i] as usize],
            };
            self.gathered(buffers, (0..codes.len()).map(row), valid)
        })
    }

    fn gathered(
        &mut self,
        buffers: &[Buffer],
        views: impl Iterator<Item = u128>,
        valid: Option<&[bool]>,
    ) -> Result<()> {
        let mut strings = std::mem::take(&mut self.tools.strings);
        strings.clear();
        strings.extend(buffers, views)?;
        self.strings(strings.of(0..strings.rows()), valid)?;
        self.tools.strings = strings;
        Ok(())
    }
}

fn valid(nulls: Option<&NullBuffer>) -> Option<Vec<bool>> {
    nulls.filter(|n| n.null_count() > 0).map(|n| n.iter().collect())
}

/// The views of a string or binary array, and what they point into.
pub fn views_of(array: &ArrayRef) -> (&[u128], &[Buffer]) {
    match array.data_type() {
        DataType::Utf8View => {
            let a = array.as_string_view();
            (a.views(), a.data_buffers())
        }
        _ => {
            let a = array.as_binary_view();
            (a.views(), a.data_buffers())
        }
    }
}
