//! What the session catalog holds.

use std::sync::Arc;

use rsql_common::Settings;
use rsql_expr::{Collation, EvalOptions, SqlType};

use crate::{FileFormat, ScanFacts, ScanSource, SourceColumn};

/// A database.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// Name as created.
    pub name: String,
    /// COMMENT.
    pub comment: String,
    /// Folder of its managed tables.
    pub location: String,
    /// DBPROPERTIES.
    pub properties: Vec<(String, String)>,
    /// DEFAULT COLLATION.
    pub collation: Option<Collation>,
}

/// A table whose rows are files in a folder.
#[derive(Debug, Clone)]
pub struct TableEntry {
    /// Database's name.
    pub database: String,
    /// Name as created.
    pub name: String,
    /// Columns, partition columns last.
    pub columns: Vec<SourceColumn>,
    /// Comments of the columns, where given.
    pub column_comments: Vec<Option<String>>,
    /// DEFAULT expressions as text, where given.
    pub column_defaults: Vec<Option<String>>,
    /// How many of the last columns are partition columns.
    pub n_partition_columns: usize,
    /// Provider as Spark names it: `parquet`, `csv`, …
    pub provider: String,
    /// Format, if the provider is one we read.
    pub format: Option<FileFormat>,
    /// Folder.
    pub location: String,
    /// LOCATION was given: DROP keeps the files.
    pub external: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// TBLPROPERTIES.
    pub properties: Vec<(String, String)>,
    /// OPTIONS.
    pub options: Vec<(String, String)>,
    /// CLUSTERED BY: columns, sort columns, buckets.
    pub buckets: Option<(Vec<String>, Vec<String>, i64)>,
    /// DEFAULT COLLATION.
    pub collation: Option<Collation>,
}

/// Which kind of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ViewScope {
    Permanent,
    Temporary,
    GlobalTemporary,
}

/// A view.
#[derive(Debug, Clone)]
pub struct ViewEntry {
    /// Database; none for local temporary views.
    pub database: Option<String>,
    /// Name as created.
    pub name: String,
    /// Which kind.
    pub scope: ViewScope,
    /// What it stands for.
    pub body: ViewBody,
    /// Output columns: name, type, comment.
    pub columns: Vec<(String, SqlType, Option<String>)>,
    /// COMMENT.
    pub comment: Option<String>,
    /// TBLPROPERTIES.
    pub properties: Vec<(String, String)>,
    /// Frozen session facts at creation.
    pub options: Arc<EvalOptions>,
    /// Settings at creation.
    pub settings: Arc<Settings>,
}

/// What a view stands for.
#[derive(Debug, Clone)]
pub enum ViewBody {
    /// A query's text.
    Query(Arc<str>),
    /// A source (`CREATE TEMPORARY VIEW … USING`, or a registered batch).
    Source(Arc<ScanSource>, Option<Arc<ScanFacts>>),
}

/// A function made by CREATE FUNCTION.
#[derive(Debug, Clone)]
pub struct FunctionEntry {
    /// Database; none for temporary functions.
    pub database: Option<String>,
    /// Name as created.
    pub name: String,
    /// The CREATE FUNCTION statement's text.
    pub statement: Arc<str>,
    /// Frozen session facts at creation.
    pub options: Arc<EvalOptions>,
}

#[cfg(test)]
impl ViewEntry {
    pub(crate) fn test(name: &str) -> Self {
        Self {
            database: None,
            name: name.into(),
            scope: ViewScope::Temporary,
            body: ViewBody::Query("SELECT 1".into()),
            columns: vec![],
            comment: None,
            properties: vec![],
            options: Arc::default(),
            settings: Arc::default(),
        }
    }
}
