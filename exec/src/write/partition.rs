//! Partition folders: `key=value` names of rows' partition values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_catalog::SourceColumn;
use rsql_common::Result;
use rsql_expr::{EvalMode, EvalOptions, Literal, SqlType};
use rsql_storage::listing::{NULL_PARTITION, escape};

/// Rows by folder.
pub(super) fn group(
    keys: &[ArrayRef],
    columns: &[SourceColumn],
    options: &EvalOptions,
) -> Result<BTreeMap<PathBuf, Vec<u32>>> {
    let texts = keys
        .iter()
        .zip(columns)
        .map(|(a, c)| text_of(a, &c.ty, options))
        .collect::<Result<Vec<_>>>()?;
    let names: Vec<String> = columns.iter().map(|c| escape(&c.name)).collect();
    let mut groups: BTreeMap<PathBuf, Vec<u32>> = BTreeMap::new();
    let rows = keys.first().map_or(0, |k| k.len());
    for row in 0..rows {
        let mut folder = PathBuf::new();
        for (name, text) in names.iter().zip(&texts) {
            let text = text.as_string_view();
            folder.push(folder_name(name, text.is_valid(row).then(|| text.value(row))));
        }
        groups.entry(folder).or_default().push(row as u32);
    }
    Ok(groups)
}

/// Folder of partition values, the first columns' alone if there are fewer.
pub fn folder_of(columns: &[SourceColumn], values: &[Literal], options: &EvalOptions) -> Result<PathBuf> {
    let mut folder = PathBuf::new();
    for (column, value) in columns.iter().zip(values) {
        let array = rsql_expr::eval::literal_array(value)?;
        let text = text_of(&array, &value.ty, options)?;
        let text = text.as_string_view();
        folder.push(folder_name(
            &escape(&column.name),
            text.is_valid(0).then(|| text.value(0)),
        ));
    }
    Ok(folder)
}

fn folder_name(name: &str, value: Option<&str>) -> String {
    match value {
        None | Some("") => format!("{name}={NULL_PARTITION}"),
        Some(value) => format!("{name}={}", escape(value)),
    }
}

fn text_of(array: &ArrayRef, ty: &SqlType, options: &EvalOptions) -> Result<ArrayRef> {
    if ty.is_string() {
        return Ok(std::sync::Arc::clone(array));
    }
    rsql_expr::cast::cast_array(array, ty, &SqlType::String, EvalMode::Ansi, options, Default::default())
}
