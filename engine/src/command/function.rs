//! CREATE FUNCTION, DROP FUNCTION.

use std::sync::Arc;

use rsql_analyzer::SqlFunction;
use rsql_ast::Span;
use rsql_ast::command::{CreateFunction, NameExpr};
use rsql_catalog::session::FunctionEntry;
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `CREATE FUNCTION`
pub(crate) fn create(_cx: &StatementCx<'_>, _create: &CreateFunction, _at: Span) -> Result<StatementOutput> {
    Err(Error::unsupported("CREATE FUNCTION"))
}

/// `DROP FUNCTION`
pub(crate) fn drop(
    _cx: &StatementCx<'_>,
    _name: &NameExpr,
    _temporary: bool,
    _if_exists: bool,
) -> Result<StatementOutput> {
    Err(Error::unsupported("DROP FUNCTION"))
}

/// The function an entry's text defines.
pub(crate) fn load(_cx: &StatementCx<'_>, entry: &FunctionEntry) -> Result<Arc<SqlFunction>> {
    Err(Error::unsupported(format!("the SQL function {}", entry.name)))
}
