//! Spark's function examples: value, type and name of each.

use std::path::Path;

use rsql_common::{Error, Result};
use rsql_engine::Session;
use rsql_expr::format::Notation;
use serde::{Deserialize, Serialize};

use crate::text;

/// One example with Spark's answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Example {
    /// Function it belongs to.
    pub function: String,
    /// Statement.
    pub sql: String,
    /// Schema string, column names included.
    #[serde(default)]
    pub schema: String,
    /// Values cast to text; null as null.
    #[serde(default)]
    pub rows: Vec<Vec<Option<String>>>,
    /// Condition, where Spark refuses it.
    pub error: Option<String>,
}

/// What became of an example.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Function.
    pub function: String,
    /// Statement.
    pub sql: String,
    /// Value, type and name are Spark's.
    pub equal: bool,
    /// What differs.
    pub detail: String,
}

/// Functions whose values differ from run to run: only schemas are compared.
const VOLATILE: [&str; 24] = [
    "rand",
    "random",
    "randn",
    "randstr",
    "uniform",
    "uuid",
    "shuffle",
    "now",
    "version",
    "current_catalog",
    "current_database",
    "current_schema",
    "current_date",
    "curdate",
    "current_time",
    "current_timestamp",
    "localtimestamp",
    "current_user",
    "user",
    "session_user",
    "current_timezone",
    "current_path",
    "input_file_name",
    "unix_timestamp",
];

/// Reads examples, one JSON object a line.
pub fn read(path: &Path) -> Result<Vec<Example>> {
    std::fs::read_to_string(path)?
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(|l| serde_json::from_str(l).map_err(|e| Error::internal(e.to_string())))
        .collect()
}

/// Runs one example.
pub fn run(session: &Session, example: &Example) -> Outcome {
    let detail = difference(session, example).unwrap_or_else(|e| Some(e.to_string()));
    Outcome {
        function: example.function.clone(),
        sql: example.sql.clone(),
        equal: detail.is_none(),
        detail: detail.unwrap_or_default(),
    }
}

fn difference(session: &Session, example: &Example) -> Result<Option<String>> {
    let outcome = session.sql(&example.sql);
    if let Some(condition) = &example.error {
        return Ok(match outcome {
            Err(e) if e.condition() == condition => None,
            Err(e) => Some(format!("expected {condition}, got {e}")),
            Ok(_) => Some(format!("expected {condition}, got rows")),
        });
    }
    let output = outcome?;
    let schema = output.schema.simple_string();
    if schema != example.schema {
        return Ok(Some(format!("{schema} expected {}", example.schema)));
    }
    if VOLATILE.contains(&example.function.as_str()) {
        return Ok(None);
    }
    let rows = text::cells(&output, Notation::Cast, "UTC")?;
    Ok((rows != example.rows).then(|| format!("{rows:?} expected {:?}", example.rows)))
}
