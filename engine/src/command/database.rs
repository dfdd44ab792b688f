//! CREATE, ALTER, DROP DATABASE; USE.

use rsql_ast::Ident;
use rsql_ast::command::{NameExpr, Properties, StatementKind};
use rsql_catalog::session::{self, Database, SPARK_CATALOG};
use rsql_common::{Error, Result, quoted_name};

use super::name;
use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `CREATE DATABASE`
pub(crate) fn create(cx: &StatementCx<'_>, kind: &StatementKind) -> Result<StatementOutput> {
    let StatementKind::CreateDatabase {
        name,
        if_not_exists,
        comment,
        location,
        properties,
        collation,
    } = kind
    else {
        return Err(Error::internal("not a CREATE DATABASE"));
    };
    let name = single(&name::parts(cx, name)?)?;
    let folder = cx.session.warehouse.join(format!("{}.db", name.to_lowercase()));
    let database = Database {
        name,
        comment: comment.clone().unwrap_or_default(),
        location: location
            .clone()
            .unwrap_or_else(|| crate::session::location_url(&folder)),
        properties: properties.clone(),
        collation: collation.as_ref().map(rsql_analyzer::resolve_collation).transpose()?,
    };
    cx.session
        .state
        .write()
        .catalog
        .create_database(database, *if_not_exists)?;
    Ok(StatementOutput::none())
}

/// `DROP DATABASE`; with CASCADE its tables' files go too.
pub(crate) fn drop(cx: &StatementCx<'_>, name: &NameExpr, if_exists: bool, cascade: bool) -> Result<StatementOutput> {
    let name = single(&name::parts(cx, name)?)?;
    let mut state = cx.session.state.write();
    if if_exists && state.catalog.database(&name).is_err() {
        return Ok(StatementOutput::none());
    }
    let tables: Vec<_> = state.catalog.relations(&name).cloned().collect();
    state.catalog.drop_database(&name, cascade)?;
    std::mem::drop(state);
    for relation in tables {
        if let session::Relation::Table(table) = relation
            && !table.external
        {
            super::table::remove_files(&table)?;
        }
    }
    Ok(StatementOutput::none())
}

/// `ALTER DATABASE … SET DBPROPERTIES | LOCATION`, `… DEFAULT COLLATION`
pub(crate) fn alter(
    cx: &StatementCx<'_>,
    name: &NameExpr,
    properties: &Properties,
    location: Option<&str>,
    collation: Option<&Ident>,
) -> Result<StatementOutput> {
    let collation = collation.map(rsql_analyzer::resolve_collation).transpose()?;
    change(cx, name, |database| {
        if collation.is_some() {
            database.collation = collation;
        }
        for (key, value) in properties {
            database.properties.retain(|(k, _)| k != key);
            database.properties.push((key.clone(), value.clone()));
        }
        if let Some(location) = location {
            database.location = location.to_string();
        }
    })
}

/// `COMMENT ON DATABASE`
pub(crate) fn comment(cx: &StatementCx<'_>, name: &NameExpr, comment: Option<&str>) -> Result<StatementOutput> {
    change(cx, name, |database| {
        database.comment = comment.unwrap_or_default().to_string()
    })
}

/// `USE`
pub(crate) fn use_database(cx: &StatementCx<'_>, name: &NameExpr) -> Result<StatementOutput> {
    let parts = name::parts(cx, name)?;
    if let [one] = parts.as_slice()
        && one.eq_ignore_ascii_case(SPARK_CATALOG)
    {
        return Ok(StatementOutput::none());
    }
    cx.session.state.write().catalog.use_database(&single(&parts)?)?;
    Ok(StatementOutput::none())
}

fn change(cx: &StatementCx<'_>, name: &NameExpr, f: impl FnOnce(&mut Database)) -> Result<StatementOutput> {
    let name = single(&name::parts(cx, name)?)?;
    let mut state = cx.session.state.write();
    let mut database = state.catalog.database(&name)?.clone();
    f(&mut database);
    state.catalog.alter_database(database)?;
    Ok(StatementOutput::none())
}

/// The database's name; the catalog's name may stand before it.
pub(super) fn single(parts: &[String]) -> Result<String> {
    match parts {
        [one] => Ok(one.clone()),
        [catalog, one] if catalog.eq_ignore_ascii_case(SPARK_CATALOG) => Ok(one.clone()),
        _ => Err(Error::user("REQUIRES_SINGLE_PART_NAMESPACE")
            .param("sessionCatalog", SPARK_CATALOG)
            .param("namespace", quoted_name(parts))),
    }
}
