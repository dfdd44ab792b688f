//! Properties and options for display: secrets hidden, keys sorted.

use rsql_ast::command::{NameExpr, Properties};
use rsql_catalog::session::SPARK_CATALOG;
use rsql_common::Result;
use rsql_common::redaction::{HIDDEN, is_secret};

use super::relation::{self, Found};
use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// Keys and values in key order, values of secrets replaced.
pub(super) fn shown(properties: &Properties) -> Vec<(&str, &str)> {
    let mut out: Vec<(&str, &str)> = properties
        .iter()
        .map(|(k, v)| (k.as_str(), if is_secret(k) { HIDDEN } else { v.as_str() }))
        .collect();
    out.sort_unstable();
    out
}

/// `[a=1, b=2]`
pub(super) fn bracketed(properties: &Properties) -> String {
    let pairs: Vec<String> = shown(properties).iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("[{}]", pairs.join(", "))
}

/// `SHOW TBLPROPERTIES t [(key)]`
pub(super) fn show(cx: &StatementCx<'_>, name: &NameExpr, key: Option<&str>) -> Result<StatementOutput> {
    let (_, found) = relation::expect(cx, name)?;
    let (properties, full) = match &found {
        Found::Table(t) => (&t.properties, format!("{SPARK_CATALOG}.{}.{}", t.database, t.name)),
        Found::View(v) => {
            let database = v.database.as_deref().unwrap_or_default();
            (&v.properties, format!("{SPARK_CATALOG}.{database}.{}", v.name))
        }
    };
    let mut table = TextTable::text(&["key", "value"]);
    match key {
        None => {
            for (k, v) in shown(properties) {
                table.row([k.into(), v.into()]);
            }
        }
        Some(key) => {
            let shown = shown(properties);
            let value = match shown.iter().find(|(k, _)| *k == key) {
                Some((_, v)) => (*v).to_string(),
                None => format!("Table {full} does not have property: {key}"),
            };
            table.row([key.into(), value.into()]);
        }
    }
    Ok(table.finish())
}

/// Sets keys; a value given before is replaced.
pub(super) fn merge(into: &mut Properties, from: &Properties) {
    for (key, value) in from {
        into.retain(|(k, _)| k != key);
        into.push((key.clone(), value.clone()));
    }
}
