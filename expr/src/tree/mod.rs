//! The typed expression: one closed enum for logical plans and physical plans.
//!
//! Logical plans refer to columns by id ([`Expr::Column`]); lowering replaces those by ordinals of the input chunk
//! ([`Expr::Slot`]). A column keeps its type with it, since the type of an id never changes; whether it may be NULL
//! depends on where it is read and is asked of the plan ([`Expr::nullable`]). AND and OR are n-ary. Subqueries and
//! names do not occur: the analyzer removed them. Aggregates and window functions are not expressions but parts of
//! their plan nodes ([`AggregateCall`], [`WindowCall`]).

mod calls;
mod collation;
mod display;
mod nodes;
mod walk;

use serde::{Deserialize, Serialize};

use crate::{Literal, SqlType};

pub use calls::{AggregateCall, FrameBound, FrameUnits, SortKey, WindowCall, WindowFrame, WindowFunc};
pub use collation::{collation_key, key_type};
pub use nodes::{
    ArithExpr, ArithOp, CallExpr, CastExpr, Column, CompareOp, Effects, LambdaExpr, NullRule, Origin, Slot,
};

/// A typed expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expr {
    /// Column of the input, or a lambda parameter, by id (logical plans).
    Column(Column),
    /// Column of the input chunk by position (physical plans).
    Slot(Slot),
    /// Constant.
    Literal(Literal),
    /// Arithmetic and bit operations; operand types are already those of the operation.
    Arith(Box<ArithExpr>),
    /// Comparison of two operands of the same type.
    Compare {
        /// Operator.
        op: CompareOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// Conjunction of two or more; later members are evaluated only for rows that earlier ones left.
    And(Vec<Expr>),
    /// Disjunction of two or more; later members are evaluated only for rows that earlier ones left.
    Or(Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// `IS NULL`
    IsNull(Box<Expr>),
    /// `IS NOT NULL`
    IsNotNull(Box<Expr>),
    /// `x IN (a, b, …)`: three-valued; all of one type.
    In {
        /// Operand.
        expr: Box<Expr>,
        /// Candidates.
        list: Vec<Expr>,
    },
    /// `CASE WHEN … THEN … ELSE … END`, also IF; branches are evaluated only for their rows.
    Case {
        /// Conditions and values.
        branches: Vec<(Expr, Expr)>,
        /// ELSE; absent means NULL.
        otherwise: Option<Box<Expr>>,
        /// Type of all values.
        ty: SqlType,
    },
    /// First argument that is not NULL; later ones are evaluated only where needed.
    Coalesce {
        /// Arguments of one type.
        args: Vec<Expr>,
        /// Their type.
        ty: SqlType,
    },
    /// Cast.
    Cast(Box<CastExpr>),
    /// Field of a struct.
    Field {
        /// Struct.
        expr: Box<Expr>,
        /// Field's position.
        index: usize,
        /// Field's type.
        ty: SqlType,
    },
    /// Call of a function of the registry.
    Call(Box<CallExpr>),
    /// Lambda; only as an argument of a higher-order function's call.
    Lambda(Box<LambdaExpr>),
}

impl Expr {
    /// Type of the value.
    pub fn ty(&self) -> SqlType {
        match self {
            Expr::Column(c) => c.ty.clone(),
            Expr::Slot(s) => s.ty.clone(),
            Expr::Literal(l) => l.ty.clone(),
            Expr::Arith(a) => a.ty.clone(),
            Expr::Compare { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::In { .. } => SqlType::Boolean,
            Expr::Case { ty, .. } | Expr::Coalesce { ty, .. } | Expr::Field { ty, .. } => ty.clone(),
            Expr::Cast(c) => c.ty.clone(),
            Expr::Call(c) => c.ty.clone(),
            Expr::Lambda(l) => l.body.ty(),
        }
    }

    /// The constant, if this is one.
    pub fn as_literal(&self) -> Option<&Literal> {
        if let Expr::Literal(l) = self { Some(l) } else { None }
    }

    /// True for the literal TRUE.
    pub fn is_true(&self) -> bool {
        self.as_literal().and_then(|l| l.value.as_bool()) == Some(true)
    }

    /// True for the literal FALSE.
    pub fn is_false(&self) -> bool {
        self.as_literal().and_then(|l| l.value.as_bool()) == Some(false)
    }

    /// True for a literal NULL.
    pub fn is_null_literal(&self) -> bool {
        self.as_literal().is_some_and(|l| l.value.is_null())
    }

    /// A constant.
    pub fn lit(literal: Literal) -> Self {
        Expr::Literal(literal)
    }

    /// `left op right`
    pub fn compare(op: CompareOp, left: Expr, right: Expr) -> Self {
        Expr::Compare {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    /// `NOT expr`
    #[allow(clippy::should_implement_trait, reason = "SQL's NOT, not Rust's")]
    pub fn not(expr: Expr) -> Self {
        Expr::Not(Box::new(expr))
    }

    /// Conjunction of all; TRUE for none, the expression itself for one. Nested ANDs are flattened.
    pub fn conjunction(parts: impl IntoIterator<Item = Expr>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            part.split_conjuncts_into(&mut flat);
        }
        match (flat.pop(), flat.is_empty()) {
            (None, _) => Expr::Literal(Literal::bool(true)),
            (Some(only), true) => only,
            (Some(last), false) => {
                flat.push(last);
                Expr::And(flat)
            }
        }
    }

    /// The members of a (possibly nested) AND; the expression itself otherwise; nothing for TRUE.
    pub fn split_conjuncts(self) -> Vec<Expr> {
        let mut out = Vec::new();
        self.split_conjuncts_into(&mut out);
        out
    }

    fn split_conjuncts_into(self, out: &mut Vec<Expr>) {
        match self {
            Expr::And(parts) => parts.into_iter().for_each(|p| p.split_conjuncts_into(out)),
            e if e.is_true() => {}
            e => out.push(e),
        }
    }
}
