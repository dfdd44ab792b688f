//! Keys in place of texts: what makes comparing, hashing and sorting follow collations without kernels of their own.

use std::sync::Arc;

use super::{CallExpr, Effects, Expr, NullRule, Origin};
use crate::{EvalMode, EvalOptions, SqlType};

/// Name of the function that computes a key.
const KEY: &str = "collation_key";

/// The type with BINARY in place of texts that do not compare by bytes.
#[must_use]
pub fn key_type(ty: &SqlType) -> SqlType {
    ty.map_texts(&|text| match text.collation() {
        Some(c) if !c.is_binary() && !c.is_indeterminate() => SqlType::Binary,
        _ => text.clone(),
    })
}

/// What stands for `expr` where it is compared, hashed or sorted: its key if it holds texts that do not compare by
/// bytes, else `expr` itself.
#[must_use]
pub fn collation_key(expr: Expr) -> Expr {
    if !expr.has_collation() {
        return expr;
    }
    let from = expr.ty();
    let ty = key_type(&from);
    if ty == from {
        return expr;
    }
    Expr::Call(Box::new(CallExpr {
        func: KEY.into(),
        args: vec![expr],
        ty,
        mode: EvalMode::Legacy,
        nulls: NullRule::Propagate,
        effects: Effects::PURE,
        options: Arc::new(EvalOptions::default()),
        origin: Origin::default(),
    }))
}

impl Expr {
    /// The value holds texts that do not compare by bytes.
    pub fn has_collation(&self) -> bool {
        match self {
            Expr::Column(c) => c.ty.has_collation(),
            Expr::Slot(s) => s.ty.has_collation(),
            Expr::Literal(l) => l.ty.has_collation(),
            Expr::Case { ty, .. } | Expr::Coalesce { ty, .. } | Expr::Field { ty, .. } => ty.has_collation(),
            Expr::Cast(c) => c.ty.has_collation(),
            Expr::Call(c) => c.ty.has_collation(),
            Expr::Lambda(l) => l.body.has_collation(),
            _ => false,
        }
    }
}
