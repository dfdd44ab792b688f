//! Queries: SELECT, set operations, VALUES, CTEs, and what may follow them.

use rsql_common::Span;

use crate::expr::{OrderItem, WindowSpec};
use crate::relation::{TableAlias, TableSample};
use crate::{Expr, Ident, ObjectName, Relation};

/// A query with its WITH, ordering and limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// WITH.
    pub with: Option<With>,
    /// Body.
    pub body: SetExpr,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// SORT BY.
    pub sort_by: Vec<OrderItem>,
    /// CLUSTER BY.
    pub cluster_by: Vec<Expr>,
    /// DISTRIBUTE BY.
    pub distribute_by: Vec<Expr>,
    /// WINDOW name AS (…), written after the body.
    pub windows: Vec<NamedWindow>,
    /// LIMIT n; `LIMIT ALL` is absent.
    pub limit: Option<Expr>,
    /// OFFSET n.
    pub offset: Option<Expr>,
    /// Where it stands.
    pub span: Span,
}

/// `WITH [RECURSIVE] …`
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// RECURSIVE given.
    pub recursive: bool,
    /// Definitions in order.
    pub ctes: Vec<Cte>,
}

/// `name [(columns)] [MAX RECURSION LEVEL n] AS (query)`
#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// Name and column names.
    pub name: Ident,
    /// Column names.
    pub columns: Vec<Ident>,
    /// MAX RECURSION LEVEL.
    pub max_recursion: Option<i64>,
    /// Definition.
    pub query: Box<Query>,
}

/// `name AS (spec)`
#[derive(Debug, Clone, PartialEq)]
pub struct NamedWindow {
    /// Name.
    pub name: Ident,
    /// Definition.
    pub spec: WindowSpec,
}

/// UNION, INTERSECT, EXCEPT (MINUS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum SetOp {
    Union,
    Intersect,
    Except,
}

/// Body of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum SetExpr {
    /// SELECT.
    Select(Box<Select>),
    /// A query in parentheses.
    Query(Box<Query>),
    /// `a UNION b UNION c`: n-ary, left to right, all of one operator and quantifier.
    SetOp {
        /// Operator.
        op: SetOp,
        /// ALL given.
        all: bool,
        /// BY NAME given.
        by_name: bool,
        /// Two or more.
        inputs: Vec<SetExpr>,
    },
    /// `VALUES (…), (…)`; each row's expressions, one for a bare value.
    Values(Vec<Vec<Expr>>),
    /// `TABLE t`
    Table(ObjectName),
    /// `input |> op |> op`: pipe syntax.
    Pipe {
        /// What the first operator reads.
        input: Box<SetExpr>,
        /// Operators in order.
        ops: Vec<PipeOp>,
    },
    /// `FROM t` alone, as the start of a pipe: `FROM t |> …`, and `FROM t SELECT …` puts the relation into the Select.
    From(Box<Relation>),
}

/// SELECT … FROM … WHERE …
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Select {
    /// Hints of `/*+ … */`.
    pub hints: Vec<Hint>,
    /// DISTINCT given.
    pub distinct: bool,
    /// Select list; an alias is [`crate::ExprKind::Alias`].
    pub items: Vec<Expr>,
    /// FROM; several are joined by commas, left to right. Absent for `SELECT 1`.
    pub from: Vec<Relation>,
    /// LATERAL VIEW.
    pub lateral_views: Vec<LateralView>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group_by: Option<GroupBy>,
    /// HAVING.
    pub having: Option<Expr>,
    /// QUALIFY.
    pub qualify: Option<Expr>,
    /// WINDOW clause.
    pub windows: Vec<NamedWindow>,
    /// Where it stands.
    pub span: Span,
}

/// `NAME(arg, …)` inside `/*+ */`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// Name as written.
    pub name: Ident,
    /// Arguments.
    pub args: Vec<Expr>,
}

/// `LATERAL VIEW [OUTER] f(x) t AS a, b`
#[derive(Debug, Clone, PartialEq)]
pub struct LateralView {
    /// OUTER given.
    pub outer: bool,
    /// Generator call.
    pub call: Expr,
    /// Table alias.
    pub table: Option<Ident>,
    /// Column names.
    pub columns: Vec<Ident>,
}

/// GROUP BY.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupBy {
    /// Plain items, in order, together with grouping analytics.
    pub items: Vec<GroupItem>,
    /// `GROUP BY ALL` (a lone column named ALL; the analyzer checks that no column has that name).
    pub all: bool,
    /// Where it stands.
    pub span: Span,
}

/// One item of GROUP BY.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupItem {
    /// An expression, ordinal or alias.
    Expr(Expr),
    /// `ROLLUP (…)`: each member is one or several expressions.
    Rollup(Vec<Vec<Expr>>),
    /// `CUBE (…)`
    Cube(Vec<Vec<Expr>>),
    /// `GROUPING SETS (…)`: members may nest.
    GroupingSets(Vec<GroupItem>),
    /// `(a, b)` or `()` as a member of GROUPING SETS.
    Set(Vec<Expr>),
    /// `GROUP BY a, b WITH ROLLUP` / `WITH CUBE` / `a, b GROUPING SETS (…)`: applies to the plain items before it.
    WithRollup,
    /// See [`GroupItem::WithRollup`].
    WithCube,
    /// Legacy `GROUP BY a, b GROUPING SETS ((a), (b))`.
    WithSets(Vec<GroupItem>),
}

/// One `|>` operator.
#[derive(Debug, Clone, PartialEq)]
pub enum PipeOp {
    /// `SELECT [DISTINCT] …`
    Select {
        /// The select list (and hints, DISTINCT, windows) without FROM.
        select: Box<Select>,
    },
    /// `EXTEND e [AS a], …`
    Extend(Vec<Expr>),
    /// `SET c = e, …`
    Set(Vec<(Ident, Expr)>),
    /// `DROP c, …`
    Drop(Vec<Ident>),
    /// `AS alias`
    As(TableAlias),
    /// `WHERE e`
    Where(Expr),
    /// `AGGREGATE e, … GROUP BY …`
    Aggregate {
        /// Aggregates.
        items: Vec<Expr>,
        /// GROUP BY; its expressions may carry aliases.
        group_by: Option<GroupBy>,
    },
    /// `[LEFT …] JOIN t ON …`: the relation's left side is [`Relation::PipeInput`].
    Join(Box<Relation>),
    /// `LATERAL VIEW …`
    LateralView(LateralView),
    /// `PIVOT` / `UNPIVOT`, on [`Relation::PipeInput`].
    Pivot(Box<Relation>),
    /// `TABLESAMPLE …`
    Sample(TableSample),
    /// ORDER BY, SORT BY, …, LIMIT, OFFSET: a query whose body is the pipe's input.
    Organize(Box<QueryTail>),
    /// `UNION|INTERSECT|EXCEPT [ALL] query`
    SetOp {
        /// Operator.
        op: SetOp,
        /// ALL given.
        all: bool,
        /// BY NAME given.
        by_name: bool,
        /// Right side.
        right: Box<SetExpr>,
    },
}

/// Ordering and limits without a body.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs, reason = "same as in Query")]
pub struct QueryTail {
    pub order_by: Vec<OrderItem>,
    pub sort_by: Vec<OrderItem>,
    pub cluster_by: Vec<Expr>,
    pub distribute_by: Vec<Expr>,
    pub windows: Vec<NamedWindow>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
}

impl Query {
    /// A query of just a body.
    pub fn of(body: SetExpr) -> Self {
        Self {
            with: None,
            body,
            order_by: Vec::new(),
            sort_by: Vec::new(),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            windows: Vec::new(),
            limit: None,
            offset: None,
            span: Span::NONE,
        }
    }
}
