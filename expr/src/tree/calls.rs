//! Aggregate and window calls as plan nodes carry them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Expr, Origin};
use crate::{EvalMode, EvalOptions, SqlType};

/// A sort key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SortKey {
    /// What to sort by.
    pub expr: Expr,
    /// Largest first.
    pub descending: bool,
    /// NULLs before values.
    pub nulls_first: bool,
}

/// A call of a registered aggregate function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AggregateCall {
    /// Registry name (canonical, lower case).
    pub func: Arc<str>,
    /// Arguments, cast to what the function takes. `count(*)` has none.
    pub args: Vec<Expr>,
    /// Only distinct argument tuples count.
    pub distinct: bool,
    /// FILTER (WHERE …).
    pub filter: Option<Expr>,
    /// WITHIN GROUP (ORDER BY …), for the functions that keep it as an order.
    pub order_by: Vec<SortKey>,
    /// Type of the result.
    pub ty: SqlType,
    /// The result may be NULL (for a group with rows).
    pub nullable: bool,
    /// IGNORE NULLS.
    pub ignore_nulls: bool,
    /// Error behaviour.
    pub mode: EvalMode,
    /// Frozen session facts.
    pub options: Arc<EvalOptions>,
    /// Where it stands.
    pub origin: Origin,
}

impl AggregateCall {
    /// Everything it computes of a row: arguments, condition, order.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let order = self.order_by.iter().map(|k| &k.expr);
        self.args.iter().chain(&self.filter).chain(order)
    }
}

/// How a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FrameUnits {
    Rows,
    Range,
}

/// A bound of a frame. For ROWS the offset is a BIGINT, for RANGE the sort key plus or minus the offset was typed by
/// the analyzer: `Value` holds the boundary as an expression over the current row, to be compared with the sort key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FrameBound {
    /// UNBOUNDED PRECEDING as start, UNBOUNDED FOLLOWING as end.
    Unbounded,
    /// CURRENT ROW (RANGE: with its peers).
    CurrentRow,
    /// ROWS: offset relative to the current row, negative for PRECEDING.
    Rows(i64),
    /// RANGE: the boundary value, of the sort key's type.
    Value(Box<Expr>),
}

/// Rows a window function sees.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WindowFrame {
    /// ROWS or RANGE.
    pub units: FrameUnits,
    /// First row.
    pub start: FrameBound,
    /// Last row.
    pub end: FrameBound,
}

impl WindowFrame {
    /// The whole partition.
    pub fn whole() -> Self {
        Self {
            units: FrameUnits::Rows,
            start: FrameBound::Unbounded,
            end: FrameBound::Unbounded,
        }
    }

    /// RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW: the default with ORDER BY.
    pub fn default_ordered() -> Self {
        Self {
            units: FrameUnits::Range,
            start: FrameBound::Unbounded,
            end: FrameBound::CurrentRow,
        }
    }
}

/// A call of a window function, or of an aggregate over a frame. Partitioning and order stand in the plan node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WindowCall {
    /// What is called.
    pub func: WindowFunc,
    /// Frame.
    pub frame: WindowFrame,
}

/// What a [`WindowCall`] computes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WindowFunc {
    /// A registered window function (`rank`, `lag`, …).
    Window {
        /// Registry name.
        func: Arc<str>,
        /// Arguments.
        args: Vec<Expr>,
        /// IGNORE NULLS.
        ignore_nulls: bool,
        /// Result type.
        ty: SqlType,
        /// Result may be NULL.
        nullable: bool,
    },
    /// An aggregate.
    Aggregate(AggregateCall),
}

impl WindowCall {
    /// Everything it computes of a row: arguments, condition, order, and the ends of its frame.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let (args, aggregate) = match &self.func {
            WindowFunc::Window { args, .. } => (args.as_slice(), None),
            WindowFunc::Aggregate(a) => ([].as_slice(), Some(a)),
        };
        let bounds = [&self.frame.start, &self.frame.end];
        let bounds = bounds.into_iter().filter_map(|bound| match bound {
            FrameBound::Value(e) => Some(e.as_ref()),
            _ => None,
        });
        let of_aggregate = aggregate.into_iter().flat_map(AggregateCall::expressions);
        args.iter().chain(of_aggregate).chain(bounds)
    }

    /// Type of the result.
    pub fn ty(&self) -> &SqlType {
        match &self.func {
            WindowFunc::Window { ty, .. } => ty,
            WindowFunc::Aggregate(a) => &a.ty,
        }
    }
}
