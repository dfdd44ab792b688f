//! Session options of the Flight protocol: `catalog`, `schema`, and settings by their keys.

use rsql_common::{Error, Result, quoted_name};
use rsql_engine::Session;
use rsql_engine::listing::SPARK_CATALOG;

use crate::message::{
    self, OptionError, OptionValue, SessionOptionValue, SessionOptions, SetSessionOptionsResult, StringList,
};

const INVALID_NAME: i32 = 1;
const INVALID_VALUE: i32 = 2;

/// Sets what is asked; says for each option that failed why.
pub(crate) fn set(session: &Session, asked: &SessionOptions) -> SetSessionOptionsResult {
    let mut result = SetSessionOptionsResult::default();
    for (name, value) in &asked.options {
        if let Err(e) = set_one(session, name, value.value.as_ref()) {
            let error = OptionError {
                value: if e.condition() == "SQL_CONF_NOT_FOUND" {
                    INVALID_NAME
                } else {
                    INVALID_VALUE
                },
                // An error that cannot be packed is one without a reason.
                why: message::pack(&e).unwrap_or_default(),
            };
            result.errors.insert(name.clone(), error);
        }
    }
    result
}

/// The options at present.
pub(crate) fn get(session: &Session) -> SessionOptions {
    let text = |v: &str| SessionOptionValue {
        value: Some(OptionValue::Text(v.to_string())),
    };
    let mut all = SessionOptions::default();
    all.options.insert("catalog".into(), text(SPARK_CATALOG));
    all.options.insert("schema".into(), text(&session.current_database()));
    for (key, value) in session.settings().overrides() {
        all.options.insert(key.to_string(), text(value));
    }
    all
}

fn set_one(session: &Session, name: &str, value: Option<&OptionValue>) -> Result<()> {
    let Some(value) = value.map(as_text) else {
        return session.sql(&format!("RESET {}", quoted_name([name]))).map(|_| ());
    };
    match name {
        "catalog" if value.eq_ignore_ascii_case(SPARK_CATALOG) => Ok(()),
        "catalog" => Err(Error::user("CATALOG_NOT_FOUND").param("catalogName", quoted_name([&value]))),
        "schema" => session.sql(&format!("USE {}", quoted_name([value]))).map(|_| ()),
        key => session.set(key, &value),
    }
}

fn as_text(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(v) => v.clone(),
        OptionValue::Flag(v) => v.to_string(),
        OptionValue::Integer(v) => v.to_string(),
        OptionValue::Double(v) => v.to_string(),
        OptionValue::List(StringList { values }) => values.join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_settings() {
        let session = Session::new().unwrap();
        session.sql("CREATE DATABASE d").unwrap();
        let option = |v: OptionValue| SessionOptionValue { value: Some(v) };
        let asked = SessionOptions {
            options: [
                ("schema".to_string(), option(OptionValue::Text("d".into()))),
                ("spark.sql.ansi.enabled".to_string(), option(OptionValue::Flag(false))),
                ("catalog".to_string(), option(OptionValue::Text("other".into()))),
                (
                    "rsql.exec.chunk_rows".to_string(),
                    option(OptionValue::Text("x".into())),
                ),
            ]
            .into(),
        };
        let mut failed: Vec<_> = set(&session, &asked).errors.into_keys().collect();
        failed.sort();
        assert_eq!(failed, ["catalog", "rsql.exec.chunk_rows"]);
        assert_eq!(session.current_database(), "d");
        let now = get(&session);
        assert_eq!(
            now.options["spark.sql.ansi.enabled"],
            option(OptionValue::Text("false".into()))
        );
    }
}
