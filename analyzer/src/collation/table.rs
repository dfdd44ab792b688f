//! `collations()`: every collation as a row.

use std::sync::Arc;

use rsql_ast::expr::FunctionCall;
use rsql_common::{Error, Result, Span};
use rsql_expr::types::ICU_VERSION;
use rsql_expr::{Collation, Expr, Field, Literal, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Values;

use crate::env::Env;
use crate::scope::Rel;

/// Columns of `collations()`.
pub const COLLATION_COLUMNS: [&str; 9] = [
    "CATALOG",
    "SCHEMA",
    "NAME",
    "LANGUAGE",
    "COUNTRY",
    "ACCENT_SENSITIVITY",
    "CASE_SENSITIVITY",
    "PAD_ATTRIBUTE",
    "ICU_VERSION",
];

/// Columns that are never NULL: catalog, schema, name, sensitivities, padding.
const NULLABLE: [usize; 3] = [3, 4, 8];

/// Rows of `collations()`.
pub fn collation_rows() -> impl Iterator<Item = [Option<String>; 9]> {
    Collation::all().into_iter().map(|c| {
        let sensitivity = |what: &str, sensitive: bool| {
            let word = if sensitive { "SENSITIVE" } else { "INSENSITIVE" };
            Some(format!("{what}_{word}"))
        };
        let (language, country) = c.region();
        [
            Some("SYSTEM".to_string()),
            Some("BUILTIN".to_string()),
            Some(c.to_string()),
            language.map(str::to_string),
            country.map(str::to_string),
            sensitivity("ACCENT", !c.accent_insensitive()),
            sensitivity("CASE", !c.case_insensitive() && !c.is_lcase_family()),
            Some(if c.rtrim() { "RTRIM" } else { "NO_PAD" }.to_string()),
            c.is_icu().then(|| ICU_VERSION.to_string()),
        ]
    })
}

/// The relation of a call in FROM.
pub(crate) fn relation(call: &FunctionCall, span: Span, env: Env<'_>) -> Result<Rel> {
    if !call.args.is_empty() {
        return Err(Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
            .param("functionName", "`collations`")
            .param("expectedNum", "0")
            .param("actualNum", call.args.len().to_string())
            .at(span));
    }
    let fields = COLLATION_COLUMNS.iter().enumerate().map(|(i, name)| Field {
        id: env.id(),
        name: Arc::from(*name),
        ty: SqlType::String,
        nullable: NULLABLE.contains(&i),
    });
    let rows = collation_rows().map(|row| {
        row.into_iter()
            .map(|cell| Expr::lit(cell.map_or_else(|| Literal::null(SqlType::String), Literal::string)))
            .collect()
    });
    let plan = LogicalPlan::Values(Values {
        rows: rows.collect(),
        schema: Schema::new(fields),
    });
    Ok(Rel::new(plan, &["collations".into()]))
}
