//! Spark's JSON of a schema, which it keeps in Parquet footers and shows in DESCRIBE … AS JSON.

use rsql_catalog::{SourceColumn, note_collations};
use rsql_expr::{Collation, SqlType};
use serde_json::{Map, Value, json};

/// The schema of a file's columns.
pub(super) fn schema_json(columns: &[SourceColumn]) -> Value {
    let fields: Vec<Value> = columns.iter().map(|c| field(&c.name, &c.ty, c.nullable)).collect();
    json!({ "type": "struct", "fields": fields })
}

fn field(name: &str, ty: &SqlType, nullable: bool) -> Value {
    // Spark stores CHAR and VARCHAR as strings with a note.
    let mut metadata = Map::new();
    if ty.is_sized_text() {
        let text = ty.with_collation(Collation::UTF8_BINARY).to_string();
        let plain = text.split(' ').next().unwrap_or_default();
        metadata.insert("__CHAR_VARCHAR_TYPE_STRING".into(), json!(plain));
    }
    note_collations(name, ty, &mut metadata);
    json!({ "name": name, "type": type_json(ty), "nullable": nullable, "metadata": metadata })
}

fn type_json(ty: &SqlType) -> Value {
    match ty {
        SqlType::Byte => json!("byte"),
        SqlType::Short => json!("short"),
        SqlType::Int => json!("integer"),
        SqlType::Long => json!("long"),
        ty if ty.is_string() => json!("string"),
        SqlType::Array(a) => json!({
            "type": "array", "elementType": type_json(&a.element), "containsNull": a.contains_null
        }),
        SqlType::Map(m) => json!({
            "type": "map", "keyType": type_json(&m.key), "valueType": type_json(&m.value),
            "valueContainsNull": m.value_contains_null
        }),
        SqlType::Struct(fields) => {
            let fields: Vec<Value> = fields.iter().map(|f| field(&f.name, &f.ty, f.nullable)).collect();
            json!({ "type": "struct", "fields": fields })
        }
        other => json!(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_types_as_spark_does() {
        let columns = [
            SourceColumn {
                name: "a".into(),
                ty: SqlType::Int,
                nullable: true,
            },
            SourceColumn {
                name: "b".into(),
                ty: SqlType::Char(3),
                nullable: true,
            },
        ];
        let json = schema_json(&columns);
        assert_eq!(json["fields"][0]["type"], "integer");
        assert_eq!(json["fields"][1]["metadata"]["__CHAR_VARCHAR_TYPE_STRING"], "char(3)");
    }
}
