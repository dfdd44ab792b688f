//! ALTER TABLE, ALTER VIEW, COMMENT ON TABLE.

use std::sync::Arc;

use rsql_ast::ObjectName;
use rsql_ast::command::{AlterAction, AlterTable, NameExpr};
use rsql_ast::data_type::ColumnDef;
use rsql_catalog::session::{self, Relation, TableEntry, ViewEntry, ViewScope};
use rsql_common::{Error, Result, quoted_name};

use super::relation::{self, Found};
use super::{alter_column, alter_partition, column, name, properties};
use crate::query::StatementCx;
use crate::result::StatementOutput;
use crate::session::location_url;

/// `ALTER TABLE | VIEW`
pub(crate) fn run(cx: &StatementCx<'_>, alter: &AlterTable) -> Result<StatementOutput> {
    use AlterAction as A;
    match &alter.action {
        A::Rename(to) => rename(cx, alter, to)?,
        A::SetProperties(set) => change(cx, alter, "SET TBLPROPERTIES", |entry| {
            let mut set = set.clone();
            if let Some(at) = set.iter().position(|(k, _)| k == "comment") {
                *entry.comment() = Some(set.remove(at).1);
            }
            properties::merge(entry.properties(), &set);
        })?,
        A::UnsetProperties { keys, .. } => change(cx, alter, "UNSET TBLPROPERTIES", |entry| {
            if keys.iter().any(|k| k == "comment") {
                *entry.comment() = None;
            }
            entry.properties().retain(|(k, _)| !keys.contains(k));
        })?,
        A::AddColumns(defs) => add_columns(cx, alter, defs)?,
        A::RenameColumn(..) => return Err(table_operation(cx, alter, "RENAME COLUMN")?),
        A::DropColumns(_) => return Err(table_operation(cx, alter, "DROP COLUMN")?),
        A::AlterColumn { .. } => alter_column::run(cx, alter)?,
        A::SetLocation(location) => {
            let table = table_of(cx, alter, "SET LOCATION")?;
            let path = rsql_storage::local_path(location)?;
            let full = std::path::absolute(&path).unwrap_or(path);
            put_table(
                cx,
                TableEntry {
                    location: location_url(&full),
                    ..(*table).clone()
                },
            );
        }
        A::AddPartitions {
            if_not_exists,
            partitions,
        } => alter_partition::add(cx, &*table_of(cx, alter, "ADD PARTITION")?, partitions, *if_not_exists)?,
        A::DropPartitions { if_exists, partitions } => {
            alter_partition::drop(cx, &*table_of(cx, alter, "DROP PARTITION")?, partitions, *if_exists)?;
        }
        A::RecoverPartitions => {
            // Partitions are the folders: there is nothing to recover.
            table_of(cx, alter, "RECOVER PARTITIONS")?;
        }
        A::DefaultCollation(name) => {
            let table = table_of(cx, alter, "DEFAULT COLLATION")?;
            put_table(
                cx,
                TableEntry {
                    collation: Some(rsql_analyzer::resolve_collation(name)?),
                    ..(*table).clone()
                },
            );
        }
        A::Other(what) => return Err(Error::unsupported(format!("ALTER TABLE … {what}"))),
    }
    Ok(StatementOutput::none())
}

/// `COMMENT ON TABLE`
pub(crate) fn comment(cx: &StatementCx<'_>, name: &NameExpr, comment: Option<&str>) -> Result<StatementOutput> {
    let table = relation::expect_table(cx, name, "COMMENT ON TABLE")?;
    put_table(
        cx,
        TableEntry {
            comment: comment.map(str::to_string),
            ..(*table).clone()
        },
    );
    Ok(StatementOutput::none())
}

/// The table that ALTER TABLE changes; views are refused.
pub(super) fn table_of(cx: &StatementCx<'_>, alter: &AlterTable, action: &str) -> Result<Arc<TableEntry>> {
    relation::expect_table(cx, &alter.name, &format!("ALTER TABLE ... {action}"))
}

/// Publishes a table's new definition.
pub(super) fn put_table(cx: &StatementCx<'_>, table: TableEntry) {
    let mut state = cx.session.state.write();
    state.catalog.put_relation(Relation::Table(Arc::new(table)));
}

fn table_operation(cx: &StatementCx<'_>, alter: &AlterTable, operation: &str) -> Result<Error> {
    let table = table_of(cx, alter, operation)?;
    Ok(Error::user("UNSUPPORTED_FEATURE.TABLE_OPERATION")
        .param("tableName", relation::table_name(&table))
        .param("operation", operation))
}

/// A copy of a definition that is being changed.
enum Entry {
    Table(TableEntry),
    View(ViewEntry),
}

impl Entry {
    fn comment(&mut self) -> &mut Option<String> {
        match self {
            Entry::Table(t) => &mut t.comment,
            Entry::View(v) => &mut v.comment,
        }
    }

    fn properties(&mut self) -> &mut Vec<(String, String)> {
        match self {
            Entry::Table(t) => &mut t.properties,
            Entry::View(v) => &mut v.properties,
        }
    }
}

fn change(cx: &StatementCx<'_>, alter: &AlterTable, action: &str, f: impl FnOnce(&mut Entry)) -> Result<()> {
    let (parts, found) = relation::expect(cx, &alter.name)?;
    let mut entry = match (found, alter.view) {
        (Found::Table(table), false) => Entry::Table((*table).clone()),
        (Found::View(view), true) if view.scope == ViewScope::Permanent => Entry::View((*view).clone()),
        (Found::View(view), true) => {
            return Err(Error::user("EXPECT_PERMANENT_VIEW_NOT_TEMP")
                .param("viewName", relation::view_name(&view))
                .param("operation", format!("ALTER VIEW ... {action}"))
                .at(relation::span(&alter.name)));
        }
        (Found::Table(_), true) => {
            return Err(Error::user("EXPECT_VIEW_NOT_TABLE.USE_ALTER_TABLE")
                .param("tableName", quoted_name(cx.state.catalog.full_name(&parts)?))
                .param("operation", format!("ALTER VIEW ... {action}"))
                .at(relation::span(&alter.name)));
        }
        (Found::View(view), false) => {
            return Err(Error::user("EXPECT_TABLE_NOT_VIEW.USE_ALTER_VIEW")
                .param("viewName", relation::view_name(&view))
                .param("operation", format!("ALTER TABLE ... {action}"))
                .at(relation::span(&alter.name)));
        }
    };
    f(&mut entry);
    let mut state = cx.session.state.write();
    state.catalog.put_relation(match entry {
        Entry::Table(t) => Relation::Table(Arc::new(t)),
        Entry::View(v) => Relation::View(Arc::new(v)),
    });
    Ok(())
}

fn rename(cx: &StatementCx<'_>, alter: &AlterTable, to: &ObjectName) -> Result<()> {
    let (parts, found) = relation::expect(cx, &alter.name)?;
    let to: Vec<String> = to.parts().map(str::to_string).collect();
    match found {
        Found::View(view) if view.scope == ViewScope::Temporary => rename_temporary(cx, &view, &to),
        Found::View(view) if view.scope == ViewScope::GlobalTemporary => {
            let mut views = cx.session.shared.global_views.write();
            let new = to.last().cloned().unwrap_or_default();
            if views.iter().any(|v| v.name.eq_ignore_ascii_case(&new)) {
                return Err(session::relation_exists(&to, true));
            }
            for v in views.iter_mut().filter(|v| v.name == view.name) {
                let mut renamed = (**v).clone();
                renamed.name.clone_from(&new);
                *v = Arc::new(renamed);
            }
            Ok(())
        }
        Found::View(_) if !alter.view => Err(Error::user("EXPECT_TABLE_NOT_VIEW.USE_ALTER_VIEW")
            .param("viewName", quoted_name(&parts))
            .param("operation", "ALTER TABLE")),
        Found::Table(_) if alter.view => Err(Error::user("EXPECT_VIEW_NOT_TABLE.USE_ALTER_TABLE")
            .param("tableName", quoted_name(&parts))
            .param("operation", "ALTER VIEW")),
        found => rename_permanent(cx, &found, &to),
    }
}

fn rename_temporary(cx: &StatementCx<'_>, view: &ViewEntry, to: &[String]) -> Result<()> {
    let [new] = to else {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1074")
            .param("oldName", quoted_name([&view.name]))
            .param("newName", quoted_name(to))
            .param("db", to.first().cloned().unwrap_or_default()));
    };
    let mut state = cx.session.state.write();
    if state.catalog.temporary_view(new).is_some() {
        return Err(session::relation_exists(to, true));
    }
    let mut renamed = view.clone();
    renamed.name = new.to_lowercase();
    state.catalog.remove_temporary_view(&view.name);
    state.catalog.put_temporary_view(Arc::new(renamed));
    Ok(())
}

fn rename_permanent(cx: &StatementCx<'_>, found: &Found, to: &[String]) -> Result<()> {
    let old_database = match found {
        Found::Table(t) => t.database.clone(),
        Found::View(v) => v.database.clone().unwrap_or_default(),
    };
    let (database, new) = match to {
        [new] => (old_database.clone(), new.clone()),
        _ => cx.state.catalog.qualify(to)?,
    };
    if !database.eq_ignore_ascii_case(&old_database) {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1073")
            .param("db", old_database)
            .param("newDb", database));
    }
    let new = new.to_lowercase();
    let mut state = cx.session.state.write();
    if state.catalog.relation(&old_database, &new).is_some() {
        return Err(
            Error::user("TABLE_OR_VIEW_ALREADY_EXISTS").param("relationName", quoted_name([&old_database, &new]))
        );
    }
    match found {
        Found::Table(table) => {
            let mut renamed = (**table).clone();
            renamed.name.clone_from(&new);
            if !table.external {
                renamed.location = move_folder(table, &new)?;
            }
            state.catalog.remove_relation(&old_database, &table.name);
            state.catalog.put_relation(Relation::Table(Arc::new(renamed)));
        }
        Found::View(view) => {
            let mut renamed = (**view).clone();
            renamed.name = new;
            state.catalog.remove_relation(&old_database, &view.name);
            state.catalog.put_relation(Relation::View(Arc::new(renamed)));
        }
    }
    Ok(())
}

/// Moves a managed table's folder; its new location.
fn move_folder(table: &TableEntry, name: &str) -> Result<String> {
    let folder = rsql_storage::local_path(&table.location)?;
    let new = folder.with_file_name(name);
    if folder.exists() {
        std::fs::rename(&folder, &new).map_err(|e| Error::from(e).in_file(folder.display().to_string()))?;
    }
    Ok(location_url(&new))
}

fn add_columns(cx: &StatementCx<'_>, alter: &AlterTable, defs: &[ColumnDef]) -> Result<()> {
    let parts = name::parts(cx, &alter.name)?;
    if let Some(Found::View(view)) = relation::find(cx, &parts) {
        return Err(Error::user("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE")
            .param("viewName", relation::view_name(&view))
            .param("operation", "ALTER TABLE ... ADD COLUMNS")
            .at(relation::span(&alter.name)));
    }
    let table = table_of(cx, alter, "ADD COLUMNS")?;
    let cx = &cx.with_default_collation(table.collation);
    let mut added = column::define(cx, defs, &relation::table_name(&table), "ALTER TABLE ADD COLUMNS")?;
    for column in &mut added.columns {
        column.ty = column::stored_type(cx, &column.ty);
    }
    let mut table = (*table).clone();
    let at = table.columns.len() - table.n_partition_columns;
    table.columns.splice(at..at, added.columns);
    table.column_comments.splice(at..at, added.comments);
    table.column_defaults.splice(at..at, added.defaults);
    column::check_unique(table.columns.iter().map(|c| c.name.as_ref()))?;
    put_table(cx, table);
    Ok(())
}
