//! DESCRIBE.

use rsql_ast::command::Describe;
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// Describes what was asked for.
pub(crate) fn run(cx: &StatementCx<'_>, describe: &Describe) -> Result<StatementOutput> {
    match describe {
        Describe::Query(query) => {
            let analyzed = cx.analyze(|cx| rsql_analyzer::analyze_query(query, cx))?;
            let mut table = TextTable::text(&["col_name", "data_type", "comment"]);
            for f in analyzed.schema().iter() {
                table.row([f.name.as_ref().into(), f.ty.to_string().into(), None.into()]);
            }
            Ok(table.finish())
        }
        _ => Err(Error::unsupported("this form of DESCRIBE")),
    }
}
