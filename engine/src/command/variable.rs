//! Session variables and EXECUTE IMMEDIATE.

use rsql_ast::command::{NameExpr, StatementKind};
use rsql_ast::{Expr, ObjectName, Query};
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `SET VAR`
pub(crate) fn set(
    _cx: &StatementCx<'_>,
    _assignments: &[(ObjectName, Expr)],
    _query: Option<&Query>,
) -> Result<StatementOutput> {
    Err(Error::unsupported("SET VARIABLE"))
}

/// `DECLARE VARIABLE`
pub(crate) fn declare(_cx: &StatementCx<'_>, _kind: &StatementKind) -> Result<StatementOutput> {
    Err(Error::unsupported("DECLARE VARIABLE"))
}

/// `DROP TEMPORARY VARIABLE`
pub(crate) fn drop(_cx: &StatementCx<'_>, _name: &NameExpr, _if_exists: bool) -> Result<StatementOutput> {
    Err(Error::unsupported("DROP TEMPORARY VARIABLE"))
}

/// `EXECUTE IMMEDIATE`
pub(crate) fn execute_immediate(
    _cx: &StatementCx<'_>,
    _sql: &Expr,
    _into: &[ObjectName],
    _using: &[Expr],
) -> Result<StatementOutput> {
    Err(Error::unsupported("EXECUTE IMMEDIATE"))
}
