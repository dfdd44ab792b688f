//! The table or view a command names, and Spark's errors for a missing one or the wrong kind.

use std::sync::Arc;

use rsql_ast::command::NameExpr;
use rsql_catalog::session::{GLOBAL_TEMP, Relation, SPARK_CATALOG, TableEntry, ViewEntry, ViewScope};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::Collation;

use super::name;
use crate::query::StatementCx;

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// A table.
    Table(Arc<TableEntry>),
    /// A view of any scope.
    View(Arc<ViewEntry>),
}

impl Found {
    /// Output columns: name, type, comment.
    pub(super) fn columns(&self) -> Vec<(String, rsql_expr::SqlType, Option<String>)> {
        match self {
            Found::Table(t) => t
                .columns
                .iter()
                .zip(&t.column_comments)
                .map(|(c, comment)| (c.name.to_string(), c.ty.clone(), comment.clone()))
                .collect(),
            Found::View(v) => v.columns.clone(),
        }
    }
}

/// The relation of a name; temporary views come first.
pub(super) fn find(cx: &StatementCx<'_>, parts: &[String]) -> Option<Found> {
    match parts {
        [one] | [.., one] if parts.len() == 1 || is_session(parts) => {
            if let Some(view) = cx.state.catalog.temporary_view(one) {
                return Some(Found::View(Arc::clone(view)));
            }
        }
        [database, one] if database.eq_ignore_ascii_case(GLOBAL_TEMP) => {
            let views = cx.session.shared.global_views.read();
            return views
                .iter()
                .find(|v| v.name.eq_ignore_ascii_case(one))
                .cloned()
                .map(Found::View);
        }
        _ => {}
    }
    match cx.state.catalog.find(parts)? {
        Relation::Table(t) => Some(Found::Table(Arc::clone(t))),
        Relation::View(v) => Some(Found::View(Arc::clone(v))),
    }
}

fn is_session(parts: &[String]) -> bool {
    match parts {
        [schema, _] => schema.eq_ignore_ascii_case("session"),
        [system, schema, _] => system.eq_ignore_ascii_case("system") && schema.eq_ignore_ascii_case("session"),
        _ => false,
    }
}

/// The relation a command names; an error if there is none.
pub(super) fn expect(cx: &StatementCx<'_>, name: &NameExpr) -> Result<(Vec<String>, Found)> {
    let parts = name::parts(cx, name)?;
    match find(cx, &parts) {
        Some(found) => Ok((parts, found)),
        None => {
            cx.state.catalog.qualify(&parts)?;
            Err(not_found(cx, &parts).at(span(name)))
        }
    }
}

/// The table a command names; views are refused for `operation`.
pub(super) fn expect_table(cx: &StatementCx<'_>, name: &NameExpr, operation: &str) -> Result<Arc<TableEntry>> {
    match expect(cx, name)? {
        (_, Found::Table(table)) => Ok(table),
        (_, Found::View(view)) => Err(Error::user("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE")
            .param("viewName", view_name(&view))
            .param("operation", operation)
            .at(span(name))),
    }
}

/// Where a name stands in the statement.
pub(super) fn span(name: &NameExpr) -> Span {
    match name {
        NameExpr::Name(name) => name.span(),
        NameExpr::Identifier(expr) => expr.span,
    }
}

/// `TABLE_OR_VIEW_NOT_FOUND` with the path that was searched.
pub(super) fn not_found(cx: &StatementCx<'_>, parts: &[String]) -> Error {
    let database = cx.state.catalog.current_database();
    Error::user("TABLE_OR_VIEW_NOT_FOUND")
        .param("relationName", quoted_name(parts))
        .param(
            "searchPath",
            format!(
                "[{}, {}]",
                quoted_name(["system", "session"]),
                quoted_name([SPARK_CATALOG, database])
            ),
        )
}

/// DEFAULT COLLATION of the database that a name belongs to.
pub(super) fn default_collation(cx: &StatementCx<'_>, parts: &[String]) -> Result<Option<Collation>> {
    let (database, _) = cx.state.catalog.qualify(parts)?;
    Ok(cx.state.catalog.database(&database)?.collation)
}

/// The search path of names without a database, as messages show it.
pub(super) fn search_path(database: &str) -> String {
    let system = ["builtin", "session"].map(|schema| quoted_name(["system", schema]));
    format!("[{}, {}]", system.join(", "), quoted_name([SPARK_CATALOG, database]))
}

/// A table's quoted name with catalog and database.
pub(super) fn table_name(table: &TableEntry) -> String {
    quoted_name([SPARK_CATALOG, &table.database, &table.name])
}

/// A view's quoted name: the more qualified the longer it lives.
pub(super) fn view_name(view: &ViewEntry) -> String {
    match (view.scope, &view.database) {
        (ViewScope::Permanent, Some(database)) => quoted_name([SPARK_CATALOG, database, &view.name]),
        (_, Some(database)) => quoted_name([database, &view.name]),
        (_, None) => quoted_name([&view.name]),
    }
}
