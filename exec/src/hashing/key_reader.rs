//! Turns key vectors into [`KeyColumn`]s; hashes of a string dictionary are computed once and kept.

use arrow::array::ArrayRef;
use arrow::buffer::ScalarBuffer;
use rsql_common::{DictId, Result};
use rsql_expr::{DictVector, Vector, with_codes};

use super::key_column::{KeyColumn, KeyValues};

/// Reads one key column chunk after chunk.
#[derive(Debug, Default)]
pub(crate) struct KeyReader {
    dict: Option<(DictId, KeyColumn)>,
}

impl KeyReader {
    /// The key form of a vector.
    pub(crate) fn read(&mut self, vector: &Vector) -> Result<KeyColumn> {
        match vector {
            Vector::Flat(a) => KeyColumn::from_array(a),
            Vector::Constant { value, len } => Ok(KeyColumn::from_array(value)?.take(&vec![0; *len])),
            Vector::Dictionary(d) if d.dict.values.is_empty() => KeyColumn::from_array(&vector.to_array()?),
            Vector::Dictionary(d) => self.read_dictionary(d),
        }
    }

    fn read_dictionary(&mut self, d: &DictVector) -> Result<KeyColumn> {
        if self.dict.as_ref().is_none_or(|(id, _)| *id != d.dict.id) {
            self.dict = Some((d.dict.id, dictionary_keys(&d.dict.values, d.codes.len())?));
        }
        let Some((_, keys)) = &self.dict else {
            return KeyColumn::from_array(&Vector::Dictionary(d.clone()).to_array()?);
        };
        let valid = d.validity.as_ref().filter(|v| v.null_count() > 0);
        let values = match &keys.values {
            KeyValues::Int(v) => KeyValues::Int(gather(v, d)),
            KeyValues::Wide(v) => KeyValues::Wide(gather(v, d)),
            KeyValues::Bytes(b) => KeyValues::Bytes(with_codes!(&d.codes, c => {
                b.pick(c.iter().map(|c| *c as usize), valid)
            })),
        };
        Ok(KeyColumn {
            values,
            nulls: valid.cloned(),
        })
    }
}

/// Values by code; zero where the row is NULL.
fn gather<T: arrow::datatypes::ArrowNativeType + Default>(values: &[T], d: &DictVector) -> ScalarBuffer<T> {
    match d.validity.as_ref().filter(|v| v.null_count() > 0) {
        None => with_codes!(&d.codes, c => c.iter().map(|c| values[*c as usize]).collect()),
        Some(valid) => with_codes!(&d.codes, c => c
            .iter()
            .zip(valid.iter())
            .map(|(c, ok)| if ok { values[*c as usize] } else { T::default() })
            .collect()),
    }
}

/// Keys of a dictionary's values, with hashes if the dictionary is not much larger than what reads it.
fn dictionary_keys(values: &ArrayRef, rows: usize) -> Result<KeyColumn> {
    let mut keys = KeyColumn::from_array(values)?;
    if let KeyValues::Bytes(b) = &mut keys.values
        && b.views().len() <= rows.max(1024) * 16
    {
        b.hash();
    }
    Ok(keys)
}
