//! Checks of lambda arguments.

use rsql_common::Result;
use rsql_expr::function::{ResolveCx, lambda_params};
use rsql_expr::{Column, Expr, LambdaExpr, SqlType};

use crate::collection::bind;

/// Takes argument `index` as a lambda; any other expression is one that ignores its parameters. `bound` are the
/// arguments before the first lambda.
pub(super) fn lambda(function: &str, arg: Expr, index: usize, bound: &[Expr], cx: &ResolveCx<'_>) -> Result<Expr> {
    if matches!(arg, Expr::Lambda(_)) {
        return Ok(arg);
    }
    let Some(params) = lambda_params(function, index, bound, 1) else {
        return Err(bind::unexpected(&arg, index, "\"LAMBDA FUNCTION\"", cx));
    };
    let params = params.into_iter().map(|(ty, _)| Column {
        id: cx.ids.column(),
        ty,
    });
    Ok(Expr::Lambda(Box::new(LambdaExpr {
        params: params.collect(),
        first_slot: 0,
        body: arg,
    })))
}

/// Takes a lambda that must give `ty`; a bare NULL as its body is cast, and so is a struct with other names of fields.
pub(super) fn returning(arg: Expr, index: usize, ty: &SqlType, cx: &ResolveCx<'_>) -> Result<Expr> {
    match arg {
        Expr::Lambda(mut l) if l.body.ty() == SqlType::Void || same_shape(&l.body.ty(), ty) => {
            let body = std::mem::take(&mut l.body);
            l.body = bind::cast(body, ty, cx);
            Ok(Expr::Lambda(l))
        }
        other => Err(bind::unexpected(&other, index, &ty.quoted(), cx)),
    }
}

/// Whether types are equal but for names of fields.
fn same_shape(a: &SqlType, b: &SqlType) -> bool {
    match (a, b) {
        (SqlType::Array(x), SqlType::Array(y)) => same_shape(&x.element, &y.element),
        (SqlType::Map(x), SqlType::Map(y)) => same_shape(&x.key, &y.key) && same_shape(&x.value, &y.value),
        (SqlType::Struct(x), SqlType::Struct(y)) => {
            x.len() == y.len() && x.iter().zip(y.iter()).all(|(p, q)| same_shape(&p.ty, &q.ty))
        }
        _ => a.same_type(b),
    }
}

/// `(array, predicate)`
pub(super) fn array_predicate(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let mut args = array_lambda("filter", args, cx)?;
    let predicate = std::mem::take(&mut args[1]);
    args[1] = returning(predicate, 1, &SqlType::Boolean, cx)?;
    Ok(args)
}

/// `(array, lambda)`
pub(super) fn array_lambda(function: &str, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    let mut args = args.into_iter();
    let array = bind::strict_array(args.next().unwrap_or_default(), 0, cx)?;
    let body = args.next().unwrap_or_default();
    let lambda = lambda(function, body, 1, std::slice::from_ref(&array), cx)?;
    Ok(vec![array, lambda])
}

/// Parameters of the lambda at argument `index`.
pub(super) fn parameters(args: &[Expr], index: usize) -> usize {
    match args.get(index) {
        Some(Expr::Lambda(l)) => l.params.len(),
        _ => 0,
    }
}
