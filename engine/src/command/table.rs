//! CREATE TABLE, TRUNCATE, ANALYZE.

use rsql_ast::command::{CreateTable, NameExpr};
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `CREATE TABLE`
pub(crate) fn create(_cx: &StatementCx<'_>, _create: &CreateTable) -> Result<StatementOutput> {
    Err(Error::unsupported("CREATE TABLE"))
}

/// `TRUNCATE TABLE`
pub(crate) fn truncate(_cx: &StatementCx<'_>, _name: &NameExpr) -> Result<StatementOutput> {
    Err(Error::unsupported("TRUNCATE TABLE"))
}

/// `ANALYZE TABLE`
pub(crate) fn analyze(_cx: &StatementCx<'_>, _name: &NameExpr) -> Result<StatementOutput> {
    Err(Error::unsupported("ANALYZE TABLE"))
}

/// Removes a managed table's folder.
pub(super) fn remove_files(table: &TableEntry) -> Result<()> {
    let folder = table.location.strip_prefix("file:").unwrap_or(&table.location);
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::from(e).in_file(folder)),
        _ => Ok(()),
    }
}
