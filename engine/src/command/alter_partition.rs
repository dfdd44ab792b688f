//! ALTER TABLE … ADD | DROP PARTITION: partitions are folders.

use rsql_ast::{Expr, Ident};
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result};

use super::insert::PartitionSpec;
use super::relation;
use super::show_partitions::{complete, folders, partition_columns, partition_error};
use crate::query::StatementCx;

type Spec = Vec<(Ident, Option<Expr>)>;

/// Makes the partitions' folders.
pub(super) fn add(
    cx: &StatementCx<'_>,
    table: &TableEntry,
    partitions: &[(Spec, Option<String>)],
    if_not_exists: bool,
) -> Result<()> {
    check_partitioned(table)?;
    let root = rsql_storage::local_path(&table.location)?;
    let mut new = Vec::new();
    for (spec, location) in partitions {
        if location.is_some() {
            return Err(Error::unsupported("ADD PARTITION … LOCATION"));
        }
        let (folder, values) = complete(cx, table, spec)?;
        let folder = root.join(folder);
        if folder.exists() && !if_not_exists {
            return Err(partition_error(cx, "PARTITIONS_ALREADY_EXIST", table, &values)?);
        }
        new.push(folder);
    }
    for folder in new {
        std::fs::create_dir_all(&folder).map_err(|e| Error::from(e).in_file(folder.display().to_string()))?;
    }
    Ok(())
}

/// Removes the partitions' folders; a part of the values names all partitions that have them.
pub(super) fn drop(cx: &StatementCx<'_>, table: &TableEntry, partitions: &[Spec], if_exists: bool) -> Result<()> {
    check_partitioned(table)?;
    let root = rsql_storage::local_path(&table.location)?;
    rsql_exec::write::settle(&root)?;
    let all = folders(table)?;
    let mut gone = Vec::new();
    for written in partitions {
        let spec = PartitionSpec::resolve(cx, table, written)?;
        let mut wanted = Vec::new();
        for (column, value) in partition_columns(table).iter().zip(&spec.values) {
            wanted.push(match value {
                Some(v) => Some(rsql_exec::write::folder_of(
                    std::slice::from_ref(column),
                    std::slice::from_ref(v),
                    &cx.options,
                )?),
                None => None,
            });
        }
        let found: Vec<_> = all
            .iter()
            .filter(|f| {
                f.iter()
                    .zip(&wanted)
                    .all(|(part, want)| want.as_ref().is_none_or(|w| w.as_os_str() == part))
            })
            .cloned()
            .collect();
        if found.is_empty() && !if_exists {
            let given: Vec<_> = spec.values.into_iter().flatten().collect();
            return Err(partition_error(cx, "PARTITIONS_NOT_FOUND", table, &given)?);
        }
        gone.extend(found);
    }
    for folder in gone {
        let folder = root.join(folder);
        std::fs::remove_dir_all(&folder).map_err(|e| Error::from(e).in_file(folder.display().to_string()))?;
    }
    Ok(())
}

fn check_partitioned(table: &TableEntry) -> Result<()> {
    if table.n_partition_columns > 0 {
        return Ok(());
    }
    Err(Error::user("INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY").param("name", relation::table_name(table)))
}
