//! The catalog's errors, with Spark's conditions.

use rsql_common::{Error, quoted_name};

use super::{DEFAULT_DATABASE, SPARK_CATALOG};

/// There is no such database.
pub fn database_not_found(name: &str) -> Error {
    Error::user("SCHEMA_NOT_FOUND").param("schemaName", quoted_name([SPARK_CATALOG, name]))
}

/// There is such a database.
pub fn database_exists(name: &str) -> Error {
    Error::user("SCHEMA_ALREADY_EXISTS").param("schemaName", quoted_name([name]))
}

/// The database holds relations.
pub fn database_not_empty(name: &str) -> Error {
    Error::user("SCHEMA_NOT_EMPTY").param("schemaName", quoted_name([name]))
}

/// `default` stays.
pub fn cannot_drop_default() -> Error {
    Error::user("UNSUPPORTED_FEATURE.DROP_DATABASE").param("database", quoted_name([SPARK_CATALOG, DEFAULT_DATABASE]))
}

/// There is no such table or view.
pub fn relation_not_found(name: &[String]) -> Error {
    Error::user("TABLE_OR_VIEW_NOT_FOUND").param("relationName", quoted_name(name))
}

/// There is such a table or view.
pub fn relation_exists(name: &[String], temporary: bool) -> Error {
    let condition = if temporary {
        "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    } else {
        "TABLE_OR_VIEW_ALREADY_EXISTS"
    };
    Error::user(condition).param("relationName", quoted_name(name))
}

/// A view where a table was expected, or the other way round.
pub fn wrong_kind(name: &[String], operation: &str, expected_view: bool) -> Error {
    let condition = if expected_view {
        "EXPECT_VIEW_NOT_TABLE.NO_ALTERNATIVE"
    } else {
        "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE"
    };
    Error::user(condition)
        .param("viewName", quoted_name(name))
        .param("operation", operation)
}
