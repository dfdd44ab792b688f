//! `collate` and `collation`: what says a text's collation, and what tells it.

use rsql_common::{Error, Result};
use rsql_expr::function::{Doc, Family, ResolveCx};
use rsql_expr::{Collation, Expr, Literal, ScalarFn, SqlType};

use crate::kernel::{cast, check_count, constant, mismatch, rewritten, unexpected_input};

pub(super) const ALL: &[&ScalarFn] = &[&COLLATE, &COLLATION];

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::String,
        usage,
        text,
        example,
    }
}

/// `collate(str, collation)`: the text itself; its type tells how it compares.
static COLLATE: ScalarFn = ScalarFn {
    nulls: rsql_expr::tree::NullRule::Propagate,
    eval: |args| args.array(0),
    ..rewritten(
        "collate",
        &[],
        doc(
            "collate(str, collation)",
            "The text, compared by a collation.",
            "SELECT collate('a', 'UTF8_LCASE') = 'A'",
        ),
        resolve_collate,
    )
};

fn resolve_collate(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 2, Some(2), cx)?;
    let [text, name] = args.as_slice() else {
        return Err(Error::internal("collate takes two arguments"));
    };
    if !name.ty().is_string() {
        let shown = name.as_literal().map_or_else(|| name.to_string(), Literal::to_string);
        return Err(Error::user("UNEXPECTED_INPUT_TYPE")
            .param("functionName", "`collate`")
            .param("paramIndex", "first")
            .param("inputSql", format!("\"{shown}\""))
            .param("inputType", name.ty().quoted())
            .param("requiredType", "\"STRING\"")
            .at(cx.origin.0));
    }
    let Some(value) = constant(name, cx) else {
        return Err(mismatch("NON_FOLDABLE_INPUT", &args, cx)
            .param("inputName", "`collationName`")
            .param("inputType", "\"STRING\"")
            .param("inputExpr", format!("\"{name}\"")));
    };
    let Some(written) = value.value.as_str() else {
        return Err(Error::user("DATATYPE_MISMATCH.UNEXPECTED_NULL")
            .param("exprName", "`collation`")
            .param("sqlExpr", "\"CAST(NULL AS STRING)\"")
            .at(cx.origin.0));
    };
    let collation = parse(written).map_err(|e| e.at(cx.origin.0))?;
    let ty = text.ty();
    if !ty.is_string() && ty != SqlType::Void {
        return Err(unexpected_input(&args, 0, "\"STRING\"", cx));
    }
    let text = cast(text.clone(), &SqlType::String, cx);
    Ok(COLLATE.call_typed(vec![text], SqlType::collated(collation), cx))
}

/// The collation of a name, or `COLLATION_INVALID_NAME`.
fn parse(name: &str) -> Result<Collation> {
    name.parse::<Collation>().map_err(|e| {
        Error::user("COLLATION_INVALID_NAME")
            .param("collationName", name)
            .param("proposals", e.proposals.join(", "))
    })
}

/// `collation(str)`
static COLLATION: ScalarFn = rewritten(
    "collation",
    &[],
    doc(
        "collation(str)",
        "The collation of a text.",
        "SELECT collation('Spark SQL')",
    ),
    |args, cx| {
        check_count(&args, 1, Some(1), cx)?;
        let collation = match args[0].ty() {
            SqlType::Void => Collation::UTF8_BINARY,
            ty => match ty.collation() {
                Some(collation) => collation,
                None => return Err(unexpected_input(&args, 0, "\"STRING\"", cx)),
            },
        };
        let name = if collation.is_indeterminate() {
            collation.to_string()
        } else {
            format!("SYSTEM.BUILTIN.{collation}")
        };
        Ok(Expr::lit(Literal::string(name)))
    },
);
