//! The nodes of the physical plan.

use std::sync::Arc;

use rsql_catalog::ScanSource;
use rsql_common::{CteId, FilterId, ScanId};
use rsql_expr::tree::WindowCall;
use rsql_expr::{AggregateCall, Expr, Literal, Schema, SortKey};
use serde::{Deserialize, Serialize};

use super::PhysicalPlan;
use crate::logical::{GroupLimit, JoinHint, JoinKind};

/// Literal rows, already folded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Rows of one literal a column.
    pub rows: Vec<Vec<Literal>>,
    /// Output.
    pub schema: Schema,
}

/// `range(start, end, step)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Reads a source: applies runtime filters and `filters` exactly, then puts out `projection`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// What is read.
    pub source: Arc<ScanSource>,
    /// Source columns read: slot `i` of `filters` is source column `columns[i]`.
    pub columns: Vec<usize>,
    /// Conjuncts over the read columns; infallible ones may be reordered by the scan.
    pub filters: Vec<Expr>,
    /// Which of the read columns are put out, by position in `columns`.
    pub projection: Vec<usize>,
    /// Runtime filters: id and position in `columns` of the key they apply to.
    pub consumes: Vec<(FilterId, usize)>,
    /// The scan may stop after this many rows.
    pub limit: Option<u64>,
    /// What lies in a column's best rows is wanted first: position in `columns`, and whether large values are best.
    pub best_first: Option<(usize, bool)>,
    /// Scans with the same id are read together: each page is decoded once for all of them.
    pub shared: Option<ScanId>,
    /// Each task reads some of the source's buckets ([`crate::buckets::buckets_of_task`]) instead of a share of its rows.
    pub by_bucket: bool,
    /// Rows expected to come out; for sizing.
    pub estimate: f64,
    /// Output, as `projection`.
    pub schema: Schema,
}

/// Computes columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// One expression an output column.
    pub exprs: Vec<Expr>,
    /// Output.
    pub schema: Schema,
}

/// Keeps rows for which the predicate is TRUE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// BOOLEAN.
    pub predicate: Expr,
}

/// Which part of an aggregation a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AggregateMode {
    /// Rows in, results out.
    Single,
    /// Rows in, one row of state columns a group out; a group may come out more than once.
    Partial,
    /// State columns in (groups, then each call's state), results out.
    Final,
}

/// Groups and aggregates; without groups exactly one row. DISTINCT aggregates are handled by the operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HashAggregate {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// Which part of the aggregation this is.
    pub mode: AggregateMode,
    /// Group keys.
    pub groups: Vec<Expr>,
    /// Aggregates.
    pub aggregates: Vec<AggregateCall>,
    /// Groups expected; for sizing.
    pub estimate: f64,
    /// Output: groups, then aggregates (their states' columns, if partial).
    pub schema: Schema,
}

/// Window functions over one partitioning and order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortKey>,
    /// Calls; `FrameBound::Value` expressions are over the input too.
    pub calls: Vec<WindowCall>,
    /// Output: the input's columns, then one a call.
    pub schema: Schema,
}

/// Drops rows that are surely not among the first of their partition; others may stay, so that a [`Window`] above still
/// has to say which are. Each worker of each task does so with the rows it sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowGroupLimit {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortKey>,
    /// Which rows of a partition are wanted.
    pub limit: GroupLimit,
}

/// Sorts; with `fetch` only the first rows (top-k).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sort {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// Keys.
    pub keys: Vec<SortKey>,
    /// Rows wanted.
    pub fetch: Option<u64>,
    /// Runtime filter that says which values of the first key may still be among the rows wanted.
    pub publishes: Option<FilterId>,
    /// False for SORT BY: each task's rows by themselves.
    pub global: bool,
}

/// LIMIT and OFFSET, in the input's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// Rows dropped first.
    pub skip: u64,
    /// Rows kept after that.
    pub fetch: Option<u64>,
}

/// A child of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Side {
    Left,
    Right,
}

/// Join by equal keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HashJoin {
    /// Left child.
    pub left: Box<PhysicalPlan>,
    /// Right child.
    pub right: Box<PhysicalPlan>,
    /// Kind, as in the logical plan (left and right keep their meaning whichever side is built).
    pub kind: JoinKind,
    /// Side the table is built from; the other one streams.
    pub build: Side,
    /// Equal keys: over the left's columns, over the right's columns. The flag: NULL equals NULL (`<=>`).
    pub keys: Vec<(Expr, Expr, bool)>,
    /// Remaining condition over left columns, then right columns.
    pub filter: Option<Expr>,
    /// See [`crate::logical::Join::null_aware`].
    pub null_aware: bool,
    /// Runtime filters this join publishes when its table is built: id and position in `keys` (of the build side).
    pub publishes: Vec<(FilterId, usize)>,
    /// Rows expected in the build side; for sizing and ordering of builds.
    pub build_estimate: f64,
    /// Rows expected out.
    pub estimate: f64,
    /// Output: left columns, right columns (not for semi, anti, mark), the mark column (mark only).
    pub schema: Schema,
    /// What the user asks of how the join runs on a cluster.
    pub hint: JoinHint,
}

/// Join by any condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NestedLoopJoin {
    /// Left child, streams.
    pub left: Box<PhysicalPlan>,
    /// Right child, collected.
    pub right: Box<PhysicalPlan>,
    /// Kind.
    pub kind: JoinKind,
    /// Condition over left columns, then right columns; absent means TRUE.
    pub filter: Option<Expr>,
    /// See [`crate::logical::Join::null_aware`]; the filter holds the whole condition.
    pub null_aware: bool,
    /// Rows expected out.
    pub estimate: f64,
    /// Output as of [`HashJoin`].
    pub schema: Schema,
    /// What the user asks of how the join runs on a cluster.
    pub hint: JoinHint,
}

/// UNION ALL: inputs one after another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Union {
    /// Inputs with equal types by position.
    pub inputs: Vec<PhysicalPlan>,
    /// Output.
    pub schema: Schema,
}

/// A generator applied to each row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// Registry name.
    pub func: Arc<str>,
    /// Arguments.
    pub args: Vec<Expr>,
    /// A row without generated rows gives one with NULLs.
    pub outer: bool,
    /// Which input columns are put out before the generated ones.
    pub projection: Vec<usize>,
    /// Output.
    pub schema: Schema,
}

/// Gives each input row once per projection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expand {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// Each: one expression an output column.
    pub projections: Vec<Vec<Expr>>,
    /// Output.
    pub schema: Schema,
}

/// Named plans that are computed once and read by [`CteScan`]s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct With {
    /// Definitions in order; later ones may read earlier ones.
    pub defs: Vec<(CteId, PhysicalPlan)>,
    /// The plan that reads them.
    pub body: Box<PhysicalPlan>,
}

/// Reads a definition of an enclosing [`With`], or the last iteration inside a [`RecursiveCte`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CteScan {
    /// Which.
    pub id: CteId,
    /// Output.
    pub schema: Schema,
}

/// WITH RECURSIVE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecursiveCte {
    /// What [`CteScan`]s inside `recursive` read.
    pub id: CteId,
    /// First rows.
    pub anchor: Box<PhysicalPlan>,
    /// Next rows from the last ones.
    pub recursive: Box<PhysicalPlan>,
    /// UNION ALL; else rows seen before are dropped.
    pub all: bool,
    /// Most iterations.
    pub max_level: Option<u64>,
    /// Most rows.
    pub max_rows: Option<u64>,
    /// Rows that are wanted of it: no iteration starts once there are so many, and the limits above raise no error then.
    pub fetch: Option<u64>,
    /// Output.
    pub schema: Schema,
}

/// Keeps a random part of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// Lower bound of the kept part of [0, 1).
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Seed.
    pub seed: u64,
}
