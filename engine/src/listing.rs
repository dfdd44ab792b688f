//! What a client's catalog browser asks: databases, and relations with their columns.

use rsql_catalog::session::{GLOBAL_TEMP, Relation, ViewEntry, ViewScope};
use rsql_common::ColumnId;
use rsql_expr::{Field, Schema, SqlType};

use crate::session::Session;

pub use rsql_catalog::session::SPARK_CATALOG;

/// Which kind of relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum RelationKind {
    Table,
    View,
    TemporaryView,
}

impl RelationKind {
    /// All kinds.
    pub const ALL: [RelationKind; 3] = [Self::Table, Self::View, Self::TemporaryView];

    /// As JDBC and ADBC list it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "TABLE",
            Self::View => "VIEW",
            Self::TemporaryView => "LOCAL TEMPORARY",
        }
    }
}

/// A table or view.
#[derive(Debug, Clone)]
pub struct RelationInfo {
    /// Database; empty for local temporary views.
    pub database: String,
    /// Name as created.
    pub name: String,
    /// Which kind.
    pub kind: RelationKind,
    /// Columns.
    pub schema: Schema,
}

impl Session {
    /// Names of all databases, and of the one that holds global temporary views.
    pub fn database_names(&self) -> Vec<String> {
        let state = self.snapshot();
        let mut names: Vec<String> = state.catalog.databases().map(|d| d.name.clone()).collect();
        if !self.shared.global_views.read().is_empty() {
            names.push(GLOBAL_TEMP.into());
        }
        names
    }

    /// All tables and views the session sees.
    pub fn relations(&self) -> Vec<RelationInfo> {
        let state = self.snapshot();
        let mut all: Vec<RelationInfo> = state
            .catalog
            .databases()
            .flat_map(|d| state.catalog.relations(&d.name))
            .map(|relation| match relation {
                Relation::Table(t) => RelationInfo {
                    database: t.database.clone(),
                    name: t.name.clone(),
                    kind: RelationKind::Table,
                    schema: schema(t.columns.iter().map(|c| (c.name.as_ref(), &c.ty, c.nullable))),
                },
                Relation::View(v) => view(v),
            })
            .collect();
        all.extend(self.shared.global_views.read().iter().map(|v| view(v)));
        all.extend(state.catalog.temporary_views().map(|v| view(v)));
        all
    }
}

fn view(v: &ViewEntry) -> RelationInfo {
    RelationInfo {
        database: v.database.clone().unwrap_or_else(|| match v.scope {
            ViewScope::GlobalTemporary => GLOBAL_TEMP.into(),
            ViewScope::Permanent | ViewScope::Temporary => String::new(),
        }),
        name: v.name.clone(),
        kind: match v.scope {
            ViewScope::Permanent => RelationKind::View,
            ViewScope::Temporary | ViewScope::GlobalTemporary => RelationKind::TemporaryView,
        },
        schema: schema(v.columns.iter().map(|(name, ty, _)| (name.as_str(), ty, true))),
    }
}

fn schema<'a>(columns: impl Iterator<Item = (&'a str, &'a SqlType, bool)>) -> Schema {
    Schema::new(columns.enumerate().map(|(i, (name, ty, nullable))| Field {
        id: ColumnId(u32::try_from(i).unwrap_or(u32::MAX)),
        name: name.into(),
        ty: ty.clone(),
        nullable,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_tables_and_views_with_columns() {
        let session = Session::new().unwrap();
        session.sql("CREATE TABLE t (a INT, b STRING) USING parquet").unwrap();
        session.sql("CREATE VIEW v AS SELECT a FROM t").unwrap();
        session.sql("CREATE TEMPORARY VIEW w AS SELECT 1 AS x").unwrap();
        session.sql("CREATE GLOBAL TEMPORARY VIEW g AS SELECT 1L AS y").unwrap();
        let listed: Vec<_> = session
            .relations()
            .into_iter()
            .map(|r| {
                format!(
                    "{}.{} {} {}",
                    r.database,
                    r.name,
                    r.kind.name(),
                    r.schema.simple_string()
                )
            })
            .collect();
        assert_eq!(
            listed,
            [
                "default.t TABLE struct<a:int,b:string>",
                "default.v VIEW struct<a:int>",
                "global_temp.g LOCAL TEMPORARY struct<y:bigint>",
                ".w LOCAL TEMPORARY struct<x:int>",
            ]
        );
        assert_eq!(session.database_names(), ["default", "global_temp"]);
    }
}
