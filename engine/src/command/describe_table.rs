//! DESCRIBE of tables, views, their partitions and columns.

use rsql_ast::Ident;
use rsql_ast::command::{Describe, NameExpr};
use rsql_catalog::session::{TableEntry, ViewScope};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::{Literal, SqlType};

use super::relation::{self, Found};
use super::{describe_json, facts, properties, show_partitions};
use crate::query::StatementCx;
use crate::result::{Cell, StatementOutput, TextTable};

/// `DESCRIBE [EXTENDED] t [PARTITION (…)] [column] [AS JSON]`
pub(super) fn run(cx: &StatementCx<'_>, describe: &Describe) -> Result<StatementOutput> {
    let Describe::Table {
        table: name,
        extended,
        partition,
        column,
        as_json,
    } = describe
    else {
        return Err(Error::internal("not a DESCRIBE of a table"));
    };
    let (parts, found) = relation::expect(cx, name)?;
    if let Some(column) = column {
        return describe_column(&parts, &found, column, *extended, name);
    }
    let place = match (&found, partition.is_empty()) {
        (_, true) => None,
        (Found::View(view), false) => {
            let kind = match view.scope {
                ViewScope::Permanent => "VIEW",
                _ => "TEMPORARY VIEW",
            };
            return Err(Error::user("FORBIDDEN_OPERATION")
                .param("statement", "DESC PARTITION")
                .param("objectType", kind)
                .param("objectName", quoted_name([&view.name])));
        }
        (Found::Table(table), false) => {
            if table.n_partition_columns == 0 {
                return Err(Error::user("_LEGACY_ERROR_TEMP_1251")
                    .param("action", "DESC PARTITION")
                    .param("tableName", table.name.clone()));
            }
            let (folder, values) = show_partitions::complete(cx, table, partition)?;
            let full = rsql_storage::local_path(&table.location)?.join(&folder);
            if !full.exists() {
                return Err(show_partitions::partition_error(
                    cx,
                    "PARTITIONS_NOT_FOUND",
                    table,
                    &values,
                )?);
            }
            Some(Place {
                values,
                location: format!("{}/{}", table.location.trim_end_matches('/'), folder.display()),
            })
        }
    };
    if *as_json {
        return describe_json::run(cx, &found, place.as_ref());
    }
    let mut out = Rows::default();
    out.columns(&found);
    let permanent = !matches!(&found, Found::View(v) if v.scope != ViewScope::Permanent);
    match (&found, &place) {
        (Found::Table(table), Some(place)) if *extended => out.partition(cx, table, place)?,
        _ if *extended && permanent => {
            out.heading("# Detailed Table Information");
            for (key, value) in facts::of(cx, &found)? {
                out.fact(key, value);
            }
        }
        _ => {}
    }
    if let Found::Table(table) = &found {
        out.defaults(table);
    }
    Ok(out.finish())
}

/// A partition that was asked for.
pub(super) struct Place {
    pub values: Vec<Literal>,
    pub location: String,
}

#[derive(Default)]
struct Rows {
    rows: Vec<[Cell; 3]>,
}

impl Rows {
    fn push(&mut self, a: impl Into<Cell>, b: impl Into<Cell>, c: impl Into<Cell>) {
        self.rows.push([a.into(), b.into(), c.into()]);
    }

    fn fact(&mut self, key: &str, value: String) {
        self.push(key, value, "");
    }

    fn heading(&mut self, text: &str) {
        self.push("", "", "");
        self.push(text, "", "");
    }

    fn columns(&mut self, found: &Found) {
        let columns = found.columns();
        for (name, ty, comment) in &columns {
            self.push(name.as_str(), ty.to_string(), comment.clone());
        }
        let Found::Table(table) = found else { return };
        if table.n_partition_columns > 0 {
            self.push("# Partition Information", "", "");
            self.push("# col_name", "data_type", "comment");
            for (name, ty, comment) in &columns[columns.len() - table.n_partition_columns..] {
                self.push(name.as_str(), ty.to_string(), comment.clone());
            }
        }
    }

    fn partition(&mut self, cx: &StatementCx<'_>, table: &TableEntry, place: &Place) -> Result<()> {
        self.heading("# Detailed Partition Information");
        self.fact("Database", table.database.clone());
        self.fact("Table", table.name.clone());
        let pairs: Vec<String> = show_partitions::texts(cx, table, &place.values)?
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        self.fact("Partition Values", format!("[{}]", pairs.join(", ")));
        self.fact("Location", place.location.clone());
        if !table.options.is_empty() {
            self.fact("Storage Properties", properties::bracketed(&table.options));
        }
        self.heading("# Storage Information");
        for (key, value) in facts::bucket_facts(table) {
            self.fact(key, value);
        }
        self.fact("Location", table.location.clone());
        if !table.options.is_empty() {
            self.fact("Storage Properties", properties::bracketed(&table.options));
        }
        Ok(())
    }

    fn defaults(&mut self, table: &TableEntry) {
        if table.column_defaults.iter().all(Option::is_none) {
            return;
        }
        self.heading("# Column Default Values");
        for (column, default) in table.columns.iter().zip(&table.column_defaults) {
            if let Some(default) = default {
                self.push(column.name.as_ref(), column.ty.to_string(), default.as_str());
            }
        }
    }

    fn finish(self) -> StatementOutput {
        let mut table = TextTable::text(&["col_name", "data_type", "comment"]);
        self.rows.into_iter().for_each(|r| table.row(r));
        table.finish()
    }
}

fn describe_column(
    parts: &[String],
    found: &Found,
    path: &[Ident],
    extended: bool,
    name: &NameExpr,
) -> Result<StatementOutput> {
    let columns = found.columns();
    // The column may be written with the table's name before it.
    let path = match path {
        [first, rest @ ..]
            if !rest.is_empty()
                && parts.last().is_some_and(|t| t.eq_ignore_ascii_case(&first.value))
                && !columns.iter().any(|(n, ..)| n.eq_ignore_ascii_case(&first.value)) =>
        {
            rest
        }
        whole => whole,
    };
    let (first, rest) = path
        .split_first()
        .ok_or_else(|| Error::internal("DESCRIBE without a column"))?;
    let Some((name, ty, comment)) = columns.iter().find(|(n, ..)| n.eq_ignore_ascii_case(&first.value)) else {
        return Err(Error::user("COLUMN_NOT_FOUND")
            .param("colName", quoted_name(path.iter().map(|i| &i.value)))
            .param("caseSensitiveConfig", "\"spark.sql.caseSensitive\"")
            .at(relation::span(name)));
    };
    if !rest.is_empty() {
        if !ty.is_nested() {
            return Err(Error::user("INVALID_EXTRACT_BASE_FIELD_TYPE")
                .param("base", format!("\"{name}\""))
                .param("other", ty.quoted()));
        }
        let full: Vec<&str> = path.iter().map(|i| i.value.as_str()).collect();
        return Err(Error::user("_LEGACY_ERROR_TEMP_1060")
            .param("command", "DESC TABLE COLUMN")
            .param("column", full.join(".")));
    }
    Ok(column_rows(name, ty, comment.as_deref(), extended))
}

fn column_rows(name: &str, ty: &SqlType, comment: Option<&str>, extended: bool) -> StatementOutput {
    let mut table = TextTable::text(&["info_name", "info_value"]);
    table.row(["col_name".into(), name.into()]);
    table.row(["data_type".into(), ty.to_string().into()]);
    table.row(["comment".into(), comment.unwrap_or("NULL").into()]);
    if extended {
        for key in [
            "min",
            "max",
            "num_nulls",
            "distinct_count",
            "avg_col_len",
            "max_col_len",
            "histogram",
        ] {
            table.row([key.into(), "NULL".into()]);
        }
    }
    table.finish()
}
