//! Binding of arguments whose types depend on each other: an array and an element, arrays of one type, a map and a key.

use rsql_common::{Error, Result, ordinal_word, quoted_name};
use rsql_expr::coerce;
use rsql_expr::function::{ResolveCx, TypeSpec};
use rsql_expr::types::MapType;
use rsql_expr::{Expr, SqlType};

use crate::kernel;

pub(crate) use crate::kernel::{cast, check_count as count};

/// `DATATYPE_MISMATCH.<sub>` at the call.
pub(crate) fn mismatch(sub: &str, cx: &ResolveCx<'_>) -> Error {
    Error::user(format!("DATATYPE_MISMATCH.{sub}"))
        .param("functionName", quoted_name([&cx.called_as]))
        .at(cx.origin.0)
}

/// `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` for argument `index`.
pub(crate) fn unexpected(arg: &Expr, index: usize, required: &str, cx: &ResolveCx<'_>) -> Error {
    mismatch("UNEXPECTED_INPUT_TYPE", cx)
        .param("paramIndex", ordinal_word(index))
        .param("requiredType", required)
        .param("inputSql", format!("\"{arg}\""))
        .param("inputType", arg.ty().quoted())
}

/// Takes `arg` as `spec` asks, with an implicit cast.
pub(crate) fn implicit(arg: Expr, spec: TypeSpec, index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    coerce::implicit_cast(arg, spec, index, cx)
}

/// The type both can be widened to without turning strings into something else or the reverse.
pub(crate) fn wider(a: &SqlType, b: &SqlType, cx: &ResolveCx<'_>) -> Option<SqlType> {
    if a.same_type(b) {
        return kernel::wider(a, b, cx).or_else(|| Some(a.clone()));
    }
    (!promotes_strings(a, b)).then(|| kernel::wider(a, b, cx)).flatten()
}

/// Like [`wider`], but a decimal must hold the other type's digits already.
pub(crate) fn tightest(a: &SqlType, b: &SqlType, cx: &ResolveCx<'_>) -> Option<SqlType> {
    if a.is_decimal() || b.is_decimal() {
        return coerce::tightest_type(a, b, cx);
    }
    wider(a, b, cx)
}

fn promotes_strings(a: &SqlType, b: &SqlType) -> bool {
    use SqlType::{Array, Map, Struct, Void};
    match (a, b) {
        (Void, _) | (_, Void) => false,
        (Array(x), Array(y)) => promotes_strings(&x.element, &y.element),
        (Map(x), Map(y)) => promotes_strings(&x.key, &y.key) || promotes_strings(&x.value, &y.value),
        (Struct(x), Struct(y)) => x.iter().zip(y.iter()).any(|(p, q)| promotes_strings(&p.ty, &q.ty)),
        _ => a.is_string() != b.is_string(),
    }
}

/// Element type and whether elements may be NULL; `None` unless it is an array. A bare NULL is an array of void.
pub(crate) fn element(ty: &SqlType) -> Option<(SqlType, bool)> {
    match ty {
        SqlType::Array(a) => Some((a.element.clone(), a.contains_null)),
        SqlType::Void => Some((SqlType::Void, true)),
        _ => None,
    }
}

/// The argument as an array; a bare NULL becomes an array of `void`.
pub(crate) fn array(arg: Expr, index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    match arg.ty() {
        SqlType::Array(_) => Ok(arg),
        SqlType::Void => Ok(cast(arg, &SqlType::array(SqlType::Void), cx)),
        _ => Err(unexpected(&arg, index, "\"ARRAY\"", cx)),
    }
}

/// The argument as an array; a bare NULL is refused.
pub(crate) fn strict_array(arg: Expr, index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    match arg.ty() {
        SqlType::Array(_) => Ok(arg),
        _ => Err(unexpected(&arg, index, "\"ARRAY\"", cx)),
    }
}

/// The argument as a map; a bare NULL becomes a map of `void`.
pub(crate) fn map(arg: Expr, index: usize, cx: &ResolveCx<'_>) -> Result<(Expr, MapType)> {
    let arg = match arg.ty() {
        SqlType::Void => cast(arg, &SqlType::map(SqlType::Void, SqlType::Void, true), cx),
        _ => arg,
    };
    match arg.ty() {
        SqlType::Map(m) => Ok((arg, m.as_ref().clone())),
        _ => Err(unexpected(&arg, index, "\"MAP\"", cx)),
    }
}

/// How an array's element type and a value's type become one.
pub(crate) type Widen = fn(&SqlType, &SqlType, &ResolveCx<'_>) -> Option<SqlType>;

/// An array and a value of its element type, both widened.
pub(crate) fn array_and_value(array_arg: Expr, value: Expr, widen: Widen, cx: &ResolveCx<'_>) -> Result<(Expr, Expr)> {
    let found = match array_arg.ty() {
        SqlType::Array(a) => widen(&a.element, &value.ty(), cx).map(|ty| (ty, a.contains_null)),
        SqlType::Void => None,
        _ => return Err(unexpected(&array_arg, 0, "\"ARRAY\"", cx)),
    };
    match found {
        Some((ty, contains_null)) => {
            let array_ty = SqlType::array_of(ty.clone(), contains_null);
            Ok((cast(array_arg, &array_ty, cx), cast(value, &ty, cx)))
        }
        None => Err(mismatch("ARRAY_FUNCTION_DIFF_TYPES", cx)
            .param("dataType", "\"ARRAY\"")
            .param("leftType", array_arg.ty().quoted())
            .param("rightType", value.ty().quoted())),
    }
}

/// Two arrays of one element type.
pub(crate) fn two_arrays(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    count(&args, 2, Some(2), cx)?;
    let (left, right) = (args[0].ty(), args[1].ty());
    let common = match (&left, &right) {
        (SqlType::Array(l), SqlType::Array(r)) => {
            tightest(&l.element, &r.element, cx).map(|ty| SqlType::array_of(ty, l.contains_null || r.contains_null))
        }
        (SqlType::Array(_) | SqlType::Void, SqlType::Array(_) | SqlType::Void) => None,
        (SqlType::Array(_), _) => return Err(unexpected(&args[1], 1, "\"ARRAY\"", cx)),
        _ => return Err(unexpected(&args[0], 0, "\"ARRAY\"", cx)),
    };
    match common {
        Some(ty) => Ok(args.into_iter().map(|a| cast(a, &ty, cx)).collect()),
        None => Err(mismatch("BINARY_ARRAY_DIFF_TYPES", cx)
            .param("arrayType", "\"ARRAY\"")
            .param("leftType", left.quoted())
            .param("rightType", right.quoted())),
    }
}

/// All arguments as one type, as `coalesce`, `array` and `map` find it (strings take part).
pub(crate) fn one_type(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<(Vec<Expr>, SqlType)> {
    kernel::to_common(args, cx)
}

/// Fails unless the values of a type can be sorted.
pub(crate) fn orderable(ty: &SqlType, cx: &ResolveCx<'_>) -> Result<()> {
    if ty.is_orderable() {
        return Ok(());
    }
    Err(mismatch("INVALID_ORDERING_TYPE", cx).param("dataType", ty.quoted()))
}

/// Fails if values of the type cannot be keys of a map.
pub(crate) fn map_key(ty: &SqlType, cx: &ResolveCx<'_>) -> Result<()> {
    if ty.holds_map() {
        return Err(mismatch("INVALID_MAP_KEY_TYPE", cx).param("keyType", ty.quoted()));
    }
    Ok(())
}

/// True if some argument may be NULL, whatever the columns hold.
pub(crate) fn any_nullable(args: &[Expr]) -> bool {
    args.iter().any(|a| a.nullable(&|_| true))
}
