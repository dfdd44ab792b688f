//! String functions.

mod base;
mod case;
mod charset;
mod compose;
mod distance;
mod format_number;
mod java_format;
mod java_regex;
mod length;
mod like;
mod mask;
mod number_format;
mod number_text;
mod pad;
mod regexp;
mod replace;
mod search;
mod sentences;
mod split;
mod substring;
mod trim;
mod utf8;

use rsql_expr::function::{Doc, Family, FunctionKind, FunctionRegistry, ResolveCx};
use rsql_expr::{Expr, ScalarFn, SqlType};

use crate::kernel::StrCol;

pub(crate) use regexp::list_rows;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for family in [
        base::ALL,
        case::ALL,
        charset::ALL,
        compose::ALL,
        distance::ALL,
        format_number::ALL,
        java_format::ALL,
        length::ALL,
        like::ALL,
        mask::ALL,
        number_text::ALL,
        pad::ALL,
        regexp::ALL,
        replace::ALL,
        search::ALL,
        sentences::ALL,
        split::ALL,
        substring::ALL,
        trim::ALL,
        utf8::ALL,
    ] {
        for f in family {
            r.add(FunctionKind::Scalar(f));
        }
    }
}

/// A file's definitions.
type Definitions = &'static [&'static ScalarFn];

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::String,
        usage,
        text,
        example,
    }
}

/// `ARRAY<STRING>` with the collation of the first argument.
fn texts_like_first(args: &[Expr], _: &ResolveCx<'_>) -> rsql_common::Result<SqlType> {
    let text = args.first().map(Expr::ty).filter(SqlType::is_string);
    Ok(SqlType::array_of(text.unwrap_or(SqlType::String), false))
}

/// True if the argument's type is BINARY.
fn is_binary(args: &rsql_expr::function::EvalArgs<'_>, i: usize) -> bool {
    args.ty(i) == SqlType::Binary
}

/// The two text arguments of a call.
fn two_texts(args: &rsql_expr::function::EvalArgs<'_>) -> rsql_common::Result<(StrCol, StrCol)> {
    Ok((StrCol::of(args, 0)?, StrCol::of(args, 1)?))
}
