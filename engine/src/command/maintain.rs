//! TRUNCATE TABLE and ANALYZE TABLE.

use std::path::PathBuf;

use rsql_ast::command::NameExpr;
use rsql_ast::{Expr, Ident};
use rsql_common::{Error, Result, quoted_name};

use super::insert::PartitionSpec;
use super::relation::{self, Found};
use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `TRUNCATE TABLE [PARTITION (…)]`
pub(crate) fn truncate(
    cx: &StatementCx<'_>,
    name: &NameExpr,
    partition: &[(Ident, Option<Expr>)],
) -> Result<StatementOutput> {
    let table = relation::expect_table(cx, name, "TRUNCATE TABLE")?;
    let shown = relation::table_name(&table);
    if table.external {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1266").param("tableIdentWithDB", shown));
    }
    let mut below = PathBuf::new();
    if !partition.is_empty() {
        if table.n_partition_columns == 0 {
            return Err(Error::user("_LEGACY_ERROR_TEMP_1267").param("tableIdentWithDB", shown));
        }
        let spec = PartitionSpec::resolve(cx, &table, partition)?;
        below = spec.prefix_folder(cx, &table)?;
    }
    rsql_exec::write::truncate(&rsql_storage::local_path(&table.location)?, &below)?;
    Ok(StatementOutput::none())
}

/// `ANALYZE TABLE`: statistics come from the files' footers, so this only checks the names.
pub(crate) fn analyze(cx: &StatementCx<'_>, name: &NameExpr, columns: &[Ident]) -> Result<StatementOutput> {
    let (parts, found) = relation::expect(cx, name)?;
    if let Found::View(view) = &found {
        if view.scope != rsql_catalog::session::ViewScope::Permanent {
            return Ok(StatementOutput::none());
        }
        return Err(Error::user("UNSUPPORTED_FEATURE.ANALYZE_VIEW"));
    }
    for column in columns {
        if !found
            .columns()
            .iter()
            .any(|(n, ..)| n.eq_ignore_ascii_case(&column.value))
        {
            return Err(Error::user("COLUMN_NOT_FOUND")
                .param("colName", quoted_name([&column.value]))
                .param("caseSensitiveConfig", "\"spark.sql.caseSensitive\"")
                .param("tableName", quoted_name(&parts)));
        }
    }
    Ok(StatementOutput::none())
}
