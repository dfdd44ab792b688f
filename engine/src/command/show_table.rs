//! SHOW TABLE EXTENDED: tables and temporary views with all that is known of them.

use std::fmt::Write as _;

use rsql_catalog::session::{GLOBAL_TEMP, Relation};
use rsql_common::{Result, quoted_name};

use super::relation::Found;
use super::{facts, pattern, show_partitions};
use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// `SHOW TABLE EXTENDED [IN db] LIKE p`
pub(super) fn extended(cx: &StatementCx<'_>, database: &str, like: &str) -> Result<StatementOutput> {
    let mut rows: Vec<(String, String, Found)> = Vec::new();
    for relation in cx.state.catalog.relations(database) {
        rows.push(match relation {
            Relation::Table(t) => (t.database.clone(), t.name.clone(), Found::Table(t.clone())),
            Relation::View(v) => (
                v.database.clone().unwrap_or_default(),
                v.name.clone(),
                Found::View(v.clone()),
            ),
        });
    }
    if database == GLOBAL_TEMP {
        let views = cx.session.shared.global_views.read();
        rows.extend(
            views
                .iter()
                .map(|v| (GLOBAL_TEMP.to_string(), v.name.clone(), Found::View(v.clone()))),
        );
    }
    let local = cx.state.catalog.temporary_views();
    rows.extend(local.map(|v| (String::new(), v.name.clone(), Found::View(v.clone()))));
    rows.retain(|(_, name, _)| pattern::matches(Some(like), name));
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    let mut table = TextTable::text(&["namespace", "tableName"])
        .flag("isTemporary")
        .then_text("information");
    for (database, name, found) in rows {
        let temporary = matches!(&found, Found::View(v) if super::show::is_temporary(v.scope));
        table.row([
            database.into(),
            name.into(),
            temporary.into(),
            information(cx, &found)?.into(),
        ]);
    }
    Ok(table.finish())
}

fn information(cx: &StatementCx<'_>, found: &Found) -> Result<String> {
    let mut out = String::new();
    for (key, value) in facts::of(cx, found)? {
        _ = writeln!(out, "{key}: {value}");
    }
    if let Found::Table(table) = found
        && table.n_partition_columns > 0
    {
        let names: Vec<String> = show_partitions::partition_columns(table)
            .iter()
            .map(|c| quoted_name([&c.name]))
            .collect();
        _ = writeln!(out, "Partition Columns: [{}]", names.join(", "));
    }
    _ = write!(out, "Schema: {}", facts::schema_tree(&found.columns()));
    Ok(out)
}
