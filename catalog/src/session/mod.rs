//! The session catalog: databases with tables and views, temporary and global temporary views, SQL functions.
//!
//! A [`SessionCatalog`] is an immutable value: a statement works on one snapshot, and a change makes a new one. Names
//! resolve ignoring case, as Spark's do; the case they were created with is kept for display.

mod entry;
mod error;
mod lookup;

use std::collections::BTreeMap;
use std::sync::Arc;

use rsql_common::Result;

pub use entry::{Database, FunctionEntry, TableEntry, ViewBody, ViewEntry, ViewScope};
pub use error::{
    cannot_drop_default, database_exists, database_not_empty, database_not_found, relation_exists, relation_not_found,
    wrong_kind,
};

/// The one catalog at present.
pub const SPARK_CATALOG: &str = "spark_catalog";
/// The database sessions start in.
pub const DEFAULT_DATABASE: &str = "default";
/// The database of global temporary views.
pub const GLOBAL_TEMP: &str = "global_temp";

/// A table or a permanent view.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Relation {
    Table(Arc<TableEntry>),
    View(Arc<ViewEntry>),
}

/// Databases, tables, views and functions of a session at one moment.
#[derive(Debug, Clone)]
pub struct SessionCatalog {
    databases: Arc<BTreeMap<String, Database>>,
    relations: Arc<BTreeMap<(String, String), Relation>>,
    temporary: Arc<BTreeMap<String, Arc<ViewEntry>>>,
    functions: Arc<BTreeMap<(Option<String>, String), Arc<FunctionEntry>>>,
    current_database: Arc<str>,
    version: u64,
}

/// The part of a catalog that sessions share: databases, tables, permanent views and functions.
#[derive(Debug, Clone)]
pub struct Lasting {
    databases: Arc<BTreeMap<String, Database>>,
    relations: Arc<BTreeMap<(String, String), Relation>>,
    functions: BTreeMap<(Option<String>, String), Arc<FunctionEntry>>,
}

impl Lasting {
    /// True if both are the same but for changes that cancel each other out.
    pub fn same(&self, other: &Lasting) -> bool {
        Arc::ptr_eq(&self.databases, &other.databases)
            && Arc::ptr_eq(&self.relations, &other.relations)
            && self.functions.len() == other.functions.len()
            && self
                .functions
                .iter()
                .zip(&other.functions)
                .all(|(a, b)| a.0 == b.0 && Arc::ptr_eq(a.1, b.1))
    }
}

fn key(name: &str) -> String {
    name.to_lowercase()
}

impl SessionCatalog {
    /// A catalog with just the database `default` at `warehouse`.
    pub fn new(warehouse: &str) -> Self {
        let default = Database {
            name: DEFAULT_DATABASE.into(),
            comment: "default database".into(),
            location: warehouse.to_string(),
            properties: Vec::new(),
            collation: None,
        };
        Self {
            databases: Arc::new(BTreeMap::from([(DEFAULT_DATABASE.to_string(), default)])),
            relations: Arc::default(),
            temporary: Arc::default(),
            functions: Arc::default(),
            current_database: DEFAULT_DATABASE.into(),
            version: 0,
        }
    }

    /// The part that other sessions see too.
    pub fn lasting(&self) -> Lasting {
        let permanent = self.functions.iter().filter(|((database, _), _)| database.is_some());
        Lasting {
            databases: Arc::clone(&self.databases),
            relations: Arc::clone(&self.relations),
            functions: permanent.map(|(k, f)| (k.clone(), Arc::clone(f))).collect(),
        }
    }

    /// Takes over what other sessions changed. A current database that is gone becomes the default one.
    pub fn adopt(&mut self, lasting: &Lasting) {
        self.databases = Arc::clone(&lasting.databases);
        self.relations = Arc::clone(&lasting.relations);
        let functions = Arc::make_mut(&mut self.functions);
        functions.retain(|(database, _), _| database.is_none());
        functions.extend(lasting.functions.iter().map(|(k, f)| (k.clone(), Arc::clone(f))));
        if !self.databases.contains_key(&key(&self.current_database)) {
            self.current_database = DEFAULT_DATABASE.into();
        }
        self.version += 1;
    }

    /// Grows with each change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where unqualified names are looked up.
    pub fn current_database(&self) -> &Arc<str> {
        &self.current_database
    }

    /// Makes `name` the current database.
    pub fn use_database(&mut self, name: &str) -> Result<()> {
        let database = self.database(name)?.name.as_str().into();
        self.current_database = database;
        self.version += 1;
        Ok(())
    }

    /// A database; `SCHEMA_NOT_FOUND` if there is none.
    pub fn database(&self, name: &str) -> Result<&Database> {
        self.databases.get(&key(name)).ok_or_else(|| database_not_found(name))
    }

    /// All databases by name.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.values()
    }

    /// Adds a database; false if it exists and `if_not_exists`.
    pub fn create_database(&mut self, database: Database, if_not_exists: bool) -> Result<bool> {
        if self.databases.contains_key(&key(&database.name)) {
            return if if_not_exists {
                Ok(false)
            } else {
                Err(database_exists(&database.name))
            };
        }
        Arc::make_mut(&mut self.databases).insert(key(&database.name), database);
        self.version += 1;
        Ok(true)
    }

    /// Replaces a database's definition.
    pub fn alter_database(&mut self, database: Database) -> Result<()> {
        self.database(&database.name)?;
        Arc::make_mut(&mut self.databases).insert(key(&database.name), database);
        self.version += 1;
        Ok(())
    }

    /// Removes a database and, with `cascade`, what is in it. Gives the removed definition.
    pub fn drop_database(&mut self, name: &str, cascade: bool) -> Result<Database> {
        let found = self.database(name)?.clone();
        if key(name) == DEFAULT_DATABASE {
            return Err(cannot_drop_default());
        }
        let inside = self.relations.keys().any(|(d, _)| *d == key(name));
        if inside && !cascade {
            return Err(database_not_empty(name));
        }
        Arc::make_mut(&mut self.relations).retain(|(d, _), _| *d != key(name));
        Arc::make_mut(&mut self.functions).retain(|(d, _), _| d.as_deref() != Some(&key(name)));
        Arc::make_mut(&mut self.databases).remove(&key(name));
        if key(&self.current_database) == key(name) {
            self.current_database = DEFAULT_DATABASE.into();
        }
        self.version += 1;
        Ok(found)
    }

    /// A table or permanent view of a database.
    pub fn relation(&self, database: &str, name: &str) -> Option<&Relation> {
        self.relations.get(&(key(database), key(name)))
    }

    /// All tables and permanent views of a database, by name.
    pub fn relations(&self, database: &str) -> impl Iterator<Item = &Relation> {
        let database = key(database);
        self.relations
            .iter()
            .filter(move |((d, _), _)| *d == database)
            .map(|(_, r)| r)
    }

    /// Adds or replaces a table or permanent view.
    pub fn put_relation(&mut self, relation: Relation) {
        let (database, name) = match &relation {
            Relation::Table(t) => (key(&t.database), key(&t.name)),
            Relation::View(v) => (key(v.database.as_deref().unwrap_or_default()), key(&v.name)),
        };
        Arc::make_mut(&mut self.relations).insert((database, name), relation);
        self.version += 1;
    }

    /// Removes a table or permanent view.
    pub fn remove_relation(&mut self, database: &str, name: &str) -> Option<Relation> {
        self.version += 1;
        Arc::make_mut(&mut self.relations).remove(&(key(database), key(name)))
    }

    /// A local temporary view.
    pub fn temporary_view(&self, name: &str) -> Option<&Arc<ViewEntry>> {
        self.temporary.get(&key(name))
    }

    /// All local temporary views, by name.
    pub fn temporary_views(&self) -> impl Iterator<Item = &Arc<ViewEntry>> {
        self.temporary.values()
    }

    /// Adds or replaces a local temporary view.
    pub fn put_temporary_view(&mut self, view: Arc<ViewEntry>) {
        Arc::make_mut(&mut self.temporary).insert(key(&view.name), view);
        self.version += 1;
    }

    /// Removes a local temporary view.
    pub fn remove_temporary_view(&mut self, name: &str) -> Option<Arc<ViewEntry>> {
        self.version += 1;
        Arc::make_mut(&mut self.temporary).remove(&key(name))
    }

    /// A function: temporary if `database` is `None`.
    pub fn function(&self, database: Option<&str>, name: &str) -> Option<&Arc<FunctionEntry>> {
        self.functions.get(&(database.map(key), key(name)))
    }

    /// All functions made by CREATE FUNCTION.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<FunctionEntry>> {
        self.functions.values()
    }

    /// Adds or replaces a function.
    pub fn put_function(&mut self, function: Arc<FunctionEntry>) {
        let at = (function.database.as_deref().map(key), key(&function.name));
        Arc::make_mut(&mut self.functions).insert(at, function);
        self.version += 1;
    }

    /// Removes a function.
    pub fn remove_function(&mut self, database: Option<&str>, name: &str) -> Option<Arc<FunctionEntry>> {
        self.version += 1;
        Arc::make_mut(&mut self.functions).remove(&(database.map(key), key(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_come_and_go() {
        let mut c = SessionCatalog::new("/w");
        let db = Database {
            name: "Sales".into(),
            comment: String::new(),
            location: "/w/sales.db".into(),
            properties: vec![],
            collation: None,
        };
        assert!(c.create_database(db.clone(), false).unwrap());
        assert!(!c.create_database(db.clone(), true).unwrap());
        assert_eq!(
            c.create_database(db, false).unwrap_err().condition(),
            "SCHEMA_ALREADY_EXISTS"
        );
        c.use_database("SALES").unwrap();
        assert_eq!(&**c.current_database(), "Sales");
        c.drop_database("sales", false).unwrap();
        assert_eq!(&**c.current_database(), "default");
        assert_eq!(c.use_database("sales").unwrap_err().condition(), "SCHEMA_NOT_FOUND");
    }

    #[test]
    fn snapshots_do_not_change() {
        let mut c = SessionCatalog::new("/w");
        let before = c.clone();
        let mut view = ViewEntry::test("v");
        view.scope = ViewScope::Temporary;
        c.put_temporary_view(Arc::new(view));
        assert!(before.temporary_view("V").is_none() && c.temporary_view("V").is_some());
    }
}
