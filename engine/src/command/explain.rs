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
    let limit = cx.state.settings.usize("spark.sql.maxPlanStringLength")?;
    let mut table = TextTable::text(&["plan"]);
    table.row([cut(text, limit).into()]);
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

/// Room that a limit leaves for what is said in place of the rest, as in Spark.
const CUT_NOTE: usize = 30;

/// A plan's text with what goes beyond a limit of characters left out.
fn cut(text: String, limit: usize) -> String {
    let keep = limit.saturating_sub(CUT_NOTE);
    // No text has more characters than bytes.
    if text.len() < keep {
        return text;
    }
    let length = text.chars().count();
    match keep {
        0 => format!("Truncated plan of {length} characters"),
        _ if length < keep => text,
        _ => {
            let kept: String = text.chars().take(keep).collect();
            format!("{kept}... {} more characters", length - keep)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_plan_says_how_much_of_it_is_missing() {
        let plan = "== Physical Plan ==\n*(1) Range (0, 3, step=1, splits=2)\nß\n";
        for (limit, want) in [
            (10, "Truncated plan of 58 characters"),
            (30, "Truncated plan of 58 characters"),
            (40, "== Physica... 48 more characters"),
            (
                87,
                "== Physical Plan ==\n*(1) Range (0, 3, step=1, splits=2)\nß... 1 more characters",
            ),
            (89, plan),
            (2_147_483_632, plan),
        ] {
            assert_eq!(cut(plan.to_string(), limit), want, "{limit}");
        }
    }
}
