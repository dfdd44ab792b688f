//! The unresolved tree to a typed logical plan: the only name resolution, coercion and column naming.
//!
//! Reading order: [`context`] (what analysis looks at), `env` and `scope` (where a query stands and what names mean
//! there), `query` and `select` (clauses in their order), `expr` (expressions), `collected` (what expressions leave for
//! plan nodes), `naming` (names of unnamed columns). Each clause has its own file.

mod canonical;
mod char_padding;
mod collation;
mod collected;
pub mod context;
mod correlation;
mod cte;
mod env;
mod expr;
mod filter;
mod generate;
mod grouping;
mod grouping_sets;
mod hint;
mod insert;
mod join;
mod naming;
mod order;
mod pipe;
mod pivot;
mod project;
mod query;
mod recursive_cte;
mod relation;
mod rewrite;
mod sample;
mod scope;
mod select;
mod select_list;
mod session_window;
mod set_op;
mod star;
mod suggestion;
mod table_function;
mod time_type;
mod time_window;
mod types;
mod unpivot;
mod values;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use char_padding::CharColumns;
pub use collation::{COLLATION_COLUMNS, collation_rows};
pub use context::{AnalyzerContext, ResolvedRelation, Resolver, SqlFunction, ViewDefinition};

use rsql_ast as ast;
use rsql_common::{Error, Result};
use rsql_expr::{Collation, Expr, SqlType};
use rsql_planner::LogicalPlan;

use collected::Collected;
use env::Env;
use expr::{Allow, Binder};
use scope::Scope;

/// The typed plan of a query. Its schema has Spark's column names and types.
pub fn analyze_query(query: &ast::Query, cx: &AnalyzerContext<'_>) -> Result<LogicalPlan> {
    let plan = hint::eliminate(query::analyze(query, Env::root(cx))?)?;
    time_type::check(&plan, cx)?;
    Ok(plan)
}

/// A typed expression without columns in scope: option values, defaults, LIMIT, SET VAR.
pub fn analyze_expression(expr: &ast::Expr, cx: &AnalyzerContext<'_>) -> Result<Expr> {
    let scope = Scope::default();
    let mut out = Collected::default();
    let bound = Binder::new(Env::root(cx), &scope, Allow::rows("an expression"), &mut out).expr(expr)?;
    if out.subqueries.is_empty() {
        Ok(bound)
    } else {
        Err(Error::unsupported("a subquery in an expression outside of a query").at(expr.span))
    }
}

/// The collation that a name in DEFAULT COLLATION says.
pub fn resolve_collation(name: &ast::Ident) -> Result<Collation> {
    collation::named(&[name.value.as_str()], name.span)
}

/// The type a written type names.
pub fn resolve_type(ty: &ast::TypeExpr, cx: &AnalyzerContext<'_>) -> Result<SqlType> {
    types::resolve(ty, cx)
}

/// Fits a query's columns to a table's (store assignment), by position or by name. Columns are name, type and
/// nullability.
pub fn cast_for_insert(
    plan: LogicalPlan,
    table: &str,
    target: &[(String, SqlType, bool)],
    by_name: bool,
    cx: &AnalyzerContext<'_>,
) -> Result<LogicalPlan> {
    insert::fit(plan, table, target, by_name, cx)
}
