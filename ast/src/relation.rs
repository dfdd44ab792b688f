//! What stands in FROM.

use rsql_common::Span;

use crate::expr::FunctionCall;
use crate::{Expr, Ident, ObjectName, Query};

/// A relation of FROM.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// A table, view, CTE, or a path (``parquet.`/data` ``).
    Table {
        /// Name.
        name: ObjectName,
        /// Alias.
        alias: TableAlias,
        /// TABLESAMPLE.
        sample: Option<TableSample>,
        /// `WITH ('k' = 'v')` or `OPTIONS (…)`.
        options: Vec<(String, String)>,
        /// `VERSION AS OF` / `TIMESTAMP AS OF`, as written.
        time_travel: Option<Expr>,
        /// `IDENTIFIER(expr)` instead of a name (which is then empty).
        identifier: Option<Box<Expr>>,
    },
    /// `(query)`
    Subquery {
        /// Query.
        query: Box<Query>,
        /// LATERAL given.
        lateral: bool,
        /// Alias.
        alias: TableAlias,
        /// TABLESAMPLE.
        sample: Option<TableSample>,
    },
    /// `VALUES (…), (…) AS t(a, b)`
    Values {
        /// Rows.
        rows: Vec<Vec<Expr>>,
        /// Alias.
        alias: TableAlias,
        /// Where it stands.
        span: Span,
    },
    /// `range(10)`, `explode(…)`, `LATERAL f(x)`
    Function {
        /// Call.
        call: Box<FunctionCall>,
        /// LATERAL given.
        lateral: bool,
        /// Alias.
        alias: TableAlias,
        /// Where it stands.
        span: Span,
    },
    /// A join.
    Join(Box<Join>),
    /// `(a JOIN b) AS t`
    Nested {
        /// Inside.
        relation: Box<Relation>,
        /// Alias.
        alias: TableAlias,
        /// TABLESAMPLE.
        sample: Option<TableSample>,
    },
    /// `input PIVOT (…)`
    Pivot(Box<Pivot>),
    /// `input UNPIVOT (…)`
    Unpivot(Box<Unpivot>),
    /// The input of a `|>` operator.
    PipeInput,
}

/// `[AS] name [(a, b)]`; both may be absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableAlias {
    /// Table alias.
    pub name: Option<Ident>,
    /// Column aliases.
    pub columns: Vec<Ident>,
}

/// Kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum JoinKind {
    Inner,
    Cross,
    Left,
    Right,
    Full,
    LeftSemi,
    LeftAnti,
    /// A comma in FROM.
    Comma,
}

/// What a join compares.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinCondition {
    /// Nothing given.
    None,
    /// ON.
    On(Expr),
    /// USING.
    Using(Vec<Ident>),
    /// NATURAL.
    Natural,
}

/// `left JOIN right ON …`
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Left side.
    pub left: Relation,
    /// Right side.
    pub right: Relation,
    /// Kind.
    pub kind: JoinKind,
    /// Condition.
    pub condition: JoinCondition,
    /// `JOIN LATERAL`: the right side (a subquery or function) may refer to the left.
    pub lateral: bool,
    /// Where it stands.
    pub span: Span,
}

/// `PIVOT (aggregates FOR columns IN (values))`
#[derive(Debug, Clone, PartialEq)]
pub struct Pivot {
    /// Input.
    pub input: Relation,
    /// Aggregates, possibly aliased.
    pub aggregates: Vec<Expr>,
    /// FOR columns.
    pub columns: Vec<Ident>,
    /// IN values, possibly aliased; rows for several columns.
    pub values: Vec<Expr>,
    /// Alias.
    pub alias: TableAlias,
    /// Where it stands.
    pub span: Span,
}

/// `UNPIVOT [INCLUDE NULLS] (value FOR name IN (columns))`
#[derive(Debug, Clone, PartialEq)]
pub struct Unpivot {
    /// Input.
    pub input: Relation,
    /// INCLUDE NULLS given.
    pub include_nulls: bool,
    /// Value columns: one, or several in parentheses.
    pub values: Vec<Ident>,
    /// Name column.
    pub name: Ident,
    /// Each: the columns that go into the value columns, and the alias.
    pub columns: Vec<(Vec<Expr>, Option<Ident>)>,
    /// Alias.
    pub alias: TableAlias,
    /// Where it stands.
    pub span: Span,
}

/// TABLESAMPLE.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSample {
    /// How much.
    pub kind: SampleKind,
    /// REPEATABLE (seed).
    pub seed: Option<i64>,
}

/// How much of a table to keep.
#[derive(Debug, Clone, PartialEq)]
pub enum SampleKind {
    /// `10 PERCENT`
    Percent(Expr),
    /// `10 ROWS`
    Rows(Expr),
    /// `BUCKET x OUT OF y`
    Bucket(i64, i64),
    /// `'10M'` bytes
    Bytes(Expr),
}
