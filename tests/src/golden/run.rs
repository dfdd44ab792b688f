//! Runs the statements of a file and gives a verdict on each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rsql_common::{Error, Result};
use rsql_engine::{Session, StatementOutput};
use serde::Serialize;

use super::scene::{Scene, ZONE};
use super::{Case, Expected, GoldenFile};
use crate::text;

/// Longest time one statement may take.
const STATEMENT_LIMIT: Duration = Duration::from_secs(20);

/// What became of one statement.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// File.
    pub file: String,
    /// Position of the statement.
    pub index: usize,
    /// Text.
    pub sql: String,
    /// `rows`, `no_rows` or `error`: what Spark does.
    pub kind: &'static str,
    /// `equal`, `rows_equal` (another schema), `different`, `ran`, `same_condition`, `other_condition`, `accepted`,
    /// `failed`, `unsupported`.
    pub outcome: &'static str,
    /// Condition that Spark gives.
    pub expected_condition: Option<String>,
    /// What we gave instead: condition and message, schema, or rows.
    pub detail: Option<String>,
}

/// Runs a file in a session of its own; statements that do not count are run too, since later ones may need them.
pub fn run_file(scene: &Scene, file: &GoldenFile) -> Result<Vec<Verdict>> {
    let session = Arc::new(scene.session(file)?);
    let mut verdicts = Vec::new();
    for case in &file.cases {
        let outcome = run_statement(&session, &case.sql);
        if let Some(expected) = &case.expected
            && !is_explain(&case.sql)
        {
            verdicts.push(judge(file, case, expected, outcome));
        }
    }
    Ok(verdicts)
}

fn is_explain(sql: &str) -> bool {
    sql.trim_start()
        .get(..7)
        .is_some_and(|s| s.eq_ignore_ascii_case("explain"))
}

/// Runs a statement on a thread of its own, so that a hang or a panic is only this statement's verdict.
fn run_statement(session: &Arc<Session>, sql: &str) -> Result<StatementOutput> {
    let (send, receive) = channel();
    let (worker, text) = (Arc::clone(session), sql.to_string());
    let spawned = std::thread::Builder::new().stack_size(64 << 20).spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| worker.sql(&text)));
        let outcome = outcome.unwrap_or_else(|_| Err(Error::internal("the statement panicked")));
        // The receiver is gone after a timeout.
        let _ = send.send(outcome);
    });
    if let Err(e) = spawned {
        return Err(Error::from(e));
    }
    match receive.recv_timeout(STATEMENT_LIMIT) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => {
            session.cancel();
            Err(Error::internal("the statement took too long"))
        }
        Err(RecvTimeoutError::Disconnected) => Err(Error::internal("the statement's thread died")),
    }
}

fn judge(file: &GoldenFile, case: &Case, expected: &Expected, outcome: Result<StatementOutput>) -> Verdict {
    let verdict = |kind, outcome, expected_condition: Option<&str>, detail: Option<String>| Verdict {
        file: file.name.clone(),
        index: case.index,
        sql: case.sql.clone(),
        kind,
        outcome,
        expected_condition: expected_condition.map(str::to_string),
        detail,
    };
    let failure = |e: &Error| {
        let unsupported = e.condition() == "UNSUPPORTED_FEATURE.RSQL";
        (if unsupported { "unsupported" } else { "failed" }, Some(e.to_string()))
    };
    match expected {
        Expected::Rows => match &outcome {
            Ok(output) => match compare(case, output) {
                Ok((outcome, detail)) => verdict("rows", outcome, None, detail),
                Err(e) => verdict("rows", "failed", None, Some(e.to_string())),
            },
            Err(e) => {
                let (outcome, detail) = failure(e);
                verdict("rows", outcome, None, detail)
            }
        },
        Expected::NoRows => match &outcome {
            Ok(_) => verdict("no_rows", "ran", None, None),
            Err(e) => {
                let (outcome, detail) = failure(e);
                verdict("no_rows", outcome, None, detail)
            }
        },
        Expected::Error(condition) => match &outcome {
            Ok(_) => verdict("error", "accepted", Some(condition), None),
            Err(e) if e.condition() == condition => verdict("error", "same_condition", Some(condition), None),
            Err(e) => {
                let (outcome, detail) = failure(e);
                let outcome = if outcome == "unsupported" {
                    outcome
                } else {
                    "other_condition"
                };
                verdict("error", outcome, Some(condition), detail)
            }
        },
    }
}

/// Rows count as Spark's runner counts them: in order if the query sorts at its top, else as a multiset.
fn compare(case: &Case, output: &StatementOutput) -> Result<(&'static str, Option<String>)> {
    let rows: Vec<String> = text::hive_rows(output, ZONE)?.iter().map(|r| without_ids(r)).collect();
    let in_order = rows.join("\n").trim_end().to_string();
    let mut sorted = rows;
    sorted.sort_unstable();
    let sorted = sorted.join("\n");
    let equal = in_order == case.output
        || !sorts(&case.sql)
            && (sorted_lines(&in_order) == sorted_lines(&case.output)
                || sorted_lines(sorted.trim_end()) == sorted_lines(&case.output));
    if !equal {
        return Ok(("different", Some(format!("{in_order}\n-- expected\n{}", case.output))));
    }
    let schema = output.schema.simple_string();
    if schema == case.schema {
        Ok(("equal", None))
    } else {
        Ok(("rows_equal", Some(format!("{schema}\n{}", case.schema))))
    }
}

/// Spark's runner replaces the ids of expressions, and whatever else looks like one: `#12` becomes `#x`.
fn without_ids(row: &str) -> String {
    let mut out = String::with_capacity(row.len());
    let mut rest = row;
    while let Some((before, after)) = rest.split_once('#') {
        out.push_str(before);
        out.push('#');
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() < after.len() {
            out.push('x');
        }
    }
    out.push_str(rest);
    out
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.sort_unstable();
    lines
}

fn sorts(sql: &str) -> bool {
    let Ok(parsed) = rsql_sql::parse_statement(sql, &rsql_sql::ParseOptions::default()) else {
        return false;
    };
    match parsed.kind {
        rsql_ast::StatementKind::Query(q) => !q.order_by.is_empty(),
        _ => false,
    }
}
