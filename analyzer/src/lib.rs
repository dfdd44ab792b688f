//! The unresolved tree to a typed logical plan: the only name resolution, coercion and column naming.

pub mod context;

pub use context::{AnalyzerContext, ResolvedRelation, Resolver, SqlFunction, ViewDefinition};

use rsql_ast as ast;
use rsql_common::{Error, Result};
use rsql_expr::{Expr, SqlType};
use rsql_planner::LogicalPlan;

/// The typed plan of a query. Its schema has Spark's column names and types.
pub fn analyze_query(_query: &ast::Query, _cx: &AnalyzerContext<'_>) -> Result<LogicalPlan> {
    Err(Error::unsupported("queries"))
}

/// A typed expression without columns in scope: option values, defaults, LIMIT, SET VAR.
pub fn analyze_expression(_expr: &ast::Expr, _cx: &AnalyzerContext<'_>) -> Result<Expr> {
    Err(Error::unsupported("expressions"))
}

/// The type a written type names.
pub fn resolve_type(_ty: &ast::TypeExpr, _cx: &AnalyzerContext<'_>) -> Result<SqlType> {
    Err(Error::unsupported("types"))
}

/// Fits a query's columns to a table's (store assignment), by position or by name. Columns are name, type and
/// nullability.
pub fn cast_for_insert(
    _plan: LogicalPlan,
    _table: &str,
    _target: &[(String, SqlType, bool)],
    _by_name: bool,
    _cx: &AnalyzerContext<'_>,
) -> Result<LogicalPlan> {
    Err(Error::unsupported("INSERT"))
}
