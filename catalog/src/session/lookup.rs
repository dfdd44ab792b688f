//! Which relation a name of one to three parts means.

use rsql_common::{Error, Result, quoted_name};

use super::{DEFAULT_DATABASE, Relation, SPARK_CATALOG, SessionCatalog};

impl SessionCatalog {
    /// Database and name of `parts`, the current database where none is written. Checks the catalog's name.
    pub fn qualify(&self, parts: &[String]) -> Result<(String, String)> {
        match parts {
            [name] => Ok((self.current_database().to_string(), name.clone())),
            [database, name] => Ok((database.clone(), name.clone())),
            [catalog, database, name] if catalog.eq_ignore_ascii_case(SPARK_CATALOG) => {
                Ok((database.clone(), name.clone()))
            }
            _ => Err(Error::user("REQUIRES_SINGLE_PART_NAMESPACE")
                .param("sessionCatalog", SPARK_CATALOG)
                .param("namespace", quoted_name(&parts[..parts.len().saturating_sub(1)]))),
        }
    }

    /// The table or permanent view of a name.
    pub fn find(&self, parts: &[String]) -> Option<&Relation> {
        let (database, name) = self.qualify(parts).ok()?;
        self.relation(&database, &name)
    }

    /// `spark_catalog.database.name` of a name.
    pub fn full_name(&self, parts: &[String]) -> Result<Vec<String>> {
        let (database, name) = self.qualify(parts)?;
        let database = self.database(&database).map_or(database.clone(), |d| d.name.clone());
        Ok(vec![SPARK_CATALOG.to_string(), database, name])
    }

    /// True in the database that sessions start in.
    pub fn in_default(&self) -> bool {
        &**self.current_database() == DEFAULT_DATABASE
    }
}
