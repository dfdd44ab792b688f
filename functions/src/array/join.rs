//! `array_join`: elements as one text.

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::collection::{Lists, bind};
use crate::definition::{doc, scalar};
use crate::kernel::{StrCol, text_rows};

pub(super) static ARRAY_JOIN: ScalarFn = scalar(
    "array_join",
    doc(
        Family::Array,
        "array_join(array, delimiter[, nullReplacement])",
        "The elements as text with the delimiter between them; NULLs are left out or replaced.",
        "SELECT array_join(array('hello', null ,'world'), ' ', ',')",
    ),
    Signature::bind_with(bind_join, ReturnType::TextOf(1)),
    NullRule::Propagate,
    Effects::PURE,
    array_join,
);

fn bind_join(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(3), cx)?;
    args.into_iter()
        .enumerate()
        .map(|(i, arg)| {
            if i > 0 {
                return bind::implicit(arg, TypeSpec::Text, i, cx);
            }
            match bind::element(&arg.ty()) {
                Some((e, nullable)) if !e.is_nested() && e != SqlType::Binary => {
                    Ok(bind::cast(arg, &SqlType::array_of(SqlType::String, nullable), cx))
                }
                _ => Err(bind::unexpected(&arg, 0, "\"ARRAY<STRING>\"", cx)),
            }
        })
        .collect()
}

fn array_join(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let elements = lists.values.as_string_view();
    let (delimiter, replacement) = (StrCol::of(args, 1)?, StrCol::optional(args, 2)?);
    text_rows(args.rows, |row, out| {
        let delimiter = delimiter.get(row).unwrap_or_default();
        let replacement = replacement.as_ref().and_then(|r| r.get(row));
        let mut first = true;
        for i in lists.range(row) {
            let element = if elements.is_null(i) {
                replacement
            } else {
                Some(elements.value(i))
            };
            let Some(element) = element else { continue };
            if !first {
                out.push_str(delimiter);
            }
            first = false;
            out.push_str(element);
        }
        Ok(Some(()))
    })
}
