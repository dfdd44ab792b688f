//! Arguments of calls: stars are expanded, `name => value` is put in its place.

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::expr::FunctionArg;
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::function::Doc;
use rsql_expr::{Expr, Literal};

use super::structure::own_name;
use super::{Binder, Bound};

/// A bound argument with the name it would give a struct's field.
pub(super) struct Argument {
    pub own_name: Option<String>,
    pub bound: Bound,
}

impl Binder<'_> {
    /// Binds positional arguments, expanding stars.
    pub(super) fn arguments<'x>(&mut self, args: impl IntoIterator<Item = &'x ast::Expr>) -> Result<Vec<Argument>> {
        let mut out = Vec::new();
        for arg in args {
            let columns = match &arg.kind {
                ExprKind::Star { qualifier, except } => Some(crate::star::expand(qualifier, except, self, arg.span)?),
                _ => crate::star::by_pattern(arg, self)?,
            };
            if let Some(columns) = columns {
                for c in columns {
                    let bound = self.named(c.expr, || c.name.to_string());
                    out.push(Argument {
                        own_name: Some(c.name.to_string()),
                        bound,
                    });
                }
            } else {
                out.push(Argument {
                    own_name: own_name(arg),
                    bound: self.bind(arg)?,
                });
            }
        }
        Ok(out)
    }
}

/// The built-in functions whose arguments may be given by name; Spark refuses names for all others.
const NAMEABLE: [&str; 17] = [
    "count_min_sketch",
    "counter_diff",
    "explode",
    "explode_outer",
    "inline",
    "inline_outer",
    "mask",
    "posexplode",
    "posexplode_outer",
    "tuple_sketch_agg_double",
    "tuple_sketch_agg_integer",
    "tuple_union_agg_double",
    "tuple_union_agg_integer",
    "tuple_union_double",
    "tuple_union_integer",
    "tuple_union_theta_double",
    "tuple_union_theta_integer",
];

/// Parameter names of a function, from its usage line: `mask(input[, upperChar, lowerChar])`.
fn parameter_names(doc: &Doc) -> Vec<String> {
    let usage = doc.usage;
    let Some((_, inside)) = usage.split_once('(') else {
        return Vec::new();
    };
    let inside = inside.split(')').next().unwrap_or("");
    inside
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|s| !s.is_empty())
        .map(str::to_string)
        .collect()
}

/// Arguments in the order of the function's parameters. Without `name => value` as they stand.
pub(super) fn in_order(args: &[FunctionArg], doc: &Doc, called_as: &str, span: Span) -> Result<Vec<ast::Expr>> {
    if args.iter().all(|a| a.name.is_none()) {
        return Ok(args.iter().map(|a| a.value.clone()).collect());
    }
    let routine = quoted_name([called_as]);
    if !NAMEABLE.contains(&called_as) {
        return Err(Error::user("NAMED_PARAMETERS_NOT_SUPPORTED")
            .param("functionName", routine)
            .at(span));
    }
    let names = parameter_names(doc);
    let mut slots: Vec<Option<ast::Expr>> = vec![None; names.len()];
    let mut named = false;
    for (i, arg) in args.iter().enumerate() {
        let Some(name) = &arg.name else {
            if named {
                return Err(Error::user("UNEXPECTED_POSITIONAL_ARGUMENT")
                    .param("routineName", routine)
                    .param(
                        "parameterName",
                        names.get(i).map(|n| quoted_name([n])).unwrap_or_default(),
                    )
                    .at(span));
            }
            match slots.get_mut(i) {
                Some(slot) => *slot = Some(arg.value.clone()),
                None => slots.push(Some(arg.value.clone())),
            }
            continue;
        };
        named = true;
        let Some(at) = names.iter().position(|n| n.eq_ignore_ascii_case(&name.value)) else {
            let mut nearest: Vec<&String> = names.iter().collect();
            nearest.sort_by_key(|n| crate::suggestion::edit_distance(n, &name.value));
            return Err(Error::user("UNRECOGNIZED_PARAMETER_NAME")
                .param("routineName", routine)
                .param("argumentName", quoted_name([&name.value]))
                .param(
                    "proposal",
                    nearest.iter().map(|n| quoted_name([n])).collect::<Vec<_>>().join(" "),
                )
                .at(span));
        };
        if slots[at].is_some() {
            let positional = args.get(at).is_some_and(|a| a.name.is_none());
            let condition = if positional {
                "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.BOTH_POSITIONAL_AND_NAMED"
            } else {
                "DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT.DOUBLE_NAMED_ARGUMENT_REFERENCE"
            };
            return Err(Error::user(condition)
                .param("routineName", routine)
                .param("parameterName", quoted_name([&name.value]))
                .at(span));
        }
        slots[at] = Some(arg.value.clone());
    }
    let last = slots.iter().rposition(Option::is_some).map_or(0, |i| i + 1);
    slots.truncate(last);
    slots
        .into_iter()
        .enumerate()
        .map(|(i, slot)| match slot.or_else(|| default_argument(called_as, i)) {
            Some(value) => Ok(value),
            None => Err(Error::user("REQUIRED_PARAMETER_NOT_FOUND")
                .param("routineName", routine.clone())
                .param("parameterName", quoted_name([&names[i]]))
                .param("index", i.to_string())
                .at(span)),
        })
        .collect()
}

/// Defaults of skipped parameters.
fn default_argument(function: &str, index: usize) -> Option<ast::Expr> {
    let text = |s: &str| Some(ast::Expr::literal(ast::Literal::String(s.to_string())));
    match (function, index) {
        ("mask", 1) => text("X"),
        ("mask", 2) => text("x"),
        ("mask", 3) => text("n"),
        ("mask", 4) => Some(ast::Expr::literal(ast::Literal::Null)),
        ("tuple_sketch_agg_double" | "tuple_sketch_agg_integer", 2) => Some(ast::Expr::literal(ast::Literal::Int(12))),
        ("tuple_union_agg_double" | "tuple_union_agg_integer", 1) => Some(ast::Expr::literal(ast::Literal::Int(12))),
        ("tuple_union_double" | "tuple_union_integer", 2) => Some(ast::Expr::literal(ast::Literal::Int(12))),
        ("tuple_union_theta_double" | "tuple_union_theta_integer", 2) => {
            Some(ast::Expr::literal(ast::Literal::Int(12)))
        }
        _ => None,
    }
}

/// A BIGINT constant's value, if `expr` is an integral constant.
pub(crate) fn constant_integer(expr: &Expr) -> Option<i64> {
    let Literal { value, ty } = expr.as_literal()?;
    if ty.is_integral() { value.as_i64() } else { None }
}
