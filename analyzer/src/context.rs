//! What analysis may look at: settings, functions, and a snapshot of the catalog behind [`Resolver`].

use std::collections::HashMap;
use std::sync::Arc;

use rsql_ast as ast;
use rsql_catalog::{ScanFacts, ScanSource};
use rsql_common::ids::IdGen;
use rsql_common::{Result, Settings};
use rsql_expr::{EvalOptions, FunctionRegistry, Literal, SqlType};

use crate::CharColumns;

/// Surroundings of one statement's analysis.
#[derive(Clone)]
pub struct AnalyzerContext<'a> {
    /// Frozen session facts.
    pub options: Arc<EvalOptions>,
    /// The session's settings.
    pub settings: Arc<Settings>,
    /// Functions.
    pub registry: Arc<FunctionRegistry>,
    /// Fresh ids.
    pub ids: Arc<IdGen>,
    /// Catalog snapshot.
    pub resolver: &'a dyn Resolver,
    /// Values of `?`, in order.
    pub positional: Arc<[Literal]>,
    /// Values of `:name`.
    pub named: Arc<HashMap<String, Literal>>,
    /// CHAR columns met so far.
    pub char_columns: Arc<CharColumns>,
}

/// One consistent view of catalog, variables and SQL functions. Names come as the user wrote them (1 to 3 parts).
pub trait Resolver: Send + Sync {
    /// Table or view of a name; `None` if there is none.
    fn relation(&self, name: &[String]) -> Result<Option<ResolvedRelation>>;

    /// Files of ``format.`path` ``; `None` if `format` is not a file format.
    fn path(&self, format: &str, path: &str) -> Result<Option<ResolvedRelation>>;

    /// A session variable's value.
    fn variable(&self, name: &[String]) -> Option<Literal>;

    /// A function made by CREATE FUNCTION.
    fn function(&self, name: &[String]) -> Result<Option<Arc<SqlFunction>>>;

    /// Current catalog and database, for `searchPath` in messages.
    fn namespace(&self) -> (String, String);
}

/// What a relation's name stands for.
#[derive(Debug, Clone)]
pub enum ResolvedRelation {
    /// Rows in a source.
    Table {
        /// Fully qualified name: catalog, database, table (just the name for temporary ones).
        name: Vec<String>,
        /// What is read.
        source: Arc<ScanSource>,
        /// What is known beforehand.
        facts: Option<Arc<ScanFacts>>,
    },
    /// A stored query.
    View(Arc<ViewDefinition>),
}

/// A view's definition with what it must be analyzed under.
#[derive(Debug, Clone)]
pub struct ViewDefinition {
    /// Fully qualified name (just the name for a local temporary view).
    pub name: Vec<String>,
    /// Local or global temporary.
    pub temporary: bool,
    /// The query.
    pub query: Arc<ast::Query>,
    /// Output column names and types at creation; the query's columns are renamed (and for permanent views cast) to them.
    pub columns: Vec<(String, Option<SqlType>)>,
    /// Frozen session facts at creation (ANSI mode, time zone, current database).
    pub options: Arc<EvalOptions>,
    /// Settings at creation.
    pub settings: Arc<Settings>,
}

/// A SQL function.
#[derive(Debug, Clone)]
pub struct SqlFunction {
    /// Fully qualified name.
    pub name: Vec<String>,
    /// Parameters: name, type, default.
    pub params: Vec<(String, SqlType, Option<ast::Expr>)>,
    /// Type of a scalar function's value.
    pub returns: Option<SqlType>,
    /// Columns of a table function.
    pub returns_table: Option<Vec<(String, SqlType)>>,
    /// Body of a scalar function.
    pub body: Option<ast::Expr>,
    /// Body of a table function.
    pub query: Option<Arc<ast::Query>>,
    /// Frozen session facts at creation.
    pub options: Arc<EvalOptions>,
}
