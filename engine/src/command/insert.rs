//! INSERT.

use rsql_ast::command::Insert;
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `INSERT INTO | OVERWRITE`
pub(crate) fn run(_cx: &StatementCx<'_>, _insert: &Insert) -> Result<StatementOutput> {
    Err(Error::unsupported("INSERT"))
}
