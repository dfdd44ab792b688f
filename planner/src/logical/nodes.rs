//! The nodes of the logical plan.

use std::sync::Arc;

use rsql_catalog::{ScanFacts, ScanSource};
use rsql_common::{ColumnId, CteId};
use rsql_expr::tree::WindowCall;
use rsql_expr::{AggregateCall, Expr, Field, Schema, SortKey};

use super::{JoinHint, PlanRef};

/// Literal rows. One row without columns is the input of `SELECT 1`; no rows is the empty relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// Rows of foldable expressions, one expression a column.
    pub rows: Vec<Vec<Expr>>,
    /// Output.
    pub schema: Schema,
}

/// `range(start, end, step)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// First value.
    pub start: i64,
    /// One past the last.
    pub end: i64,
    /// Distance; not zero.
    pub step: i64,
    /// One BIGINT column.
    pub schema: Schema,
}

/// Reads a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// What is read.
    pub source: Arc<ScanSource>,
    /// Source column of each output column.
    pub columns: Vec<usize>,
    /// Output.
    pub schema: Schema,
    /// Conjuncts the scan applies exactly. They may read source columns that are not in `schema`: see `filter_columns`.
    pub filters: Vec<Expr>,
    /// Columns only filters read: id and source column.
    pub filter_columns: Vec<(Field, usize)>,
    /// The scan may stop after this many rows.
    pub limit: Option<u64>,
    /// What is known beforehand.
    pub facts: Option<Arc<ScanFacts>>,
}

/// Computes columns; a plain column keeps its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    /// Input.
    pub input: PlanRef,
    /// One expression an output column.
    pub exprs: Vec<Expr>,
    /// Output. Field `i` has a fresh id unless `exprs[i]` is a bare column, which may keep its own.
    pub schema: Schema,
}

/// Keeps rows for which the predicate is TRUE.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Input.
    pub input: PlanRef,
    /// BOOLEAN.
    pub predicate: Expr,
}

/// Groups and aggregates. Without groups: exactly one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Input.
    pub input: PlanRef,
    /// Group keys.
    pub groups: Vec<Expr>,
    /// Aggregates.
    pub aggregates: Vec<AggregateCall>,
    /// Output: groups, then aggregates.
    pub schema: Schema,
}

/// Window functions that share partitioning and order.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Input.
    pub input: PlanRef,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortKey>,
    /// Calls.
    pub calls: Vec<WindowCall>,
    /// Which rows of each partition somebody above wants; others may be missing.
    pub group_limit: Option<GroupLimit>,
    /// Output: the input's columns, then one a call.
    pub schema: Schema,
}

/// A ranking function by which a partition's first rows are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum RankFunction {
    /// Rows are numbered.
    RowNumber,
    /// One and the number of rows that sort before.
    Rank,
    /// One and the number of different keys that sort before.
    DenseRank,
}

impl RankFunction {
    /// The function of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "row_number" => Self::RowNumber,
            "rank" => Self::Rank,
            "dense_rank" => Self::DenseRank,
            _ => return None,
        })
    }
}

/// Only rows whose rank is at most `rows` are wanted of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct GroupLimit {
    /// Which rank.
    pub rank: RankFunction,
    /// Largest rank; at least one.
    pub rows: u64,
}

impl std::fmt::Display for GroupLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.rank {
            RankFunction::RowNumber => "row_number",
            RankFunction::Rank => "rank",
            RankFunction::DenseRank => "dense_rank",
        };
        write!(f, "{name}() <= {}", self.rows)
    }
}

/// Sorts.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// Input.
    pub input: PlanRef,
    /// Keys.
    pub keys: Vec<SortKey>,
    /// Only the first rows are wanted.
    pub fetch: Option<u64>,
    /// False for SORT BY: order within partitions only.
    pub global: bool,
}

/// LIMIT and OFFSET.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Input.
    pub input: PlanRef,
    /// Rows dropped first.
    pub skip: u64,
    /// Rows kept after that.
    pub fetch: Option<u64>,
}

/// Kinds of join; "left" and "right" are the children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum JoinKind {
    /// Pairs for which the condition is TRUE; without a condition the cross product.
    Inner,
    /// And left rows without partner.
    Left,
    /// And right rows without partner.
    Right,
    /// And both.
    Full,
    /// Left rows with a partner.
    LeftSemi,
    /// Left rows without a partner.
    LeftAnti,
    /// Every left row and one BOOLEAN column: the three-valued OR of the condition over all right rows (FALSE if there
    /// are none). Equality on NULL counts as NULL for pairs in `on` when `null_aware`, else as FALSE.
    LeftMark,
    /// Left join that fails with SCALAR_SUBQUERY_TOO_MANY_ROWS on a second partner.
    LeftSingle,
}

/// A join.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Left child.
    pub left: PlanRef,
    /// Right child.
    pub right: PlanRef,
    /// Kind.
    pub kind: JoinKind,
    /// Equality conjuncts: expression over the left, expression over the right, same type.
    pub on: Vec<(Expr, Expr)>,
    /// Remaining condition over both.
    pub filter: Option<Expr>,
    /// LeftAnti: keep a left row only if the condition is FALSE (not NULL) for every right row, i.e. NOT IN.
    /// LeftMark: see there.
    pub null_aware: bool,
    /// Output: left columns, right columns (not for semi, anti, mark), the mark column (mark only).
    pub schema: Schema,
    /// What the user asks of how the join runs.
    pub hint: JoinHint,
}

/// How a dependent join's right side is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DependentKind {
    /// Scalar subquery: left columns and the right's columns, NULL without a row, error on a second row.
    Single,
    /// IN / EXISTS as a value: left columns and a mark column.
    Mark,
    /// EXISTS / IN as a filter.
    Semi,
    /// NOT EXISTS (and NOT IN with `null_aware`) as a filter.
    Anti,
    /// LATERAL join, inner.
    Inner,
    /// LATERAL join, left outer.
    Left,
}

/// A join whose right side may read the left side's columns (a correlated subquery). The optimizer removes all of these.
#[derive(Debug, Clone, PartialEq)]
pub struct DependentJoin {
    /// Outer query.
    pub left: PlanRef,
    /// Subquery; its free columns are the left's (or those of a dependent join further out).
    pub right: PlanRef,
    /// Use.
    pub kind: DependentKind,
    /// Condition over both sides: `x = col` of IN, the ON of a lateral join; TRUE if absent.
    pub condition: Option<Expr>,
    /// IN semantics: NULL in the comparison makes the outcome NULL.
    pub null_aware: bool,
    /// Output.
    pub schema: Schema,
    /// What the user asks of how the join runs that comes of it.
    pub hint: JoinHint,
}

/// UNION ALL of two or more inputs, by position.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// Inputs with equal types by position.
    pub inputs: Vec<PlanRef>,
    /// Output with ids of its own.
    pub schema: Schema,
}

/// INTERSECT or EXCEPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum SetOpKind {
    Intersect,
    Except,
}

/// INTERSECT \[ALL\], EXCEPT \[ALL\]; NULLs equal each other. The optimizer rewrites these.
#[derive(Debug, Clone, PartialEq)]
pub struct SetOp {
    /// Operator.
    pub kind: SetOpKind,
    /// ALL given.
    pub all: bool,
    /// Left input.
    pub left: PlanRef,
    /// Right input, equal types by position.
    pub right: PlanRef,
    /// Output with ids of its own.
    pub schema: Schema,
}

/// A generator applied to each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Generate {
    /// Input.
    pub input: PlanRef,
    /// Registry name.
    pub func: Arc<str>,
    /// Arguments.
    pub args: Vec<Expr>,
    /// A row without generated rows gives one with NULLs.
    pub outer: bool,
    /// The generated columns.
    pub outputs: Vec<Field>,
    /// Output: the input's columns, then the generated ones.
    pub schema: Schema,
}

/// Gives each input row once per projection (grouping sets).
#[derive(Debug, Clone, PartialEq)]
pub struct Expand {
    /// Input.
    pub input: PlanRef,
    /// Each: one expression an output column.
    pub projections: Vec<Vec<Expr>>,
    /// Output with ids of its own (pass-through columns may keep theirs).
    pub schema: Schema,
}

/// Named shared plans; a definition may refer to earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// Definitions in order.
    pub defs: Vec<(CteId, PlanRef)>,
    /// The plan that refers to them.
    pub body: PlanRef,
}

/// Reads a definition of an enclosing [`With`], or the working table inside [`RecursiveCte`].
#[derive(Debug, Clone, PartialEq)]
pub struct CteRef {
    /// Which.
    pub id: CteId,
    /// Fresh ids; columns by position as the definition's.
    pub schema: Schema,
}

/// WITH RECURSIVE.
#[derive(Debug, Clone, PartialEq)]
pub struct RecursiveCte {
    /// What [`CteRef`]s inside `recursive` read: the rows of the last iteration.
    pub id: CteId,
    /// First rows.
    pub anchor: PlanRef,
    /// Next rows from the last ones.
    pub recursive: PlanRef,
    /// UNION ALL; else rows seen before are dropped.
    pub all: bool,
    /// Most iterations; error `RECURSION_LEVEL_LIMIT_EXCEEDED` beyond.
    pub max_level: Option<u64>,
    /// Most rows; error `RECURSION_ROW_LIMIT_EXCEEDED` beyond.
    pub max_rows: Option<u64>,
    /// Rows that are wanted of it: no iteration starts once there are so many, and the limits above raise no error then.
    pub fetch: Option<u64>,
    /// Output with ids of its own.
    pub schema: Schema,
}

/// Keeps a random part of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Input.
    pub input: PlanRef,
    /// Lower bound of the kept part of [0, 1).
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Seed.
    pub seed: u64,
}

/// What a [`Repartition`] asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum RepartitionKind {
    /// By hash of expressions.
    Hash(Vec<Expr>),
    /// By ranges of sort keys.
    Range(Vec<SortKey>),
    /// Evenly.
    RoundRobin,
    /// Fewer partitions without mixing their rows.
    Coalesce,
}

/// REPARTITION, REBALANCE, COALESCE, DISTRIBUTE BY, CLUSTER BY; no effect on one executor.
#[derive(Debug, Clone, PartialEq)]
pub struct Repartition {
    /// Input.
    pub input: PlanRef,
    /// How.
    pub kind: RepartitionKind,
    /// Partitions, if said.
    pub partitions: Option<usize>,
    /// How many of them are read together is left to measured sizes, whatever was said (REBALANCE).
    pub rebalance: bool,
}

/// A column id with the expression that computes it.
pub type NamedExpr = (ColumnId, Expr);
