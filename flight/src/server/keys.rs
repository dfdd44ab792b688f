//! Primary and foreign keys: tables have none, but drivers ask and want a table with the right columns.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};

/// Answer to a question for primary keys.
pub(crate) fn primary() -> RecordBatch {
    let mut fields = names(&[
        "catalog_name",
        "db_schema_name",
        "table_name",
        "column_name",
        "key_name",
    ]);
    fields.push(Field::new("key_sequence", DataType::Int32, false));
    RecordBatch::new_empty(Arc::new(Schema::new(fields)))
}

/// Answer to a question for foreign keys in either direction.
pub(crate) fn foreign() -> RecordBatch {
    let mut fields = names(&[
        "pk_catalog_name",
        "pk_db_schema_name",
        "pk_table_name",
        "pk_column_name",
        "fk_catalog_name",
        "fk_db_schema_name",
        "fk_table_name",
        "fk_column_name",
    ]);
    fields.push(Field::new("key_sequence", DataType::Int32, false));
    fields.extend(names(&["fk_key_name", "pk_key_name"]));
    fields.push(Field::new("update_rule", DataType::UInt8, false));
    fields.push(Field::new("delete_rule", DataType::UInt8, false));
    RecordBatch::new_empty(Arc::new(Schema::new(fields)))
}

/// Names of tables and columns are always there, the rest may be missing.
fn names(names: &[&str]) -> Vec<Field> {
    let required = |n: &str| n.ends_with("table_name") || n.ends_with("column_name");
    names
        .iter()
        .map(|n| Field::new(*n, DataType::Utf8, !required(n)))
        .collect()
}
