//! Texts that do not say their collation, in definitions that have a default one.

use rsql_expr::function::{Arity, ReturnType};
use rsql_expr::{EvalOptions, Expr, SqlType};

use crate::env::Env;

/// Type of a text that says no collation.
pub(crate) fn text(options: &EvalOptions) -> SqlType {
    options.default_collation.map_or(SqlType::String, SqlType::collated)
}

/// The value of a function that makes texts of its own: it has the default collation. Texts that a function passes on
/// keep theirs.
pub(crate) fn by_default(name: &str, expr: Expr, env: &Env<'_>) -> Expr {
    let Some(collation) = env.cx.options.default_collation else {
        return expr;
    };
    let Some(f) = env.cx.registry.scalar(name) else {
        return expr;
    };
    let own = matches!(f.signature.returns, ReturnType::Fixed(_));
    let folded = matches!(f.signature.arity, Arity::Rewrite(_));
    match expr {
        Expr::Call(mut c) if own && c.ty == SqlType::String => {
            c.ty = SqlType::collated(collation);
            Expr::Call(c)
        }
        Expr::Literal(mut l) if folded && l.ty == SqlType::String => {
            l.ty = SqlType::collated(collation);
            Expr::Literal(l)
        }
        other => other,
    }
}
