//! Implicit casts: which types operators and functions take their arguments as, by Spark's rules.
//!
//! ANSI rules (Catalyst's `AnsiTypeCoercion`) and legacy rules (`TypeCoercion`) differ; `cx.ansi()` chooses. Errors
//! lack the parameters `sqlExpr` and `inputSql`, since only the caller knows the text of an expression.

pub mod decimal;
mod implicit;
mod operator;
mod wider;

use std::sync::Arc;

use crate::function::ResolveCx;
use crate::tree::CastExpr;
use crate::{Expr, Literal, SqlType};

pub use implicit::{implicit_cast, implicit_type};
pub use operator::{binary_arith, compare, whole_bounds};
pub use wider::{tightest_type, wider_type, wider_type_without_strings};

/// The type all are cast to (CASE, COALESCE, IN, UNION, `array(...)`).
pub fn common_type(exprs: &[Expr], cx: &ResolveCx<'_>) -> Option<SqlType> {
    let types: Vec<SqlType> = exprs.iter().map(Expr::ty).collect();
    common_type_of(&types, cx)
}

/// The type values of all these types are cast to.
pub fn common_type_of(types: &[SqlType], cx: &ResolveCx<'_>) -> Option<SqlType> {
    let fold = |types: Vec<&SqlType>| types.into_iter().try_fold(SqlType::Void, |a, b| wider_type(&a, b, cx));
    if cx.ansi() {
        return fold(types.iter().collect());
    }
    // Strings first, so that (INT, STRING, DATE) is STRING whatever the order.
    let (text, others): (Vec<_>, Vec<_>) = types.iter().partition(|t| holds_string(t));
    fold(text.into_iter().chain(others).collect())
}

fn holds_string(ty: &SqlType) -> bool {
    match ty {
        SqlType::Array(a) => holds_string(&a.element),
        SqlType::Map(m) => holds_string(&m.key) || holds_string(&m.value),
        SqlType::Struct(fields) => fields.iter().any(|f| holds_string(&f.ty)),
        t => t.is_string(),
    }
}

/// Where STRING is asked for any text will do: its collation stays.
pub fn is_text_already(from: &SqlType, to: &SqlType) -> bool {
    matches!(to, SqlType::String) && from.is_string()
}

/// `expr` as `ty`: unchanged if it has the type already, a literal NULL gets the type, else an implicit cast.
pub fn cast_to(expr: Expr, ty: &SqlType, cx: &ResolveCx<'_>) -> Expr {
    if is_text_already(&expr.ty(), ty) {
        return expr;
    }
    cast_exactly(expr, ty, cx)
}

/// `expr` as `ty`, with the collations that `ty` says.
pub fn cast_exactly(expr: Expr, ty: &SqlType, cx: &ResolveCx<'_>) -> Expr {
    if expr.ty() == *ty {
        return expr;
    }
    if expr.is_null_literal() {
        return Expr::lit(Literal::null(ty.clone()));
    }
    Expr::Cast(Box::new(CastExpr {
        expr,
        ty: ty.clone(),
        mode: cx.options.mode(),
        explicit: false,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    }))
}
