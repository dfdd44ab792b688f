//! SHOW: which form goes where, and the forms that only list names.

use rsql_ast::ObjectName;
use rsql_ast::command::{NameExpr, Show};
use rsql_catalog::session::{GLOBAL_TEMP, Relation, SPARK_CATALOG, ViewScope};
use rsql_common::{Error, Result, quoted_name};

use super::{pattern, properties, relation, show_create, show_partitions, show_table};
use crate::query::StatementCx;
use crate::result::{Cell, StatementOutput, TextTable};

/// Shows what was asked for.
pub(crate) fn run(cx: &StatementCx<'_>, show: &Show) -> Result<StatementOutput> {
    match show {
        Show::Tables { database, pattern } => tables(cx, database.as_ref(), pattern.as_deref()),
        Show::TableExtended { database, pattern } => {
            show_table::extended(cx, &database_of(cx, database.as_ref())?, pattern)
        }
        Show::Views { database, pattern } => views(cx, database.as_ref(), pattern.as_deref()),
        Show::Columns { table, database } => columns(cx, table, database.as_ref()),
        Show::Functions {
            scope,
            database,
            pattern,
        } => functions(cx, scope.as_deref(), database.as_ref(), pattern.as_deref()),
        Show::Databases { pattern } => {
            let mut table = TextTable::text(&["namespace"]);
            for d in cx.state.catalog.databases() {
                if pattern::matches(pattern.as_deref(), &d.name) {
                    table.row([d.name.as_str().into()]);
                }
            }
            Ok(table.finish())
        }
        Show::Catalogs { pattern } => {
            let mut table = TextTable::text(&["catalog"]);
            if pattern::matches(pattern.as_deref(), SPARK_CATALOG) {
                table.row([SPARK_CATALOG.into()]);
            }
            Ok(table.finish())
        }
        Show::CurrentDatabase => {
            let mut table = TextTable::text(&["catalog", "namespace"]);
            let database = cx.state.catalog.current_database();
            table.row([SPARK_CATALOG.into(), database.as_ref().into()]);
            Ok(table.finish())
        }
        Show::CreateTable { table, .. } => show_create::run(cx, table),
        Show::TableProperties { table, key } => properties::show(cx, table, key.as_deref()),
        Show::Collations { pattern } => {
            let names = &rsql_analyzer::COLLATION_COLUMNS[2..];
            let mut table = TextTable::text(names);
            for row in rsql_analyzer::collation_rows() {
                if pattern::matches(pattern.as_deref(), row[2].as_deref().unwrap_or_default()) {
                    table.row(row.into_iter().skip(2).map(Cell::from));
                }
            }
            Ok(table.finish())
        }
        Show::Partitions { table, partition } => show_partitions::run(cx, table, partition),
    }
}

/// The database that IN or FROM names, else the current one; `global_temp` counts as one.
fn database_of(cx: &StatementCx<'_>, name: Option<&ObjectName>) -> Result<String> {
    let Some(name) = name else {
        return Ok(cx.state.catalog.current_database().to_string());
    };
    let parts: Vec<&str> = name.parts().collect();
    let one = match parts.as_slice() {
        [one] => *one,
        [catalog, one] if catalog.eq_ignore_ascii_case(SPARK_CATALOG) => *one,
        _ => {
            return Err(Error::user("REQUIRES_SINGLE_PART_NAMESPACE")
                .param("sessionCatalog", SPARK_CATALOG)
                .param("namespace", quoted_name(&parts)));
        }
    };
    if one.eq_ignore_ascii_case(GLOBAL_TEMP) {
        return Ok(GLOBAL_TEMP.to_string());
    }
    Ok(cx.state.catalog.database(one)?.name.clone())
}

/// Names of a database's relations and of the temporary views: database, name, is temporary, is a view.
fn relations(cx: &StatementCx<'_>, database: &str) -> Vec<(String, String, bool, bool)> {
    let mut out = Vec::new();
    for relation in cx.state.catalog.relations(database) {
        out.push(match relation {
            Relation::Table(t) => (t.database.clone(), t.name.clone(), false, false),
            Relation::View(v) => (v.database.clone().unwrap_or_default(), v.name.clone(), false, true),
        });
    }
    if database == GLOBAL_TEMP {
        let views = cx.session.shared.global_views.read();
        out.extend(
            views
                .iter()
                .map(|v| (GLOBAL_TEMP.to_string(), v.name.clone(), true, true)),
        );
    }
    let local = cx.state.catalog.temporary_views();
    out.extend(local.map(|v| (String::new(), v.name.clone(), true, true)));
    out.sort_by(|a, b| a.1.cmp(&b.1));
    out
}

fn tables(cx: &StatementCx<'_>, database: Option<&ObjectName>, pattern: Option<&str>) -> Result<StatementOutput> {
    let database = database_of(cx, database)?;
    let mut table = TextTable::text(&["namespace", "tableName"]).flag("isTemporary");
    for (database, name, temporary, _) in relations(cx, &database) {
        if pattern::matches(pattern, &name) {
            table.row([database.into(), name.into(), temporary.into()]);
        }
    }
    Ok(table.finish())
}

fn views(cx: &StatementCx<'_>, database: Option<&ObjectName>, pattern: Option<&str>) -> Result<StatementOutput> {
    let database = database_of(cx, database)?;
    let mut table = TextTable::text(&["namespace", "viewName"]).flag("isTemporary");
    for (database, name, temporary, view) in relations(cx, &database) {
        if view && pattern::matches(pattern, &name) {
            table.row([database.into(), name.into(), temporary.into()]);
        }
    }
    Ok(table.finish())
}

fn columns(cx: &StatementCx<'_>, name: &NameExpr, database: Option<&ObjectName>) -> Result<StatementOutput> {
    let mut name = name.clone();
    if let (Some(database), NameExpr::Name(written)) = (database, &mut name) {
        match written.0.len() {
            1 => {
                let table = std::mem::take(&mut written.0);
                written.0 = database.0.iter().cloned().chain(table).collect();
            }
            n => {
                let given = &written.0[..n - 1];
                let same = given.last().map(|i| i.value.to_lowercase()) == Some(database.last().to_lowercase());
                if !same {
                    return Err(Error::user("SHOW_COLUMNS_WITH_CONFLICT_NAMESPACE")
                        .param("namespaceA", quoted_name(database.parts()))
                        .param("namespaceB", quoted_name(given.iter().map(|i| &i.value))));
                }
            }
        }
    }
    let (_, found) = relation::expect(cx, &name)?;
    let mut table = TextTable::text(&["col_name"]);
    for (name, ..) in found.columns() {
        table.row([name.into()]);
    }
    Ok(table.finish())
}

fn functions(
    cx: &StatementCx<'_>,
    scope: Option<&str>,
    database: Option<&ObjectName>,
    pattern: Option<&str>,
) -> Result<StatementOutput> {
    let scope = scope.unwrap_or("ALL").to_uppercase();
    if !matches!(scope.as_str(), "ALL" | "USER" | "SYSTEM") {
        return Err(
            Error::user("INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE").param("scope", quoted_name([&scope]))
        );
    }
    let database = database_of(cx, database)?;
    let mut names: Vec<String> = Vec::new();
    if scope != "USER" {
        let builtin = cx.session.shared.registry.all();
        names.extend(builtin.into_iter().map(|(n, _)| n.to_string()));
    }
    if scope != "SYSTEM" {
        for f in cx.state.catalog.functions() {
            match &f.database {
                None => names.push(f.name.clone()),
                Some(d) if d.eq_ignore_ascii_case(&database) => {
                    names.push(format!("{SPARK_CATALOG}.{d}.{}", f.name));
                }
                Some(_) => {}
            }
        }
    }
    names.retain(|n| pattern::matches(pattern, n.rsplit('.').next().unwrap_or(n)));
    names.sort();
    names.dedup();
    let mut table = TextTable::text(&["function"]);
    for name in names {
        table.row([name.into()]);
    }
    Ok(table.finish())
}

/// How SHOW and DESCRIBE name the kind of a view.
pub(super) fn is_temporary(scope: ViewScope) -> bool {
    scope != ViewScope::Permanent
}
