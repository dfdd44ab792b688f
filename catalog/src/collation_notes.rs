//! Collations in Spark's JSON of a schema. A text's type is `string` there, so that engines without collations read it;
//! the field that holds it notes `"__COLLATIONS": {"path": "provider.NAME"}`.

use rsql_expr::types::StructField;
use rsql_expr::{Collation, SqlType};
use serde_json::{Map, Value, json};

/// Key of the note in a field's metadata.
const KEY: &str = "__COLLATIONS";

/// Adds the collations of the texts in a field's type, as far as no inner field notes them, to its metadata.
pub fn note_collations(name: &str, ty: &SqlType, metadata: &mut Map<String, Value>) {
    let mut notes = Map::new();
    collect(name, ty, &mut notes);
    if !notes.is_empty() {
        metadata.insert(KEY.into(), Value::Object(notes));
    }
}

fn collect(path: &str, ty: &SqlType, notes: &mut Map<String, Value>) {
    match ty {
        SqlType::Array(a) => collect(&format!("{path}.element"), &a.element, notes),
        SqlType::Map(m) => {
            collect(&format!("{path}.key"), &m.key, notes);
            collect(&format!("{path}.value"), &m.value, notes);
        }
        SqlType::Struct(_) => {}
        text => {
            if let Some(collation) = text.collation().filter(|c| !c.is_binary()) {
                let provider = if collation.is_icu() { "icu" } else { "spark" };
                notes.insert(path.into(), json!(format!("{provider}.{collation}")));
            }
        }
    }
}

/// The type of a field with the collations that its JSON notes.
pub fn noted_collations(ty: SqlType, field: &Value) -> SqlType {
    let none = Map::new();
    let notes = field["metadata"][KEY].as_object().unwrap_or(&none);
    apply(ty, &field["type"], field["name"].as_str().unwrap_or_default(), notes)
}

fn apply(ty: SqlType, json: &Value, path: &str, notes: &Map<String, Value>) -> SqlType {
    match &ty {
        SqlType::Array(a) => {
            let element = apply(
                a.element.clone(),
                &json["elementType"],
                &format!("{path}.element"),
                notes,
            );
            SqlType::array_of(element, a.contains_null)
        }
        SqlType::Map(m) => {
            let key = apply(m.key.clone(), &json["keyType"], &format!("{path}.key"), notes);
            let value = apply(m.value.clone(), &json["valueType"], &format!("{path}.value"), notes);
            SqlType::map(key, value, m.value_contains_null)
        }
        SqlType::Struct(fields) => {
            let known = json["fields"].as_array();
            let fields = fields.iter().map(|f| {
                let noted = known.and_then(|k| k.iter().find(|j| j["name"].as_str() == Some(&*f.name)));
                StructField {
                    name: f.name.clone(),
                    ty: noted.map_or_else(|| f.ty.clone(), |j| noted_collations(f.ty.clone(), j)),
                    nullable: f.nullable,
                }
            });
            SqlType::Struct(fields.collect())
        }
        text if text.is_string() => match notes.get(path).and_then(Value::as_str).and_then(named) {
            Some(collation) => text.with_collation(collation),
            None => ty,
        },
        _ => ty,
    }
}

/// The collation of `provider.NAME`.
fn named(note: &str) -> Option<Collation> {
    note.split_once('.')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_back() {
        let text = |name: &str| SqlType::collated(name.parse().unwrap());
        let ty = SqlType::map(SqlType::String, SqlType::array(text("UNICODE_CI")), true);
        let mut metadata = Map::new();
        note_collations("m", &ty, &mut metadata);
        assert_eq!(
            Value::Object(metadata.clone()),
            json!({"__COLLATIONS": {"m.value.element": "icu.UNICODE_CI"}})
        );
        let field = json!({
            "name": "m",
            "type": {"type": "map", "keyType": "string", "valueType": {"type": "array", "elementType": "string"}},
            "metadata": metadata,
        });
        let stored = SqlType::map(SqlType::String, SqlType::array(SqlType::String), true);
        assert_eq!(noted_collations(stored, &field), ty);
    }
}
