//! CACHE TABLE, UNCACHE TABLE: names are checked; results are not kept.

use rsql_ast::Query;
use rsql_ast::command::NameExpr;
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `CACHE TABLE`
pub(crate) fn cache(_cx: &StatementCx<'_>, _name: &NameExpr, _query: Option<&Query>) -> Result<StatementOutput> {
    Err(Error::unsupported("CACHE TABLE"))
}

/// `UNCACHE TABLE`
pub(crate) fn uncache(_cx: &StatementCx<'_>, _name: &NameExpr, _if_exists: bool) -> Result<StatementOutput> {
    Err(Error::unsupported("UNCACHE TABLE"))
}
