//! The catalog's errors, with Spark's conditions.

use rsql_common::Error;

use super::{DEFAULT_DATABASE, SPARK_CATALOG};

fn quoted(parts: &[&str]) -> String {
    parts.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(".")
}

/// There is no such database.
pub fn database_not_found(name: &str) -> Error {
    Error::user("SCHEMA_NOT_FOUND").param("schemaName", quoted(&[SPARK_CATALOG, name]))
}

/// There is such a database.
pub fn database_exists(name: &str) -> Error {
    Error::user("SCHEMA_ALREADY_EXISTS").param("schemaName", quoted(&[name]))
}

/// The database holds relations.
pub fn database_not_empty(name: &str) -> Error {
    Error::user("SCHEMA_NOT_EMPTY").param("schemaName", quoted(&[name]))
}

/// `default` stays.
pub fn cannot_drop_default() -> Error {
    Error::user("UNSUPPORTED_FEATURE.DROP_DATABASE").param("database", quoted(&[SPARK_CATALOG, DEFAULT_DATABASE]))
}

/// There is no such table or view.
pub fn relation_not_found(name: &[String]) -> Error {
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    Error::user("TABLE_OR_VIEW_NOT_FOUND").param("relationName", quoted(&parts))
}

/// There is such a table or view.
pub fn relation_exists(name: &[String], temporary: bool) -> Error {
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    let condition = if temporary {
        "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    } else {
        "TABLE_OR_VIEW_ALREADY_EXISTS"
    };
    Error::user(condition).param("relationName", quoted(&parts))
}

/// A view where a table was expected, or the other way round.
pub fn wrong_kind(name: &[String], operation: &str, expected_view: bool) -> Error {
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    let condition = if expected_view {
        "EXPECT_VIEW_NOT_TABLE.NO_ALTERNATIVE"
    } else {
        "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE"
    };
    Error::user(condition)
        .param("viewName", quoted(&parts))
        .param("operation", operation)
}
