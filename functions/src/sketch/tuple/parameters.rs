//! Parameters of the functions over tuple sketches: size, mode, key and number.

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, Expr, Literal, SqlType};

use super::summary::Mode;
use crate::kernel::{check_count, unexpected_input};
use crate::sketch::bind::{self, check_failure, check_lg_nom_entries, exact_int, implicit, nested_message, parameter};
use crate::sketch::keys::{THETA_KEYS, is_theta_key};

/// 2^12 entries if no size is given.
const DEFAULT_LG: i32 = 12;

/// Which optional parameters a function takes after its first ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Optional {
    Mode,
    SizeAndMode,
}

/// The arguments with defaults filled in, then size and mode as checked constants.
pub(super) fn complete(
    function: &'static str,
    mut args: Vec<Expr>,
    required: &[&str],
    optional: Optional,
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    let (least, sized) = (required.len(), optional == Optional::SizeAndMode);
    let most = least + 1 + usize::from(sized);
    if args.len() < least && sized {
        // Functions with named parameters say which one is missing.
        let missing = required.get(args.len()).copied().unwrap_or_default();
        return Err(Error::user("REQUIRED_PARAMETER_NOT_FOUND")
            .param("routineName", quoted_name([function]))
            .param("parameterName", quoted_name([missing]))
            .param("index", "0")
            .at(cx.origin.0));
    }
    check_count(&args, least, Some(most), cx)?;
    if sized {
        bind::or_default(&mut args, least, bind::int(DEFAULT_LG));
    }
    bind::or_default(&mut args, most - 1, Expr::lit(Literal::string("sum")));
    Ok(args)
}

/// `lgNomEntries`, checked.
pub(super) fn size(function: &str, args: &[Expr], i: usize, casts: bool, cx: &ResolveCx<'_>) -> Result<Expr> {
    let bound = if casts {
        implicit(args, i, TypeSpec::Int, "\"INT\"", cx)?
    } else {
        exact_int(args, i, cx)?
    };
    let value = parameter(args, i, &bound, ("lgNomEntries", "int"), cx)?;
    let lg = check_lg_nom_entries(function, value.value.as_i64().unwrap_or(0))
        .map_err(|e| check_failure(args, nested_message(&e), cx))?;
    Ok(bind::int(lg.into()))
}

/// `mode`, checked.
pub(super) fn mode(function: &str, args: &[Expr], i: usize, casts: bool, cx: &ResolveCx<'_>) -> Result<Expr> {
    let bound = if casts {
        implicit(args, i, TypeSpec::String, "\"STRING\"", cx)?
    } else {
        bind::exact(args, i, SqlType::is_string, &SqlType::String, "\"STRING\"", cx)?
    };
    let value = parameter(args, i, &bound, ("mode", "string"), cx)?;
    let name = value.value.as_str().unwrap_or_default();
    Mode::parse(function, name).map_err(|e| check_failure(args, nested_message(&e), cx))?;
    Ok(Expr::lit(Literal::string(name)))
}

/// The key: other simple types become DOUBLE or STRING.
pub(super) fn key(args: &[Expr], cx: &ResolveCx<'_>) -> Result<Expr> {
    let arg = bind::argument(args, 0)?;
    let ty = arg.ty();
    let wanted = match &ty {
        SqlType::Void => SqlType::Int,
        _ if is_theta_key(&ty) => return Ok(arg.clone()),
        _ if ty.is_numeric() => SqlType::Double,
        _ if ty.is_nested() => return Err(unexpected_input(args, 0, THETA_KEYS, cx)),
        _ => SqlType::String,
    };
    Ok(crate::kernel::cast(arg.clone(), &wanted, cx))
}

/// The size a call was bound with.
pub(super) fn size_of(call: &AggregateCall, i: usize) -> u8 {
    bind::bound_int(&call.args, i).unwrap_or(DEFAULT_LG.into()) as u8
}

/// The mode that arguments were bound with.
pub(super) fn mode_of(args: &[Expr], i: usize) -> Mode {
    args.get(i)
        .and_then(Expr::as_literal)
        .and_then(|l| l.value.as_str())
        .and_then(|name| Mode::parse("", name).ok())
        .unwrap_or(Mode::Sum)
}
