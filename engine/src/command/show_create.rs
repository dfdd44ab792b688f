//! SHOW CREATE TABLE: the statement that makes a table or view again.

use std::fmt::Write as _;

use rsql_ast::command::{NameExpr, Properties};
use rsql_catalog::session::{SPARK_CATALOG, TableEntry, ViewBody, ViewEntry, ViewScope};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::types::Length;
use rsql_expr::{Collation, SqlType};

use super::properties;
use super::relation::{self, Found};
use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// `SHOW CREATE TABLE`
pub(super) fn run(cx: &StatementCx<'_>, name: &NameExpr) -> Result<StatementOutput> {
    let text = match relation::expect(cx, name)?.1 {
        Found::Table(table) => table_text(&table),
        Found::View(view) if view.scope == ViewScope::Permanent => view_text(&view),
        Found::View(view) => {
            return Err(Error::user("EXPECT_PERMANENT_VIEW_NOT_TEMP")
                .param("viewName", relation::view_name(&view))
                .param("operation", "SHOW CREATE TABLE")
                .at(relation::span(name)));
        }
    };
    let mut table = TextTable::text(&["createtab_stmt"]);
    table.row([text.into()]);
    Ok(table.finish())
}

fn table_text(table: &TableEntry) -> String {
    let mut out = format!(
        "CREATE TABLE {SPARK_CATALOG}.{}.{}",
        name(&table.database),
        name(&table.name)
    );
    let columns: Vec<String> = (0..table.columns.len()).map(|i| column_text(table, i)).collect();
    _ = writeln!(out, " (\n  {})", columns.join(",\n  "));
    _ = writeln!(out, "USING {}", table.provider);
    property_list(&mut out, "OPTIONS", &table.options);
    let partitions = &table.columns[table.columns.len() - table.n_partition_columns..];
    if !partitions.is_empty() {
        let names: Vec<String> = partitions.iter().map(|c| name(&c.name)).collect();
        _ = writeln!(out, "PARTITIONED BY ({})", names.join(", "));
    }
    if let Some((columns, sorted, n)) = &table.buckets {
        let list = |names: &[String]| names.iter().map(|n| name(n)).collect::<Vec<_>>().join(", ");
        _ = writeln!(out, "CLUSTERED BY ({})", list(columns));
        if !sorted.is_empty() {
            _ = writeln!(out, "SORTED BY ({})", list(sorted));
        }
        _ = writeln!(out, "INTO {n} BUCKETS");
    }
    if table.external {
        _ = writeln!(out, "LOCATION '{}'", quoted_text(&table.location));
    }
    comment_line(&mut out, table.comment.as_deref());
    collation_line(&mut out, table.collation);
    property_list(&mut out, "TBLPROPERTIES", &table.properties);
    out
}

fn column_text(table: &TableEntry, i: usize) -> String {
    let column = &table.columns[i];
    let mut out = format!("{} {}", name(&column.name), collated(&column.ty));
    if let Some(default) = &table.column_defaults[i] {
        _ = write!(out, " DEFAULT {default}");
    }
    if let Some(comment) = &table.column_comments[i] {
        _ = write!(out, " COMMENT '{}'", quoted_text(comment));
    }
    out
}

fn view_text(view: &ViewEntry) -> String {
    let database = view.database.as_deref().unwrap_or_default();
    let mut out = format!("CREATE VIEW {}.{}", name(database), name(&view.name));
    let columns: Vec<String> = view
        .columns
        .iter()
        .map(|(n, _, comment)| match comment {
            Some(comment) => format!("{} COMMENT '{}'", name(n), quoted_text(comment)),
            None => name(n),
        })
        .collect();
    _ = writeln!(out, " (\n  {})", columns.join(",\n  "));
    comment_line(&mut out, view.comment.as_deref());
    collation_line(&mut out, view.options.default_collation);
    property_list(&mut out, "TBLPROPERTIES", &view.properties);
    _ = writeln!(out, "WITH SCHEMA COMPENSATION");
    if let ViewBody::Query(text) = &view.body {
        _ = writeln!(out, "AS {text}");
    }
    out
}

fn property_list(out: &mut String, keyword: &str, list: &Properties) {
    if list.is_empty() {
        return;
    }
    let pairs: Vec<String> = properties::shown(list)
        .iter()
        .map(|(k, v)| format!("'{}' = '{}'", quoted_text(k), quoted_text(v)))
        .collect();
    _ = writeln!(out, "{keyword} (\n  {})", pairs.join(",\n  "));
}

fn comment_line(out: &mut String, comment: Option<&str>) {
    if let Some(comment) = comment {
        _ = writeln!(out, "COMMENT '{}'", quoted_text(comment));
    }
}

fn collation_line(out: &mut String, collation: Option<Collation>) {
    if let Some(collation) = collation {
        _ = writeln!(out, "DEFAULT COLLATION {collation}");
    }
}

/// A type with the collation that texts have.
fn collated(ty: &SqlType) -> String {
    match ty {
        SqlType::String | SqlType::Char(_) | SqlType::Varchar(_) => format!("{} COLLATE UTF8_BINARY", ty.sql()),
        SqlType::Collated(collation, length) => match length {
            Length::Any => format!("STRING COLLATE {collation}"),
            Length::Char(n) => format!("CHAR({n}) COLLATE {collation}"),
            Length::Varchar(n) => format!("VARCHAR({n}) COLLATE {collation}"),
        },
        SqlType::Array(a) => format!("ARRAY<{}>", collated(&a.element)),
        SqlType::Map(m) => format!("MAP<{}, {}>", collated(&m.key), collated(&m.value)),
        SqlType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| {
                    let not_null = if f.nullable { "" } else { " NOT NULL" };
                    format!("{}: {}{not_null}", f.name, collated(&f.ty))
                })
                .collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        other => other.sql(),
    }
}

/// A name, in backquotes if it needs them.
fn name(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.chars().all(|c| c.is_ascii_digit());
    if plain { text.to_string() } else { quoted_name([&text]) }
}

fn quoted_text(text: &str) -> String {
    text.replace('\'', "\\'")
}
