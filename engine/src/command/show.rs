//! SHOW.

use rsql_ast::command::Show;
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// Shows what was asked for.
pub(crate) fn run(cx: &StatementCx<'_>, show: &Show) -> Result<StatementOutput> {
    match show {
        Show::CurrentDatabase => {
            let mut table = TextTable::text(&["catalog", "namespace"]);
            table.row([
                rsql_catalog::session::SPARK_CATALOG.into(),
                cx.state.catalog.current_database().as_ref().into(),
            ]);
            Ok(table.finish())
        }
        _ => Err(Error::unsupported("this form of SHOW")),
    }
}
