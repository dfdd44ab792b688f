//! The logical plan: a closed enum of plain structs with `Arc` children.
//!
//! No node has two parents: sharing is named ([`With`] / [`CteRef`]). Columns are ids; each node caches its output
//! [`Schema`], computed when it is built (constructors in `build`), so types and nullability are never recomputed.
//! After analysis no node carries a subquery; the analyzer plants [`DependentJoin`]s and the optimizer removes them.

pub mod build;
pub mod canonical;
pub mod hint;
pub mod nodes;
pub mod verify;
mod walk;

use std::sync::Arc;

use rsql_expr::Schema;

pub use hint::{Hint, JoinHint, JoinStrategy};
pub use nodes::{
    Aggregate, CteRef, DependentJoin, DependentKind, Expand, Filter, Generate, GroupLimit, Join, JoinKind, Limit,
    Projection, Range, RankFunction, RecursiveCte, Repartition, RepartitionKind, Sample, Scan, SetOp, SetOpKind, Sort,
    Union, Values, Window, With,
};

/// A logical plan.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each variant's struct says what it is")]
pub enum LogicalPlan {
    Values(Values),
    Range(Range),
    Scan(Scan),
    Projection(Projection),
    Filter(Filter),
    Aggregate(Aggregate),
    Window(Window),
    Sort(Sort),
    Limit(Limit),
    Join(Join),
    DependentJoin(DependentJoin),
    Union(Union),
    SetOp(SetOp),
    Generate(Generate),
    Expand(Expand),
    With(With),
    CteRef(CteRef),
    RecursiveCte(RecursiveCte),
    Sample(Sample),
    Repartition(Repartition),
    Hint(Hint),
}

/// A shared child.
pub type PlanRef = Arc<LogicalPlan>;

impl LogicalPlan {
    /// Output columns.
    pub fn schema(&self) -> &Schema {
        match self {
            Self::Values(n) => &n.schema,
            Self::Range(n) => &n.schema,
            Self::Scan(n) => &n.schema,
            Self::Projection(n) => &n.schema,
            Self::Filter(n) => n.input.schema(),
            Self::Aggregate(n) => &n.schema,
            Self::Window(n) => &n.schema,
            Self::Sort(n) => n.input.schema(),
            Self::Limit(n) => n.input.schema(),
            Self::Join(n) => &n.schema,
            Self::DependentJoin(n) => &n.schema,
            Self::Union(n) => &n.schema,
            Self::SetOp(n) => &n.schema,
            Self::Generate(n) => &n.schema,
            Self::Expand(n) => &n.schema,
            Self::With(n) => n.body.schema(),
            Self::CteRef(n) => &n.schema,
            Self::RecursiveCte(n) => &n.schema,
            Self::Sample(n) => n.input.schema(),
            Self::Repartition(n) => n.input.schema(),
            Self::Hint(n) => n.input.schema(),
        }
    }

    /// Name for EXPLAIN.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Values(_) => "Values",
            Self::Range(_) => "Range",
            Self::Scan(_) => "Scan",
            Self::Projection(_) => "Projection",
            Self::Filter(_) => "Filter",
            Self::Aggregate(_) => "Aggregate",
            Self::Window(_) => "Window",
            Self::Sort(_) => "Sort",
            Self::Limit(_) => "Limit",
            Self::Join(_) => "Join",
            Self::DependentJoin(_) => "DependentJoin",
            Self::Union(_) => "Union",
            Self::SetOp(_) => "SetOp",
            Self::Generate(_) => "Generate",
            Self::Expand(_) => "Expand",
            Self::With(_) => "With",
            Self::CteRef(_) => "CteRef",
            Self::RecursiveCte(_) => "RecursiveCte",
            Self::Sample(_) => "Sample",
            Self::Repartition(_) => "Repartition",
            Self::Hint(_) => "Hint",
        }
    }
}
