//! Partitions of a table: SHOW PARTITIONS, and finding one by its values.

use std::path::{Path, PathBuf};

use rsql_ast::command::NameExpr;
use rsql_ast::{Expr, Ident};
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::{Literal, SqlType};

use super::insert::PartitionSpec;
use super::{relation, variable};
use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// `SHOW PARTITIONS t [PARTITION (…)]`
pub(super) fn run(cx: &StatementCx<'_>, name: &NameExpr, written: &[(Ident, Option<Expr>)]) -> Result<StatementOutput> {
    let table = relation::expect_table(cx, name, "SHOW PARTITIONS")?;
    if table.n_partition_columns == 0 {
        return Err(Error::user("INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY")
            .param("name", relation::table_name(&table)));
    }
    let spec = PartitionSpec::resolve(cx, &table, written)?;
    let columns = partition_columns(&table);
    let mut wanted = Vec::new();
    for (column, value) in columns.iter().zip(&spec.values) {
        wanted.push(match value {
            Some(value) => Some(rsql_exec::write::folder_of(
                std::slice::from_ref(column),
                std::slice::from_ref(value),
                &cx.options,
            )?),
            None => None,
        });
    }
    let mut folders = folders(&table)?;
    folders.retain(|f| {
        f.iter()
            .zip(&wanted)
            .all(|(part, want)| want.as_ref().is_none_or(|w| w.as_os_str() == part))
    });
    let mut out = TextTable::text(&["partition"]);
    for folder in folders {
        out.row([folder.display().to_string().into()]);
    }
    Ok(out.finish())
}

/// A table's partition columns.
pub(super) fn partition_columns(table: &TableEntry) -> &[rsql_catalog::SourceColumn] {
    &table.columns[table.columns.len() - table.n_partition_columns..]
}

/// Folders of all partitions, relative to the table's, sorted.
pub(super) fn folders(table: &TableEntry) -> Result<Vec<PathBuf>> {
    let root = rsql_storage::local_path(&table.location)?;
    let mut found = Vec::new();
    walk(&root, Path::new(""), table.n_partition_columns, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(root: &Path, at: &Path, levels: usize, out: &mut Vec<PathBuf>) -> Result<()> {
    if levels == 0 {
        out.push(at.to_path_buf());
        return Ok(());
    }
    let entries = match std::fs::read_dir(root.join(at)) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::from(e).in_file(root.join(at).display().to_string())),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() && name.to_string_lossy().contains('=') {
            walk(root, &at.join(name), levels - 1, out)?;
        }
    }
    Ok(())
}

/// The partition that values for all partition columns name: its folder below the table's, and the values.
pub(super) fn complete(
    cx: &StatementCx<'_>,
    table: &TableEntry,
    written: &[(Ident, Option<Expr>)],
) -> Result<(PathBuf, Vec<Literal>)> {
    let spec = PartitionSpec::resolve(cx, table, written)?;
    let values: Option<Vec<Literal>> = spec.values.into_iter().collect();
    let columns = partition_columns(table);
    match values {
        Some(values) => Ok((rsql_exec::write::folder_of(columns, &values, &cx.options)?, values)),
        None => {
            let names: Vec<&str> = columns.iter().map(|c| c.name.as_ref()).collect();
            let given: Vec<&str> = written.iter().map(|(k, _)| k.value.as_str()).collect();
            Err(Error::user("_LEGACY_ERROR_TEMP_1232")
                .param("specKeys", given.join(", "))
                .param("partitionColumnNames", names.join(", "))
                .param("tableName", relation::table_name(table)))
        }
    }
}

/// `column = value` of a partition, as Spark shows it.
pub(super) fn texts(cx: &StatementCx<'_>, table: &TableEntry, values: &[Literal]) -> Result<Vec<(String, String)>> {
    partition_columns(table)
        .iter()
        .zip(values)
        .map(|(c, v)| {
            let text = match variable::cast(cx, v.clone(), &SqlType::String)?.value.as_str() {
                Some(text) => text.to_string(),
                None => rsql_storage::listing::NULL_PARTITION.to_string(),
            };
            Ok((c.name.to_string(), text))
        })
        .collect()
}

/// An error about a partition of these values.
pub(super) fn partition_error(
    cx: &StatementCx<'_>,
    condition: &'static str,
    table: &TableEntry,
    values: &[Literal],
) -> Result<Error> {
    let pairs: Vec<String> = texts(cx, table, values)?
        .iter()
        .map(|(k, v)| format!("{} = {v}", quoted_name([k])))
        .collect();
    Ok(Error::user(condition)
        .param("partitionList", format!("PARTITION ({})", pairs.join(", ")))
        .param("tableName", quoted_name([&table.database, &table.name])))
}
