//! Values as text: as results print (Hive's way) and as casts to STRING write them.

use arrow::array::{Array, ArrayRef};
use rsql_common::Result;

use crate::{EvalOptions, SqlType};

/// Which of Spark's two notations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// As results print: `HiveResult.toHiveString`.
    Hive,
    /// As casts to STRING write.
    Cast,
}

/// Prints the values of one column; built once a column, used for each row.
pub struct ColumnFormatter {
    _array: ArrayRef,
}

impl ColumnFormatter {
    /// A formatter over a column of the engine's Arrow type.
    pub fn new(array: &ArrayRef, _ty: &SqlType, _notation: Notation, _options: &EvalOptions) -> Result<Self> {
        Ok(Self { _array: array.clone() })
    }

    /// Appends the value of a row; `NULL` for NULL.
    pub fn push(&self, row: usize, out: &mut String) {
        _ = (row, out);
    }
}

/// Prints rows: values separated by tabs.
pub struct RowFormatter {
    columns: Vec<ColumnFormatter>,
}

impl RowFormatter {
    /// A formatter over the columns of a batch.
    pub fn new<'a>(
        columns: impl IntoIterator<Item = (&'a ArrayRef, &'a SqlType)>,
        notation: Notation,
        options: &EvalOptions,
    ) -> Result<Self> {
        let columns = columns
            .into_iter()
            .map(|(array, ty)| ColumnFormatter::new(array, ty, notation, options))
            .collect::<Result<_>>()?;
        Ok(Self { columns })
    }

    /// Appends column `column` of a row.
    pub fn push_value(&self, column: usize, row: usize, out: &mut String) {
        self.columns[column].push(row, out);
    }

    /// Appends a row, values separated by tabs.
    pub fn push_row(&self, row: usize, out: &mut String) {
        for (i, c) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push('\t');
            }
            c.push(row, out);
        }
    }
}

/// One value as results print it.
pub fn hive_string(array: &ArrayRef, row: usize, ty: &SqlType, options: &EvalOptions) -> Result<String> {
    let mut out = String::new();
    ColumnFormatter::new(&array.slice(row, 1), ty, Notation::Hive, options)?.push(0, &mut out);
    Ok(out)
}
