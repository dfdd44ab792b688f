//! EXPLAIN in its modes.

use rsql_ast::command::{ExplainMode, StatementKind};
use rsql_ast::{Query, Statement};
use rsql_common::{Error, Result};

use crate::query::{PlannedQuery, StatementCx};
use crate::result::{StatementOutput, TextTable};

/// Plans (with ANALYZE also runs) a query and shows how. Of a command, the query it holds is explained.
pub(crate) fn run(cx: &StatementCx<'_>, mode: ExplainMode, statement: &Statement) -> Result<StatementOutput> {
    let text = match (query_of(&statement.kind), command_name(&statement.kind)) {
        (None, name) => format!("== Physical Plan ==\nExecute {name}\n"),
        (Some(query), "") => explain(cx, mode, statement, query)?,
        (Some(query), name) if mode != ExplainMode::Analyze => {
            let planned = cx.plan(query)?;
            let child = physical(cx, &planned)?;
            format!("== Physical Plan ==\nExecute {name}\n{}", indented(&child))
        }
        (Some(_), name) => return Err(Error::unsupported(format!("EXPLAIN ANALYZE of {name}")).at(statement.span)),
    };
    let mut table = TextTable::text(&["plan"]);
    table.row([text.into()]);
    Ok(table.finish())
}

fn explain(cx: &StatementCx<'_>, mode: ExplainMode, statement: &Statement, query: &Query) -> Result<String> {
    let planned = cx.plan(query)?;
    Ok(match mode {
        ExplainMode::Simple | ExplainMode::Formatted => {
            format!("== Physical Plan ==\n{}", physical(cx, &planned)?)
        }
        ExplainMode::Extended => {
            let written = statement.span.text(cx.text).trim();
            format!("== Parsed Logical Plan ==\n{written}\n\n{}", plans(cx, &planned)?)
        }
        ExplainMode::Cost => format!(
            "== Optimized Logical Plan ==\n{}\n== Physical Plan ==\n{}",
            rsql_planner::explain_logical(&planned.optimized),
            physical(cx, &planned)?
        ),
        ExplainMode::Codegen => return Err(Error::unsupported("EXPLAIN CODEGEN").at(statement.span)),
        ExplainMode::Analyze => super::analyze::analyze(cx, &planned)?,
    })
}

/// The plan as it runs: on a cluster its stages.
fn physical(cx: &StatementCx<'_>, planned: &PlannedQuery) -> Result<String> {
    let stages = cx.session.shared.runner.stages(&planned.physical, &cx.state.settings)?;
    Ok(match stages {
        Some(graph) => rsql_planner::explain_stages(&graph),
        None => rsql_planner::explain_physical(&planned.physical),
    })
}

fn plans(cx: &StatementCx<'_>, planned: &PlannedQuery) -> Result<String> {
    let columns: Vec<String> = planned.schema.iter().map(|f| format!("{}: {}", f.name, f.ty)).collect();
    Ok(format!(
        "== Analyzed Logical Plan ==\n{}\n{}\n== Optimized Logical Plan ==\n{}\n== Physical Plan ==\n{}",
        columns.join(", "),
        rsql_planner::explain_logical(&planned.analyzed),
        rsql_planner::explain_logical(&planned.optimized),
        physical(cx, planned)?
    ))
}

fn indented(text: &str) -> String {
    text.lines().map(|l| format!("  {l}\n")).collect()
}

/// The query that a statement runs or stores.
fn query_of(kind: &StatementKind) -> Option<&Query> {
    match kind {
        StatementKind::Query(query) => Some(query),
        StatementKind::Insert(insert) => Some(&insert.query),
        StatementKind::CreateTable(create) => create.query.as_deref(),
        StatementKind::CreateView { query, .. } => Some(query),
        _ => None,
    }
}

/// What the statement does, in one word or two; nothing for a query.
fn command_name(kind: &StatementKind) -> &'static str {
    use StatementKind as K;
    match kind {
        K::Query(_) => "",
        K::Insert(_) | K::MultiInsert(_) => "InsertIntoTable",
        K::CreateTable(create) if create.query.is_some() => "CreateTableAsSelect",
        K::CreateTable(_) => "CreateTable",
        K::CreateView { .. } | K::CreateViewUsing { .. } => "CreateView",
        K::Drop { .. } => "DropTable",
        K::Describe(_) => "Describe",
        K::Show(_) => "Show",
        K::AlterTable(_) => "AlterTable",
        _ => "Command",
    }
}
