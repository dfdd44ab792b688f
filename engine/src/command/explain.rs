//! EXPLAIN in its modes.

use rsql_ast::command::{ExplainMode, StatementKind};
use rsql_common::{Error, Result};

use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// Plans (with ANALYZE also runs) a query and shows how.
pub(crate) fn run(cx: &StatementCx<'_>, mode: ExplainMode, statement: &rsql_ast::Statement) -> Result<StatementOutput> {
    let StatementKind::Query(query) = &statement.kind else {
        return Err(Error::unsupported("EXPLAIN of a command").at(statement.span));
    };
    let planned = cx.plan(query)?;
    let physical = rsql_planner::explain_physical(&planned.physical);
    let text = match mode {
        ExplainMode::Extended | ExplainMode::Cost => format!(
            "== Analyzed Logical Plan ==\n{}\n== Optimized Logical Plan ==\n{}\n== Physical Plan ==\n{physical}",
            rsql_planner::explain_logical(&planned.analyzed),
            rsql_planner::explain_logical(&planned.optimized),
        ),
        _ => format!("== Physical Plan ==\n{physical}"),
    };
    let mut table = TextTable::text(&["plan"]);
    table.row([text.into()]);
    Ok(table.finish())
}
