//! Checks of lambda arguments.

use rsql_common::Result;
use rsql_expr::function::ResolveCx;
use rsql_expr::{Expr, SqlType};

use crate::collection::bind;

/// Fails unless argument `index` is a lambda.
pub(super) fn lambda(arg: &Expr, index: usize, cx: &ResolveCx<'_>) -> Result<()> {
    match arg {
        Expr::Lambda(_) => Ok(()),
        _ => Err(bind::unexpected(arg, index, "\"LAMBDA FUNCTION\"", cx)),
    }
}

/// Takes a lambda that must give `ty`; a bare NULL as its body is cast.
pub(super) fn returning(arg: Expr, index: usize, ty: &SqlType, cx: &ResolveCx<'_>) -> Result<Expr> {
    lambda(&arg, index, cx)?;
    match arg {
        Expr::Lambda(mut l) if l.body.ty() == SqlType::Void || l.body.ty().same_type(ty) => {
            let body = std::mem::take(&mut l.body);
            l.body = bind::cast(body, ty, cx);
            Ok(Expr::Lambda(l))
        }
        other => Err(bind::unexpected(&other, index, &ty.quoted(), cx)),
    }
}

/// `(array, predicate)`
pub(super) fn array_predicate(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    args.into_iter()
        .enumerate()
        .map(|(i, a)| {
            if i == 0 {
                bind::array(a, 0, cx)
            } else {
                returning(a, i, &SqlType::Boolean, cx)
            }
        })
        .collect()
}

/// Parameters of the lambda at argument `index`.
pub(super) fn parameters(args: &[Expr], index: usize) -> usize {
    match args.get(index) {
        Some(Expr::Lambda(l)) => l.params.len(),
        _ => 0,
    }
}
