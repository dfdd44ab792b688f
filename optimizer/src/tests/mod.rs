//! SQL in, plan out.

mod collations;
mod rules;
mod scans;
mod shared_scans;
mod tables;
mod tpch;

use std::collections::HashMap;
use std::sync::Arc;

use rsql_analyzer::{AnalyzerContext, analyze_query};
use rsql_common::Settings;
use rsql_common::ids::IdGen;
use rsql_expr::{EvalOptions, FunctionRegistry};
use rsql_planner::{LogicalPlan, PhysicalPlan, explain_logical, explain_physical, lower};

use crate::{Optimized, OptimizerContext, optimize};

/// A context with these settings.
fn context(settings: &[(&str, &str)]) -> OptimizerContext {
    static REGISTRY: std::sync::LazyLock<Arc<FunctionRegistry>> = std::sync::LazyLock::new(rsql_functions::registry);
    let settings = settings
        .iter()
        .fold(Settings::default(), |s, (k, v)| s.with(k, v).unwrap());
    OptimizerContext {
        registry: Arc::clone(&REGISTRY),
        settings: Arc::new(settings),
        ids: Arc::new(IdGen::default()),
        options: Arc::new(EvalOptions::default()),
    }
}

/// The analyzed plan of a query.
fn analyzed(sql: &str, cx: &OptimizerContext) -> LogicalPlan {
    let statement = rsql_sql::parse_statement(sql, &rsql_sql::ParseOptions::default()).unwrap();
    let rsql_ast::StatementKind::Query(query) = &statement.kind else {
        panic!("{sql} is no query");
    };
    let analyzer = AnalyzerContext {
        options: Arc::clone(&cx.options),
        settings: Arc::clone(&cx.settings),
        registry: Arc::clone(&cx.registry),
        ids: Arc::clone(&cx.ids),
        resolver: &tables::Tables,
        positional: Arc::from([]),
        named: Arc::new(HashMap::new()),
        char_columns: Arc::default(),
    };
    analyze_query(query, &analyzer).unwrap_or_else(|e| panic!("{sql}: {}", e.message()))
}

fn optimized_with(sql: &str, settings: &[(&str, &str)]) -> (Optimized, OptimizerContext) {
    let cx = context(settings);
    let plan = analyzed(sql, &cx);
    let text = explain_logical(&plan);
    let optimized = optimize(plan, &cx).unwrap_or_else(|e| panic!("{sql}: {}\nanalyzed:\n{text}", e.message()));
    (optimized, cx)
}

/// The optimized plan's text, with ids left out.
fn plan_of(sql: &str) -> String {
    without_ids(&explain_logical(&optimized_with(sql, &[]).0.plan))
}

/// `a#12` as `a`.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '#' && chars.peek().is_some_and(char::is_ascii_digit) {
            while chars.peek().is_some_and(char::is_ascii_digit) {
                chars.next();
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The physical plan and its text.
fn physical(sql: &str, settings: &[(&str, &str)]) -> (PhysicalPlan, String) {
    let (optimized, cx) = optimized_with(sql, settings);
    let plan = lower(&optimized.plan, &optimized.estimates, &cx.ids)
        .unwrap_or_else(|e| panic!("{sql}: {}\n{}", e.message(), explain_logical(&optimized.plan)));
    let text = explain_physical(&plan);
    (plan, text)
}

/// Checks the plan of `sql`.
#[track_caller]
fn check(sql: &str, plan: &str) {
    let wanted: Vec<&str> = plan
        .lines()
        .map(str::trim_end)
        .filter(|l| !l.trim().is_empty())
        .collect();
    let indent = wanted.first().map_or(0, |l| l.len() - l.trim_start().len());
    let wanted: Vec<&str> = wanted.iter().map(|l| l.get(indent..).unwrap_or("")).collect();
    let actual = plan_of(sql);
    assert_eq!(actual.trim_end(), wanted.join("\n"), "\n{sql}\nis\n{actual}");
}
