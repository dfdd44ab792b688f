//! The physical plan: data that prints, compares and travels; `rsql-exec` turns it into running operators.
//!
//! Expressions use [`rsql_expr::Slot`] ordinals of the node's input chunk; each node's [`Schema`] keeps the column ids
//! of its outputs, for adaptive re-planning and EXPLAIN. Joins' residual filters read left columns, then right columns.

mod exchange;
mod nodes;

use rsql_expr::Schema;
use serde::{Deserialize, Serialize};

pub use exchange::{Asked, Exchange, HashFunction, Partitioning, Rerun, StageInput};
pub use nodes::{
    AggregateMode, CteScan, Expand, Filter, Generate, HashAggregate, HashJoin, Limit, NestedLoopJoin, Projection,
    Range, RecursiveCte, Sample, Scan, Side, Sort, Union, Values, Window, WindowGroupLimit, With,
};

/// A physical plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant's struct says what it is")]
pub enum PhysicalPlan {
    Values(Values),
    Range(Range),
    Scan(Scan),
    Projection(Projection),
    Filter(Filter),
    HashAggregate(HashAggregate),
    Window(Window),
    WindowGroupLimit(WindowGroupLimit),
    Sort(Sort),
    Limit(Limit),
    HashJoin(HashJoin),
    NestedLoopJoin(NestedLoopJoin),
    Union(Union),
    Generate(Generate),
    Expand(Expand),
    With(With),
    CteScan(CteScan),
    RecursiveCte(RecursiveCte),
    Sample(Sample),
    Exchange(Exchange),
    StageInput(StageInput),
}

impl PhysicalPlan {
    /// No rows and no columns: what stands where a plan was taken out.
    pub fn nothing() -> Self {
        Self::Values(Values {
            rows: Vec::new(),
            schema: Schema::default(),
        })
    }

    /// Output columns.
    pub fn schema(&self) -> &Schema {
        match self {
            Self::Values(n) => &n.schema,
            Self::Range(n) => &n.schema,
            Self::Scan(n) => &n.schema,
            Self::Projection(n) => &n.schema,
            Self::Filter(n) => n.input.schema(),
            Self::HashAggregate(n) => &n.schema,
            Self::Window(n) => &n.schema,
            Self::WindowGroupLimit(n) => n.input.schema(),
            Self::Sort(n) => n.input.schema(),
            Self::Limit(n) => n.input.schema(),
            Self::HashJoin(n) => &n.schema,
            Self::NestedLoopJoin(n) => &n.schema,
            Self::Union(n) => &n.schema,
            Self::Generate(n) => &n.schema,
            Self::Expand(n) => &n.schema,
            Self::With(n) => n.body.schema(),
            Self::CteScan(n) => &n.schema,
            Self::RecursiveCte(n) => &n.schema,
            Self::Sample(n) => n.input.schema(),
            Self::Exchange(n) => n.input.schema(),
            Self::StageInput(n) => &n.schema,
        }
    }

    /// Children, left to right.
    pub fn children(&self) -> Vec<&PhysicalPlan> {
        match self {
            Self::Values(_) | Self::Range(_) | Self::Scan(_) | Self::CteScan(_) | Self::StageInput(_) => vec![],
            Self::Projection(n) => vec![&n.input],
            Self::Filter(n) => vec![&n.input],
            Self::HashAggregate(n) => vec![&n.input],
            Self::Window(n) => vec![&n.input],
            Self::WindowGroupLimit(n) => vec![&n.input],
            Self::Sort(n) => vec![&n.input],
            Self::Limit(n) => vec![&n.input],
            Self::HashJoin(n) => vec![&n.left, &n.right],
            Self::NestedLoopJoin(n) => vec![&n.left, &n.right],
            Self::Union(n) => n.inputs.iter().collect(),
            Self::Generate(n) => vec![&n.input],
            Self::Expand(n) => vec![&n.input],
            Self::With(n) => n.defs.iter().map(|(_, p)| p).chain([n.body.as_ref()]).collect(),
            Self::RecursiveCte(n) => vec![&n.anchor, &n.recursive],
            Self::Sample(n) => vec![&n.input],
            Self::Exchange(n) => vec![&n.input],
        }
    }

    /// Children for rewriting, in the order of [`Self::children`].
    pub fn children_mut(&mut self) -> Vec<&mut PhysicalPlan> {
        match self {
            Self::Values(_) | Self::Range(_) | Self::Scan(_) | Self::CteScan(_) | Self::StageInput(_) => vec![],
            Self::Projection(n) => vec![&mut n.input],
            Self::Filter(n) => vec![&mut n.input],
            Self::HashAggregate(n) => vec![&mut n.input],
            Self::Window(n) => vec![&mut n.input],
            Self::WindowGroupLimit(n) => vec![&mut n.input],
            Self::Sort(n) => vec![&mut n.input],
            Self::Limit(n) => vec![&mut n.input],
            Self::HashJoin(n) => vec![&mut n.left, &mut n.right],
            Self::NestedLoopJoin(n) => vec![&mut n.left, &mut n.right],
            Self::Union(n) => n.inputs.iter_mut().collect(),
            Self::Generate(n) => vec![&mut n.input],
            Self::Expand(n) => vec![&mut n.input],
            Self::With(n) => n.defs.iter_mut().map(|(_, p)| p).chain([n.body.as_mut()]).collect(),
            Self::RecursiveCte(n) => vec![&mut n.anchor, &mut n.recursive],
            Self::Sample(n) => vec![&mut n.input],
            Self::Exchange(n) => vec![&mut n.input],
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
            Self::HashAggregate(_) => "HashAggregate",
            Self::Window(_) => "Window",
            Self::WindowGroupLimit(_) => "WindowGroupLimit",
            Self::Sort(n) if n.fetch.is_some() => "TopK",
            Self::Sort(_) => "Sort",
            Self::Limit(_) => "Limit",
            Self::HashJoin(_) => "HashJoin",
            Self::NestedLoopJoin(_) => "NestedLoopJoin",
            Self::Union(_) => "Union",
            Self::Generate(_) => "Generate",
            Self::Expand(_) => "Expand",
            Self::With(_) => "With",
            Self::CteScan(_) => "CteScan",
            Self::RecursiveCte(_) => "RecursiveCte",
            Self::Sample(_) => "Sample",
            Self::Exchange(_) => "Exchange",
            Self::StageInput(_) => "StageInput",
        }
    }
}
