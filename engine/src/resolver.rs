//! What the analyzer sees of a statement's catalog snapshot.

use std::sync::Arc;

use rsql_analyzer::{ResolvedRelation, Resolver, SqlFunction, ViewDefinition};
use rsql_ast as ast;
use rsql_catalog::session::{GLOBAL_TEMP, Relation, SPARK_CATALOG, TableEntry, ViewBody, ViewEntry, ViewScope};
use rsql_common::{Error, Result};
use rsql_expr::Literal;

use crate::query::StatementCx;
use crate::source;

/// A [`Resolver`] over one statement's snapshot.
pub(crate) struct SnapshotResolver<'a> {
    pub cx: &'a StatementCx<'a>,
}

impl Resolver for SnapshotResolver<'_> {
    fn relation(&self, name: &[String]) -> Result<Option<ResolvedRelation>> {
        match name {
            [one] => {
                if let Some(view) = self.cx.state.catalog.temporary_view(one) {
                    return self.view(view).map(Some);
                }
            }
            [database, one] | [_, database, one] if database.eq_ignore_ascii_case(GLOBAL_TEMP) => {
                let views = self.cx.session.shared.global_views.read();
                let found = views.iter().find(|v| v.name.eq_ignore_ascii_case(one)).cloned();
                drop(views);
                return found.map(|v| self.view(&v)).transpose();
            }
            _ => {}
        }
        match self.cx.state.catalog.find(name) {
            Some(Relation::Table(table)) => self.table(table).map(Some),
            Some(Relation::View(view)) => self.view(view).map(Some),
            None => Ok(None),
        }
    }

    fn path(&self, format: &str, path: &str) -> Result<Option<ResolvedRelation>> {
        let lower = format.to_ascii_lowercase();
        let known = source::format_of(&lower);
        if known.is_none() && !matches!(lower.as_str(), "orc" | "avro") {
            return Ok(None);
        }
        if path.is_empty() {
            return Err(Error::user("INVALID_EMPTY_LOCATION").param("location", path));
        }
        let Some(format) = known else {
            if !rsql_storage::local_path(path)?.exists() {
                return Err(Error::user("PATH_NOT_FOUND").param("path", path));
            }
            return Err(Error::unsupported(format!("reading {lower} files")));
        };
        let (source, facts) = source::open(
            format,
            &[path.to_string()],
            None,
            &[],
            self.cx.state.settings.time_zone(),
        )?;
        Ok(Some(ResolvedRelation::Table {
            name: vec![path.to_string()],
            source,
            facts,
        }))
    }

    fn variable(&self, name: &[String]) -> Option<Literal> {
        let one = match name {
            [one] => one,
            [schema, one] if is_session(schema) => one,
            [system, schema, one] if system.eq_ignore_ascii_case("system") && is_session(schema) => one,
            _ => return None,
        };
        self.cx
            .state
            .variables
            .get(&one.to_lowercase())
            .map(|v| v.value.clone())
    }

    fn function(&self, name: &[String]) -> Result<Option<Arc<SqlFunction>>> {
        let catalog = &self.cx.state.catalog;
        let found = match name {
            [one] => catalog
                .function(None, one)
                .or_else(|| catalog.function(Some(catalog.current_database()), one)),
            [database, one] if is_session(database) => catalog.function(None, one),
            [database, one] | [_, database, one] => catalog.function(Some(database), one),
            _ => None,
        };
        found
            .map(|entry| crate::command::function::load(self.cx, entry))
            .transpose()
    }

    fn namespace(&self) -> (String, String) {
        (
            SPARK_CATALOG.to_string(),
            self.cx.state.catalog.current_database().to_string(),
        )
    }
}

fn is_session(schema: &str) -> bool {
    schema.eq_ignore_ascii_case("session")
}

impl SnapshotResolver<'_> {
    /// The full name that a function of this name would have if it were not temporary.
    pub(crate) fn function_name(&self, name: &[String]) -> Option<Vec<String>> {
        self.cx.state.catalog.full_name(name).ok()
    }

    fn table(&self, table: &TableEntry) -> Result<ResolvedRelation> {
        let (source, facts) = source::open_table(table, &self.cx.state.settings)?;
        let name = vec![SPARK_CATALOG.to_string(), table.database.clone(), table.name.clone()];
        Ok(ResolvedRelation::Table { name, source, facts })
    }

    fn view(&self, view: &ViewEntry) -> Result<ResolvedRelation> {
        let mut name: Vec<String> = Vec::new();
        if let Some(database) = &view.database {
            if view.scope == ViewScope::Permanent {
                name.push(SPARK_CATALOG.to_string());
            }
            name.push(database.clone());
        }
        name.push(view.name.clone());
        match &view.body {
            ViewBody::Source(source, facts) => Ok(ResolvedRelation::Table {
                name,
                source: Arc::clone(source),
                facts: facts.clone(),
            }),
            ViewBody::Query(text) => Ok(ResolvedRelation::View(Arc::new(ViewDefinition {
                name,
                temporary: view.scope != ViewScope::Permanent,
                query: self.parse(text, view)?,
                columns: view
                    .columns
                    .iter()
                    .map(|(n, t, _)| (n.clone(), Some(t.clone())))
                    .collect(),
                options: Arc::clone(&view.options),
                settings: Arc::clone(&view.settings),
            }))),
        }
    }

    /// The view's text as a tree; parsed once per text.
    fn parse(&self, text: &Arc<str>, view: &ViewEntry) -> Result<Arc<ast::Query>> {
        if let Some(found) = self.cx.session.shared.parsed_views.lock().get(text) {
            return Ok(Arc::clone(found));
        }
        let options = rsql_sql::ParseOptions::from_settings(&view.settings)?;
        let parsed = rsql_sql::parse_statement(text, &options).map_err(|e| e.in_query(text))?;
        let ast::StatementKind::Query(query) = parsed.kind else {
            return Err(Error::internal(format!("the view {} does not hold a query", view.name)));
        };
        let query: Arc<ast::Query> = Arc::from(query);
        self.cx
            .session
            .shared
            .parsed_views
            .lock()
            .insert(Arc::clone(text), Arc::clone(&query));
        Ok(query)
    }
}
