//! Commands of a session over folders that end with the test.

mod analyze;
mod pruning;
mod tables;
mod views;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use rsql_engine::Session;

/// Rows of a statement, cells joined by `|`; `!CONDITION` for an error; `ok` without a result.
fn answer(session: &Session, sql: &str) -> Vec<String> {
    let output = match session.sql(sql) {
        Ok(output) => output,
        Err(e) => return vec![format!("!{}", e.condition())],
    };
    if output.schema.is_empty() {
        return vec!["ok".into()];
    }
    let options = FormatOptions::new().with_null("NULL");
    let mut rows = Vec::new();
    let batches = match output.record_batches() {
        Ok(batches) => batches,
        Err(e) => return vec![format!("!{e}")],
    };
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .filter_map(|c| ArrayFormatter::try_new(c.as_ref(), &options).ok())
            .collect();
        assert_eq!(columns.len(), batch.num_columns(), "{sql}");
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            rows.push(cells.join("|"));
        }
    }
    rows
}

/// Runs statements in order and compares each answer; rows are separated by `; `.
fn check(session: &Session, script: &[(&str, &str)]) {
    for (sql, want) in script {
        assert_eq!(answer(session, sql).join("; "), *want, "{sql}");
    }
}
