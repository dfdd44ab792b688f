//! What DESCRIBE EXTENDED and SHOW TABLE EXTENDED say of a table or view, line by line.

use rsql_catalog::session::{SPARK_CATALOG, TableEntry, ViewBody, ViewEntry, ViewScope};
use rsql_common::{Result, quoted_name};
use rsql_expr::SqlType;

use super::properties;
use super::relation::Found;
use crate::query::StatementCx;

/// Name and text of each fact, in Spark's order.
pub(super) fn of(cx: &StatementCx<'_>, found: &Found) -> Result<Vec<(&'static str, String)>> {
    match found {
        Found::Table(table) => Ok(of_table(table)),
        Found::View(view) => of_view(cx, view),
    }
}

fn of_table(table: &TableEntry) -> Vec<(&'static str, String)> {
    let mut out = vec![
        ("Catalog", SPARK_CATALOG.to_string()),
        ("Database", table.database.clone()),
        ("Table", table.name.clone()),
        ("Type", if table.external { "EXTERNAL" } else { "MANAGED" }.to_string()),
        ("Provider", table.provider.clone()),
    ];
    out.extend(bucket_facts(table));
    if let Some(comment) = &table.comment {
        out.push(("Comment", comment.clone()));
    }
    out.extend(table.collation.map(|c| ("Collation", c.to_string())));
    if !table.properties.is_empty() {
        out.push(("Table Properties", properties::bracketed(&table.properties)));
    }
    out.push(("Location", table.location.clone()));
    if !table.options.is_empty() {
        out.push(("Storage Properties", properties::bracketed(&table.options)));
    }
    if table.n_partition_columns > 0 {
        out.push(("Partition Provider", "Catalog".to_string()));
    }
    out
}

/// Facts of CLUSTERED BY.
pub(super) fn bucket_facts(table: &TableEntry) -> Vec<(&'static str, String)> {
    let Some((columns, sorted, n)) = &table.buckets else {
        return Vec::new();
    };
    vec![
        ("Num Buckets", n.to_string()),
        ("Bucket Columns", bracketed_names(columns)),
        ("Sort Columns", bracketed_names(sorted)),
    ]
}

fn of_view(cx: &StatementCx<'_>, view: &ViewEntry) -> Result<Vec<(&'static str, String)>> {
    let permanent = view.scope == ViewScope::Permanent;
    let mut out = Vec::new();
    if permanent {
        out.push(("Catalog", SPARK_CATALOG.to_string()));
    }
    out.extend(view.database.clone().map(|d| ("Database", d)));
    out.push(("Table", view.name.clone()));
    out.push(("Type", "VIEW".to_string()));
    out.extend(view.comment.clone().map(|c| ("Comment", c)));
    let collation = view.options.default_collation;
    out.extend(collation.map(|c| ("Collation", c.to_string())));
    let mode = if permanent { "COMPENSATION" } else { "BINDING" };
    match &view.body {
        ViewBody::Query(text) => {
            out.push(("View Text", text.to_string()));
            if permanent {
                out.push(("View Original Text", text.to_string()));
            }
            out.push(("View Schema Mode", mode.to_string()));
            let namespace = format!("{SPARK_CATALOG}.{}", view.options.database);
            out.push(("View Catalog and Namespace", namespace));
            out.push((
                "View Query Output Columns",
                bracketed_names(&query_columns(cx, view, text)?),
            ));
        }
        ViewBody::Source(..) => out.push(("View Schema Mode", mode.to_string())),
    }
    if !view.properties.is_empty() {
        out.push(("Table Properties", properties::bracketed(&view.properties)));
    }
    Ok(out)
}

/// Names the view's query itself gives its columns.
fn query_columns(cx: &StatementCx<'_>, view: &ViewEntry, text: &str) -> Result<Vec<String>> {
    let options = rsql_sql::ParseOptions::from_settings(&view.settings)?;
    let parsed = rsql_sql::parse_statement(text, &options)?;
    let rsql_ast::StatementKind::Query(query) = parsed.kind else {
        return Ok(Vec::new());
    };
    // A view may outlive what it reads; its own column names are the next best answer.
    let names = match cx.analyze(|cx| rsql_analyzer::analyze_query(&query, cx)) {
        Ok(plan) => plan.schema().iter().map(|f| f.name.to_string()).collect(),
        Err(_) => view.columns.iter().map(|(n, ..)| n.clone()).collect(),
    };
    Ok(names)
}

fn bracketed_names(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|n| quoted_name([&n])).collect();
    format!("[{}]", names.join(", "))
}

/// The schema as an indented tree, as Spark prints it.
pub(super) fn schema_tree(columns: &[(String, SqlType, Option<String>)]) -> String {
    let mut out = String::from("root\n");
    for (name, ty, _) in columns {
        tree_field(name, ty, "nullable = true", 1, &mut out);
    }
    out
}

fn tree_field(name: &str, ty: &SqlType, nullable: &str, depth: usize, out: &mut String) {
    let indent = " |   ".repeat(depth - 1);
    out.push_str(&format!("{indent} |-- {name}: {} ({nullable})\n", tree_type(ty)));
    let yes = |b: bool| if b { "true" } else { "false" };
    match ty {
        SqlType::Array(a) => {
            let nullable = format!("containsNull = {}", yes(a.contains_null));
            tree_field("element", &a.element, &nullable, depth + 1, out);
        }
        SqlType::Map(m) => {
            let indent = " |   ".repeat(depth);
            out.push_str(&format!("{indent} |-- key: {}\n", tree_type(&m.key)));
            let nullable = format!("valueContainsNull = {}", yes(m.value_contains_null));
            tree_field("value", &m.value, &nullable, depth + 1, out);
        }
        SqlType::Struct(fields) => {
            for f in fields.iter() {
                tree_field(
                    &f.name,
                    &f.ty,
                    &format!("nullable = {}", yes(f.nullable)),
                    depth + 1,
                    out,
                );
            }
        }
        _ => {}
    }
}

fn tree_type(ty: &SqlType) -> String {
    match ty {
        SqlType::Byte => "byte".into(),
        SqlType::Short => "short".into(),
        SqlType::Int => "integer".into(),
        SqlType::Long => "long".into(),
        ty if ty.is_string() => "string".into(),
        SqlType::Array(_) => "array".into(),
        SqlType::Map(_) => "map".into(),
        SqlType::Struct(_) => "struct".into(),
        other => other.to_string(),
    }
}
