//! Statements: queries and commands.

use rsql_common::Span;

use crate::data_type::ColumnDef;
use crate::relation::TableAlias;
use crate::{Expr, Ident, ObjectName, Query, TypeExpr};

/// One statement and its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where it stands.
    pub span: Span,
}

/// Key and value of OPTIONS, TBLPROPERTIES and the like.
pub type Properties = Vec<(String, String)>;

/// EXPLAIN's modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ExplainMode {
    Simple,
    Extended,
    Codegen,
    Cost,
    Formatted,
    Analyze,
}

/// Which view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ViewScope {
    Permanent,
    Temporary,
    GlobalTemporary,
}

/// A name, or `IDENTIFIER(expr)` to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum NameExpr {
    /// A written name.
    Name(ObjectName),
    /// `IDENTIFIER(expr)`
    Identifier(Box<Expr>),
}

/// Where INSERT writes.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertTarget {
    /// A table.
    Table(NameExpr),
    /// `DIRECTORY 'path' USING format OPTIONS (…)`
    Directory {
        /// Path.
        path: Option<String>,
        /// Format.
        format: Option<String>,
        /// Options.
        options: Properties,
    },
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// A query.
    Query(Box<Query>),
    /// EXPLAIN.
    Explain {
        /// Mode.
        mode: ExplainMode,
        /// What is explained.
        statement: Box<Statement>,
    },
    /// CREATE \[OR REPLACE\] [\[GLOBAL\] TEMPORARY] VIEW … AS query
    CreateView {
        /// Name.
        name: NameExpr,
        /// Which kind.
        scope: ViewScope,
        /// OR REPLACE given.
        or_replace: bool,
        /// IF NOT EXISTS given.
        if_not_exists: bool,
        /// Column names and comments.
        columns: Vec<ColumnDef>,
        /// COMMENT.
        comment: Option<String>,
        /// TBLPROPERTIES.
        properties: Properties,
        /// DEFAULT COLLATION.
        collation: Option<Ident>,
        /// Definition.
        query: Box<Query>,
        /// The definition's text.
        query_text: String,
    },
    /// CREATE TEMPORARY VIEW … USING format OPTIONS (…)
    CreateViewUsing {
        /// Name.
        name: ObjectName,
        /// Which kind.
        scope: ViewScope,
        /// OR REPLACE given.
        or_replace: bool,
        /// Schema, if given.
        columns: Vec<ColumnDef>,
        /// Format.
        format: String,
        /// Options.
        options: Properties,
    },
    /// ALTER VIEW name AS query
    AlterViewAs {
        /// Name.
        name: NameExpr,
        /// New definition.
        query: Box<Query>,
        /// Its text.
        query_text: String,
    },
    /// DROP VIEW | TABLE
    Drop {
        /// VIEW rather than TABLE.
        view: bool,
        /// Name.
        name: NameExpr,
        /// IF EXISTS given.
        if_exists: bool,
        /// PURGE given.
        purge: bool,
    },
    /// CREATE \[OR REPLACE\] TABLE
    CreateTable(Box<CreateTable>),
    /// INSERT INTO | OVERWRITE
    Insert(Box<Insert>),
    /// `FROM t INSERT INTO a SELECT … INSERT INTO b SELECT …`
    MultiInsert(Vec<Insert>),
    /// DELETE FROM
    Delete {
        /// Table.
        name: NameExpr,
        /// Alias.
        alias: TableAlias,
        /// WHERE.
        filter: Option<Expr>,
    },
    /// UPDATE
    Update {
        /// Table.
        name: NameExpr,
        /// Alias.
        alias: TableAlias,
        /// SET.
        assignments: Vec<(Vec<Ident>, Expr)>,
        /// WHERE.
        filter: Option<Expr>,
    },
    /// TRUNCATE TABLE
    Truncate {
        /// Table.
        name: NameExpr,
        /// PARTITION (…).
        partition: Vec<(Ident, Option<Expr>)>,
    },
    /// CREATE DATABASE | SCHEMA | NAMESPACE
    CreateDatabase {
        /// Name.
        name: NameExpr,
        /// IF NOT EXISTS given.
        if_not_exists: bool,
        /// COMMENT.
        comment: Option<String>,
        /// LOCATION.
        location: Option<String>,
        /// DEFAULT COLLATION.
        collation: Option<Ident>,
        /// DBPROPERTIES.
        properties: Properties,
    },
    /// DROP DATABASE
    DropDatabase {
        /// Name.
        name: NameExpr,
        /// IF EXISTS given.
        if_exists: bool,
        /// CASCADE given.
        cascade: bool,
    },
    /// USE \[DATABASE | CATALOG\] name
    Use(NameExpr),
    /// SHOW …
    Show(Box<Show>),
    /// DESCRIBE …
    Describe(Box<Describe>),
    /// `SET`, `SET -v`, `SET key`, `SET key = value`
    Set(SetCommand),
    /// RESET \[key\]
    Reset(Option<String>),
    /// `SET TIME ZONE x`
    SetTimeZone(SetTimeZone),
    /// `SET VAR a = 1, (b, c) = (SELECT …)`
    SetVariable {
        /// Targets and values.
        assignments: Vec<(ObjectName, Expr)>,
        /// `(a, b) = (query)`: the query.
        query: Option<Box<Query>>,
    },
    /// `DECLARE [OR REPLACE] [VARIABLE] name [type] [DEFAULT expr]`
    DeclareVariable {
        /// Names.
        names: Vec<NameExpr>,
        /// OR REPLACE given.
        or_replace: bool,
        /// Type.
        ty: Option<TypeExpr>,
        /// Default.
        default: Option<Expr>,
    },
    /// `DROP TEMPORARY VARIABLE`
    DropVariable {
        /// Name.
        name: NameExpr,
        /// IF EXISTS given.
        if_exists: bool,
    },
    /// CREATE FUNCTION … RETURN expr
    CreateFunction(Box<CreateFunction>),
    /// DROP FUNCTION
    DropFunction {
        /// Name.
        name: NameExpr,
        /// TEMPORARY given.
        temporary: bool,
        /// IF EXISTS given.
        if_exists: bool,
    },
    /// EXECUTE IMMEDIATE
    ExecuteImmediate {
        /// Statement text.
        sql: Expr,
        /// INTO variables.
        into: Vec<ObjectName>,
        /// USING arguments, possibly aliased.
        using: Vec<Expr>,
    },
    /// CACHE \[LAZY\] TABLE
    CacheTable {
        /// Name.
        name: NameExpr,
        /// LAZY given.
        lazy: bool,
        /// AS query.
        query: Option<Box<Query>>,
        /// Options.
        options: Properties,
    },
    /// UNCACHE TABLE
    UncacheTable {
        /// Name.
        name: NameExpr,
        /// IF EXISTS given.
        if_exists: bool,
    },
    /// CLEAR CACHE
    ClearCache,
    /// REFRESH TABLE name, REFRESH path, REFRESH FUNCTION name
    Refresh(String),
    /// ANALYZE TABLE … COMPUTE STATISTICS
    AnalyzeTable {
        /// Table.
        name: NameExpr,
        /// FOR COLUMNS.
        columns: Vec<Ident>,
        /// NOSCAN given.
        noscan: bool,
    },
    /// ALTER TABLE | VIEW with its action
    AlterTable(Box<AlterTable>),
    /// ALTER DATABASE … SET DBPROPERTIES / LOCATION
    AlterDatabase {
        /// Name.
        name: NameExpr,
        /// Properties set.
        properties: Properties,
        /// DEFAULT COLLATION.
        collation: Option<Ident>,
        /// New location.
        location: Option<String>,
    },
    /// COMMENT ON DATABASE | TABLE name IS 'text'
    CommentOn {
        /// Database rather than table.
        database: bool,
        /// Name.
        name: NameExpr,
        /// Text; NULL removes it.
        comment: Option<String>,
    },
    /// ADD JAR, MSCK REPAIR, LOAD DATA, …: accepted by the grammar, named for the error.
    Unsupported(String),
}

/// CREATE TABLE.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// Name.
    pub name: NameExpr,
    /// OR REPLACE given (or REPLACE TABLE).
    pub or_replace: bool,
    /// IF NOT EXISTS given.
    pub if_not_exists: bool,
    /// EXTERNAL given.
    pub external: bool,
    /// TEMPORARY given.
    pub temporary: bool,
    /// Columns.
    pub columns: Vec<ColumnDef>,
    /// USING.
    pub format: Option<String>,
    /// STORED AS format (Hive syntax).
    pub stored_as: Option<String>,
    /// PARTITIONED BY: names, or typed columns in Hive syntax.
    pub partitioned_by: Vec<ColumnDef>,
    /// CLUSTERED BY columns, sort columns, buckets.
    pub buckets: Option<(Vec<Ident>, Vec<Ident>, i64)>,
    /// OPTIONS.
    pub options: Properties,
    /// TBLPROPERTIES.
    pub properties: Properties,
    /// LOCATION.
    pub location: Option<String>,
    /// COMMENT.
    pub comment: Option<String>,
    /// AS query.
    pub query: Option<Box<Query>>,
    /// DEFAULT COLLATION.
    pub collation: Option<Ident>,
    /// LIKE source.
    pub like: Option<ObjectName>,
}

/// INSERT.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// Where to.
    pub target: InsertTarget,
    /// OVERWRITE given.
    pub overwrite: bool,
    /// `REPLACE WHERE expr`.
    pub replace_where: Option<Expr>,
    /// PARTITION (a = 1, b).
    pub partition: Vec<(Ident, Option<Expr>)>,
    /// IF NOT EXISTS given.
    pub if_not_exists: bool,
    /// Column list.
    pub columns: Vec<Ident>,
    /// BY NAME given.
    pub by_name: bool,
    /// Rows.
    pub query: Box<Query>,
}

/// SHOW.
#[derive(Debug, Clone, PartialEq)]
pub enum Show {
    /// SHOW TABLES [FROM db] [LIKE p]
    Tables {
        /// Database.
        database: Option<ObjectName>,
        /// Pattern.
        pattern: Option<String>,
    },
    /// SHOW TABLE EXTENDED [IN db] LIKE p
    TableExtended {
        /// Database.
        database: Option<ObjectName>,
        /// Pattern.
        pattern: String,
    },
    /// SHOW VIEWS
    Views {
        /// Database.
        database: Option<ObjectName>,
        /// Pattern.
        pattern: Option<String>,
    },
    /// SHOW COLUMNS FROM t [FROM db]
    Columns {
        /// Table.
        table: NameExpr,
        /// Database.
        database: Option<ObjectName>,
    },
    /// SHOW \[USER|SYSTEM|ALL\] FUNCTIONS [FROM db] [LIKE p]
    Functions {
        /// USER, SYSTEM or ALL.
        scope: Option<String>,
        /// Database.
        database: Option<ObjectName>,
        /// Pattern.
        pattern: Option<String>,
    },
    /// SHOW DATABASES | SCHEMAS | NAMESPACES
    Databases {
        /// Pattern.
        pattern: Option<String>,
    },
    /// SHOW CATALOGS
    Catalogs {
        /// Pattern.
        pattern: Option<String>,
    },
    /// SHOW CURRENT DATABASE | NAMESPACE
    CurrentDatabase,
    /// SHOW CREATE TABLE \[AS SERDE\]
    CreateTable {
        /// Table.
        table: NameExpr,
        /// AS SERDE given.
        as_serde: bool,
    },
    /// SHOW TBLPROPERTIES t [(key)]
    TableProperties {
        /// Table.
        table: NameExpr,
        /// Key.
        key: Option<String>,
    },
    /// SHOW PARTITIONS t
    Partitions {
        /// Table.
        table: NameExpr,
        /// PARTITION (…).
        partition: Vec<(Ident, Option<Expr>)>,
    },
    /// SHOW COLLATIONS
    Collations {
        /// Pattern.
        pattern: Option<String>,
    },
}

/// DESCRIBE.
#[derive(Debug, Clone, PartialEq)]
pub enum Describe {
    /// DESCRIBE \[EXTENDED | FORMATTED\] t [PARTITION (…)] [column] \[AS JSON\]
    Table {
        /// Table.
        table: NameExpr,
        /// EXTENDED or FORMATTED given.
        extended: bool,
        /// PARTITION (…).
        partition: Vec<(Ident, Option<Expr>)>,
        /// Column.
        column: Option<Vec<Ident>>,
        /// AS JSON given.
        as_json: bool,
    },
    /// DESCRIBE QUERY q, DESCRIBE q
    Query(Box<Query>),
    /// DESCRIBE DATABASE \[EXTENDED\] d
    Database {
        /// Database.
        name: NameExpr,
        /// EXTENDED given.
        extended: bool,
    },
    /// DESCRIBE FUNCTION \[EXTENDED\] f
    Function {
        /// Function.
        name: ObjectName,
        /// EXTENDED given.
        extended: bool,
    },
}

/// SET.
#[derive(Debug, Clone, PartialEq)]
pub enum SetCommand {
    /// SET
    All,
    /// SET -v
    Verbose,
    /// SET key
    Get(String),
    /// SET key = value
    Assign(String, String),
}

/// SET TIME ZONE.
#[derive(Debug, Clone, PartialEq)]
pub enum SetTimeZone {
    /// LOCAL
    Local,
    /// 'zone'
    Zone(String),
    /// INTERVAL …
    Interval(Expr),
}

/// CREATE FUNCTION.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    /// Name.
    pub name: NameExpr,
    /// OR REPLACE given.
    pub or_replace: bool,
    /// TEMPORARY given.
    pub temporary: bool,
    /// IF NOT EXISTS given.
    pub if_not_exists: bool,
    /// Parameters with types and defaults.
    pub params: Vec<ColumnDef>,
    /// Return type of a scalar function.
    pub returns: Option<TypeExpr>,
    /// `RETURNS TABLE (…)`; `Some(vec![])` for `RETURNS TABLE`.
    pub returns_table: Option<Vec<ColumnDef>>,
    /// Characteristics as written (DETERMINISTIC, LANGUAGE SQL, COMMENT …).
    pub characteristics: Vec<String>,
    /// DEFAULT COLLATION.
    pub collation: Option<Ident>,
    /// `RETURN expr`
    pub body: Option<Expr>,
    /// `RETURN query`
    pub query: Option<Box<Query>>,
    /// `AS 'class' USING …`: Java functions.
    pub class: Option<String>,
    /// Text of the body.
    pub body_text: String,
}

/// ALTER TABLE | VIEW.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// VIEW rather than TABLE.
    pub view: bool,
    /// Name.
    pub name: NameExpr,
    /// What to do.
    pub action: AlterAction,
}

/// What ALTER TABLE does.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterAction {
    /// RENAME TO
    Rename(ObjectName),
    /// SET TBLPROPERTIES
    SetProperties(Properties),
    /// UNSET TBLPROPERTIES \[IF EXISTS\]
    UnsetProperties {
        /// Keys.
        keys: Vec<String>,
        /// IF EXISTS given.
        if_exists: bool,
    },
    /// ADD COLUMNS (…)
    AddColumns(Vec<ColumnDef>),
    /// RENAME COLUMN a TO b
    RenameColumn(Vec<Ident>, Ident),
    /// DROP COLUMNS
    DropColumns(Vec<Vec<Ident>>),
    /// ALTER COLUMN / CHANGE COLUMN: as written.
    AlterColumn {
        /// Column.
        column: Vec<Ident>,
        /// New name (CHANGE old new type).
        rename: Option<Ident>,
        /// New type.
        ty: Option<TypeExpr>,
        /// New comment.
        comment: Option<String>,
        /// Anything else, as written.
        other: Option<String>,
    },
    /// SET LOCATION
    SetLocation(String),
    /// ADD \[IF NOT EXISTS\] PARTITION (…) [LOCATION …]
    AddPartitions {
        /// IF NOT EXISTS given.
        if_not_exists: bool,
        /// Specifications and locations.
        partitions: Vec<(Vec<(Ident, Option<Expr>)>, Option<String>)>,
    },
    /// DROP \[IF EXISTS\] PARTITION (…)
    DropPartitions {
        /// IF EXISTS given.
        if_exists: bool,
        /// Specifications.
        partitions: Vec<Vec<(Ident, Option<Expr>)>>,
    },
    /// RECOVER PARTITIONS
    RecoverPartitions,
    /// DEFAULT COLLATION
    DefaultCollation(Ident),
    /// Anything else, named for the error.
    Other(String),
}
