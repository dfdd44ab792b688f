//! DESCRIBE EXTENDED … AS JSON.

use rsql_catalog::session::{SPARK_CATALOG, TableEntry, ViewBody, ViewEntry};
use rsql_common::Result;
use rsql_expr::{Collation, SqlType};
use serde_json::{Map, Value, json};

use super::describe_table::Place;
use super::relation::Found;
use super::{properties, show_partitions};
use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// One row with a JSON object.
pub(super) fn run(cx: &StatementCx<'_>, found: &Found, place: Option<&Place>) -> Result<StatementOutput> {
    let mut out = Map::new();
    match found {
        Found::Table(table) => of_table(cx, table, place, &mut out)?,
        Found::View(view) => of_view(view, &mut out),
    }
    let mut table = TextTable::text(&["json_metadata"]);
    table.row([Value::Object(out).to_string().into()]);
    Ok(table.finish())
}

fn put(out: &mut Map<String, Value>, key: &str, value: Value) {
    out.insert(key.to_string(), value);
}

fn head(out: &mut Map<String, Value>, name: &str, database: &str, columns: Vec<Value>) {
    put(out, "table_name", json!(name));
    put(out, "catalog_name", json!(SPARK_CATALOG));
    put(out, "namespace", json!([database]));
    put(out, "schema_name", json!(database));
    put(out, "columns", json!(columns));
}

fn of_table(
    cx: &StatementCx<'_>,
    table: &TableEntry,
    place: Option<&Place>,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let columns = (0..table.columns.len())
        .map(|i| {
            let c = &table.columns[i];
            column(
                &c.name,
                &c.ty,
                table.column_comments[i].as_deref(),
                table.column_defaults[i].as_deref(),
            )
        })
        .collect();
    head(out, &table.name, &table.database, columns);
    if let Some(place) = place {
        let values: Map<String, Value> = show_partitions::texts(cx, table, &place.values)?
            .into_iter()
            .map(|(k, v)| (k, json!(v)))
            .collect();
        put(out, "partition_values", Value::Object(values));
    }
    if let Some((bucket, sort, n)) = &table.buckets {
        put(out, "num_buckets", json!(n));
        put(out, "bucket_columns", json!(bucket));
        put(out, "sort_columns", json!(sort));
    }
    put(out, "location", json!(place.map_or(&table.location, |p| &p.location)));
    if !table.options.is_empty() {
        put(out, "storage_properties", object(&table.options));
    }
    put(out, "type", json!(if table.external { "EXTERNAL" } else { "MANAGED" }));
    put(out, "provider", json!(table.provider));
    if let Some(comment) = &table.comment {
        put(out, "comment", json!(comment));
    }
    if !table.properties.is_empty() {
        put(out, "table_properties", object(&table.properties));
    }
    if table.n_partition_columns > 0 {
        put(out, "partition_provider", json!("Catalog"));
        let names: Vec<&str> = show_partitions::partition_columns(table)
            .iter()
            .map(|c| c.name.as_ref())
            .collect();
        put(out, "partition_columns", json!(names));
    }
    let collation = table.collation.unwrap_or(Collation::UTF8_BINARY);
    put(out, "collation", json!(collation.to_string()));
    Ok(())
}

fn of_view(view: &ViewEntry, out: &mut Map<String, Value>) {
    let database = view.database.as_deref().unwrap_or("session");
    let columns = view
        .columns
        .iter()
        .map(|(n, ty, comment)| column(n, ty, comment.as_deref(), None))
        .collect();
    head(out, &view.name, database, columns);
    put(out, "type", json!("VIEW"));
    if let Some(collation) = view.options.default_collation {
        put(out, "collation", json!(collation.to_string()));
    }
    if let ViewBody::Query(text) = &view.body {
        put(out, "view_text", json!(text.as_ref()));
        put(out, "view_original_text", json!(text.as_ref()));
        put(
            out,
            "view_catalog_and_namespace",
            json!(format!("{SPARK_CATALOG}.{}", view.options.database)),
        );
    }
    if let Some(comment) = &view.comment {
        put(out, "comment", json!(comment));
    }
    if !view.properties.is_empty() {
        put(out, "table_properties", object(&view.properties));
    }
}

fn object(list: &[(String, String)]) -> Value {
    let list = list.to_vec();
    Value::Object(
        properties::shown(&list)
            .into_iter()
            .map(|(k, v)| (k.to_string(), json!(v)))
            .collect(),
    )
}

fn column(name: &str, ty: &SqlType, comment: Option<&str>, default: Option<&str>) -> Value {
    let mut out = Map::new();
    put(&mut out, "name", json!(name));
    put(&mut out, "type", type_json(ty));
    put(&mut out, "nullable", json!(true));
    if let Some(comment) = comment {
        put(&mut out, "comment", json!(comment));
    }
    if let Some(default) = default {
        put(&mut out, "default", json!(default));
    }
    Value::Object(out)
}

fn type_json(ty: &SqlType) -> Value {
    match ty {
        SqlType::String => json!({ "name": "string", "collation": "UTF8_BINARY" }),
        SqlType::Collated(collation, _) => json!({ "name": "string", "collation": collation.to_string() }),
        SqlType::Char(n) => json!({ "name": "char", "length": n }),
        SqlType::Varchar(n) => json!({ "name": "varchar", "length": n }),
        SqlType::Decimal(p, s) => json!({ "name": "decimal", "precision": p, "scale": s }),
        SqlType::Timestamp => json!({ "name": "timestamp_ltz" }),
        SqlType::Array(a) => json!({
            "name": "array", "element_type": type_json(&a.element), "element_nullable": a.contains_null
        }),
        SqlType::Map(m) => json!({
            "name": "map", "key_type": type_json(&m.key), "value_type": type_json(&m.value),
            "value_nullable": m.value_contains_null
        }),
        SqlType::Struct(fields) => {
            let fields: Vec<Value> = fields
                .iter()
                .map(|f| json!({ "name": f.name.as_ref(), "type": type_json(&f.ty), "nullable": f.nullable }))
                .collect();
            json!({ "name": "struct", "fields": fields })
        }
        other => json!({ "name": other.to_string() }),
    }
}
