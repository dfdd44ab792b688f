//! ALTER TABLE, ALTER VIEW, COMMENT ON TABLE.

use rsql_ast::command::{AlterTable, NameExpr};
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `ALTER TABLE | VIEW`
pub(crate) fn run(_cx: &StatementCx<'_>, _alter: &AlterTable) -> Result<StatementOutput> {
    Err(Error::unsupported("ALTER TABLE"))
}

/// `COMMENT ON TABLE`
pub(crate) fn comment(_cx: &StatementCx<'_>, _name: &NameExpr, _comment: Option<&str>) -> Result<StatementOutput> {
    Err(Error::unsupported("COMMENT ON TABLE"))
}
