//! A result's cells as text, in the notation results print in.

use rsql_common::Result;
use rsql_expr::format::{ColumnFormatter, Notation};
use rsql_expr::{Chunk, EvalOptions, Schema, SqlType};

/// Turns rows of one result into text.
pub(super) struct Cells {
    types: Vec<SqlType>,
    options: EvalOptions,
}

/// One row's texts, whose space the next row uses again.
pub(super) struct Row {
    cells: Vec<(String, bool)>,
}

impl Row {
    /// The cells from left to right; NULL is `None`.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.cells.iter().map(|(text, valid)| valid.then_some(text.as_str()))
    }
}

impl Cells {
    pub(super) fn new(schema: &Schema, zone: &str) -> Self {
        Self {
            types: schema.iter().map(|f| f.ty.clone()).collect(),
            options: EvalOptions {
                time_zone: zone.into(),
                ..EvalOptions::default()
            },
        }
    }

    /// Calls `f` with each row of a chunk.
    pub(super) fn for_each(&self, chunk: &Chunk, mut f: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let chunk = chunk.compact()?;
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        let columns = arrays
            .iter()
            .zip(&self.types)
            .map(|(a, ty)| ColumnFormatter::new(a, ty, Notation::Hive, &self.options))
            .collect::<Result<Vec<_>>>()?;
        let nulls: Vec<_> = arrays.iter().map(|a| a.logical_nulls()).collect();
        let mut row = Row {
            cells: vec![(String::new(), false); columns.len()],
        };
        for i in 0..chunk.len {
            for (((text, valid), column), nulls) in row.cells.iter_mut().zip(&columns).zip(&nulls) {
                text.clear();
                *valid = nulls.as_ref().is_none_or(|n| n.is_valid(i));
                if *valid {
                    column.push(i, text);
                }
            }
            f(&row)?;
        }
        Ok(())
    }
}
