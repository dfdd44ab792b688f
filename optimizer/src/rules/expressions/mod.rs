//! Rules that rewrite expressions wherever they stand, in one walk over each.

mod boolean_simplification;
mod constant_folding;
mod like_simplification;
mod null_propagation;
mod optimize_in;
mod simplify_casts;
mod simplify_conditionals;
mod unwrap_cast;

use rsql_expr::{Expr, Literal, SqlType};

use crate::rule::ExpressionRule;

/// All of them: operands are literal before their operators are looked at, conditions simple before they are split.
pub static ALL: &[&dyn ExpressionRule] = &[
    &constant_folding::ConstantFolding,
    &null_propagation::NullPropagation,
    &simplify_casts::SimplifyCasts,
    &simplify_conditionals::SimplifyConditionals,
    &optimize_in::OptimizeIn,
    &like_simplification::LikeSimplification,
    &unwrap_cast::UnwrapCastInBinaryComparison,
    &boolean_simplification::BooleanSimplification,
];

/// Only what brings equalities to light.
pub static BOOLEAN: &[&dyn ExpressionRule] = &[&boolean_simplification::BooleanSimplification];

fn null(ty: SqlType) -> Expr {
    Expr::lit(Literal::null(ty))
}

fn boolean(v: bool) -> Expr {
    Expr::lit(Literal::bool(v))
}
