//! `mask`, `luhn_check`, `quote`.

use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::{Definitions, doc};
use crate::kernel::{
    StrCol, bool_rows, cast, check_count, constant, custom, mismatch, non_foldable, pure, some, text_rows,
    unexpected_input,
};

pub(super) const ALL: Definitions = &[&MASK, &LUHN_CHECK, &QUOTE];

/// `mask(str[, upper[, lower[, digit[, other]]]])`
static MASK: ScalarFn = custom(
    "mask",
    &[],
    doc(
        "mask(str[, upperChar[, lowerChar[, digitChar[, otherChar]]]])",
        "Letters and digits replaced by X, x and n, or by the given characters; NULL leaves a kind as it is.",
        "SELECT mask('abcd-EFGH-8765-4321')",
    ),
    Signature::bind_with(bind_mask, ReturnType::TextOf(0)),
    |args| {
        let values = StrCol::of(args, 0)?;
        let masks: Vec<StrCol> = (1..5).map(|i| StrCol::of(args, i)).collect::<Result<_>>()?;
        let mask = |kind: usize, row: usize| masks[kind].get(row).and_then(|m| m.chars().next());
        text_rows(args.rows, |row, out| {
            for c in some!(values.get(row)).chars() {
                let kind = if c.is_uppercase() {
                    0
                } else if c.is_lowercase() {
                    1
                } else if c.is_ascii_digit() {
                    2
                } else {
                    3
                };
                out.push(mask(kind, row).unwrap_or(c));
            }
            Ok(Some(()))
        })
    },
);

fn bind_mask(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    const NAMES: [&str; 4] = ["upperChar", "lowerChar", "digitChar", "otherChar"];
    check_count(&args, 1, Some(5), cx)?;
    let mut bound = vec![rsql_expr::coerce::implicit_cast(
        args[0].clone(),
        TypeSpec::Text,
        0,
        cx,
    )?];
    for i in 1..args.len() {
        if !args[i].ty().is_string() && args[i].ty() != SqlType::Void {
            return Err(unexpected_input(&args, i, "\"STRING\"", cx));
        }
        let arg = rsql_expr::coerce::implicit_cast(args[i].clone(), TypeSpec::Text, i, cx)?;
        let Some(l) = constant(&cast(arg, &SqlType::String, cx), cx) else {
            return Err(non_foldable(&args, i, NAMES[i - 1], cx));
        };
        if l.value.as_str().is_some_and(|s| s.chars().count() != 1) {
            return Err(mismatch("INPUT_SIZE_NOT_ONE", &args, cx).param("exprName", NAMES[i - 1]));
        }
        bound.push(Expr::lit(l));
    }
    for default in [Some("X"), Some("x"), Some("n"), None]
        .into_iter()
        .skip(bound.len() - 1)
    {
        bound.push(Expr::lit(
            default.map_or(Literal::null(SqlType::String), Literal::string),
        ));
    }
    Ok(bound)
}

/// `luhn_check(str)`
static LUHN_CHECK: ScalarFn = pure(
    "luhn_check",
    &[],
    doc(
        "luhn_check(str)",
        "True if the digits pass the Luhn check.",
        "SELECT luhn_check('8112189876')",
    ),
    Signature::exact(&[TypeSpec::String], ret::BOOLEAN),
    |args| {
        let values = StrCol::of(args, 0)?;
        bool_rows(args.rows, |row| Ok(Some(passes_luhn(some!(values.get(row))))))
    },
);

fn passes_luhn(text: &str) -> bool {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') << (i % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// `quote(str)`
static QUOTE: ScalarFn = pure(
    "quote",
    &[],
    doc(
        "quote(str)",
        "The text in single quotes, with backslashes before quotes within.",
        "SELECT quote('Don\\'t')",
    ),
    Signature::exact(&[TypeSpec::String], ret::STRING),
    |args| {
        let values = StrCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            out.push('\'');
            for c in some!(values.get(row)).chars() {
                if c == '\'' {
                    out.push('\\');
                }
                out.push(c);
            }
            out.push('\'');
            Ok(Some(()))
        })
    },
);
