//! The parts of [`super::Expr`] that carry more than operands.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rsql_common::{ColumnId, Span};
use serde::{Deserialize, Serialize};

use super::Expr;
use crate::{EvalMode, EvalOptions, SqlType};

/// Reference to a column by id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Identity.
    pub id: ColumnId,
    /// Type.
    pub ty: SqlType,
}

/// Reference to a column of the input chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// Position.
    pub index: usize,
    /// Type.
    pub ty: SqlType,
}

/// Place in the SQL text that an error of this node points at. Does not count in comparisons.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Origin(pub Span);

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Origin {}
impl Hash for Origin {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Arithmetic and bit operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ArithOp {
    Add,
    Subtract,
    Multiply,
    /// `/`: double or decimal
    Divide,
    /// `DIV`: bigint
    IntegralDivide,
    /// `%`
    Remainder,
    /// `pmod`
    Pmod,
    BitAnd,
    BitOr,
    BitXor,
    /// Unary minus; `right` equals `left`'s type's zero and is ignored.
    Negate,
}

impl ArithOp {
    /// The operator's symbol.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::IntegralDivide => "div",
            Self::Remainder => "%",
            Self::Pmod => "pmod",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
        }
    }
}

/// `left op right` of numbers (both operands of one type, except decimals, which may differ in precision and scale),
/// giving `ty`. Date, timestamp and interval arithmetic are function calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArithExpr {
    /// Operator.
    pub op: ArithOp,
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
    /// Type of the result.
    pub ty: SqlType,
    /// What overflow and division by zero do.
    pub mode: EvalMode,
    /// Where it stands.
    pub origin: Origin,
}

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CompareOp {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    /// `<=>`: NULL equals NULL, never NULL itself
    NullSafeEq,
}

impl CompareOp {
    /// The operator's symbol.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Lt => "<",
            Self::LtEq => "<=",
            Self::Gt => ">",
            Self::GtEq => ">=",
            Self::NullSafeEq => "<=>",
        }
    }

    /// The operator with its operands exchanged.
    #[must_use]
    pub fn flip(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::LtEq => Self::GtEq,
            Self::Gt => Self::Lt,
            Self::GtEq => Self::LtEq,
            same => same,
        }
    }

    /// The operator that is true where this one is false, where there is one.
    pub fn negate(self) -> Option<Self> {
        Some(match self {
            Self::Eq => Self::NotEq,
            Self::NotEq => Self::Eq,
            Self::Lt => Self::GtEq,
            Self::LtEq => Self::Gt,
            Self::Gt => Self::LtEq,
            Self::GtEq => Self::Lt,
            Self::NullSafeEq => return None,
        })
    }
}

/// A cast.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CastExpr {
    /// Operand.
    pub expr: Expr,
    /// Target type.
    pub ty: SqlType,
    /// What input that does not fit does.
    pub mode: EvalMode,
    /// Written by the user (kept in column names) rather than added by coercion.
    pub explicit: bool,
    /// Frozen session facts (time zone).
    pub options: Arc<EvalOptions>,
    /// Where it stands.
    pub origin: Origin,
}

/// What evaluating a call may do besides giving a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Effects {
    /// Same arguments give the same value within a query.
    pub deterministic: bool,
    /// May raise an error for some arguments.
    pub fallible: bool,
}

impl Effects {
    /// Deterministic and infallible.
    pub const PURE: Effects = Effects {
        deterministic: true,
        fallible: false,
    };
    /// Deterministic, may fail.
    pub const FALLIBLE: Effects = Effects {
        deterministic: true,
        fallible: true,
    };
    /// Volatile, infallible.
    pub const VOLATILE: Effects = Effects {
        deterministic: false,
        fallible: false,
    };
}

/// When a call's value is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NullRule {
    /// NULL exactly if an argument is NULL; the evaluator sees to it.
    Propagate,
    /// NULL if an argument is NULL, and maybe else too; the evaluator sees to the first part.
    PropagateOrNull,
    /// Never NULL.
    Never,
    /// May be NULL; the kernel handles NULL arguments itself.
    Custom,
}

/// A call of a registered scalar function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallExpr {
    /// Registry name (canonical, lower case).
    pub func: Arc<str>,
    /// Arguments, cast to what the function takes.
    pub args: Vec<Expr>,
    /// Type of the value.
    pub ty: SqlType,
    /// Error behaviour.
    pub mode: EvalMode,
    /// When the value is NULL.
    pub nulls: NullRule,
    /// Determinism and fallibility.
    pub effects: Effects,
    /// Frozen session facts.
    pub options: Arc<EvalOptions>,
    /// Where it stands.
    pub origin: Origin,
}

/// `(params) -> body`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LambdaExpr {
    /// Parameters; `body` refers to them as columns (logical) or slots (physical).
    pub params: Vec<Column>,
    /// First slot of the parameters in the chunk the body is evaluated on (physical plans only): the input's columns
    /// come first, then outer lambdas' parameters, then these.
    pub first_slot: usize,
    /// Body.
    pub body: Expr,
}
