//! A result's cells as text, in the notation results print in.

use rsql_common::Result;
use rsql_engine::StatementOutput;
use rsql_expr::EvalOptions;
use rsql_expr::format::{ColumnFormatter, Notation};

/// Calls `f` with each row's cells; NULL is `None`.
pub(super) fn for_each(
    output: &StatementOutput,
    zone: &str,
    mut f: impl FnMut(&[Option<String>]) -> Result<()>,
) -> Result<()> {
    let options = EvalOptions {
        time_zone: zone.into(),
        ..EvalOptions::default()
    };
    for chunk in &output.chunks {
        let chunk = chunk.compact()?;
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        let columns = arrays
            .iter()
            .zip(output.schema.iter())
            .map(|(a, field)| ColumnFormatter::new(a, &field.ty, Notation::Hive, &options))
            .collect::<Result<Vec<_>>>()?;
        let nulls: Vec<_> = arrays.iter().map(|a| a.logical_nulls()).collect();
        let mut row: Vec<Option<String>> = vec![None; columns.len()];
        for i in 0..chunk.len {
            for ((cell, column), nulls) in row.iter_mut().zip(&columns).zip(&nulls) {
                *cell = nulls.as_ref().is_none_or(|n| n.is_valid(i)).then(|| {
                    let mut text = String::new();
                    column.push(i, &mut text);
                    text
                });
            }
            f(&row)?;
        }
    }
    Ok(())
}
