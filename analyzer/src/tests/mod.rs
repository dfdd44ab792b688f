//! Tests of analysis as a whole, on SQL text over a small in-memory catalog.

mod canonical;
mod catalog;
mod errors;
mod examples;
mod golden;
mod hints;
mod names;
// One place for all crates; a dependency on the tests' crate would run in a circle.
#[path = "../../../tests/src/spark_files.rs"]
mod spark_files;
mod tpch;

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::ids::IdGen;
use rsql_common::{Result, Settings};
use rsql_expr::EvalOptions;
use rsql_planner::LogicalPlan;
use rsql_sql::ParseOptions;

use crate::AnalyzerContext;
use catalog::Catalog;

/// A context over `catalog` under `settings`.
fn context<'a>(catalog: &'a Catalog, settings: &Settings) -> AnalyzerContext<'a> {
    let options = EvalOptions {
        ansi: settings.ansi(),
        time_zone: settings.time_zone().into(),
        now_micros: 1_700_000_000_000_000,
        decimal_precision_loss: settings.bool("spark.sql.decimalOperations.allowPrecisionLoss"),
        timestamp_is_ntz: settings.get("spark.sql.timestampType") == Some("TIMESTAMP_NTZ"),
        ..EvalOptions::default()
    };
    AnalyzerContext {
        options: Arc::new(options),
        settings: Arc::new(settings.clone()),
        registry: rsql_functions::registry(),
        ids: Arc::new(IdGen::default()),
        resolver: catalog,
        positional: Arc::new([]),
        named: Arc::new(HashMap::new()),
        char_columns: Arc::default(),
    }
}

fn parse(sql: &str, settings: &Settings) -> Result<rsql_ast::Query> {
    let options = ParseOptions {
        ansi: settings.ansi(),
        ..ParseOptions::default()
    };
    match rsql_sql::parse_statement(sql, &options)?.kind {
        rsql_ast::StatementKind::Query(q) => Ok(*q),
        other => Err(rsql_common::Error::unsupported(
            format!("{other:?}").chars().take(20).collect::<String>(),
        )),
    }
}

/// Analyzes a query.
fn analyze(sql: &str, catalog: &Catalog) -> Result<LogicalPlan> {
    let settings = Settings::default();
    crate::analyze_query(&parse(sql, &settings)?, &context(catalog, &settings))
}
