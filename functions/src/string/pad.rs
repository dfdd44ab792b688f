//! `lpad` and `rpad`.

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType};

use super::length::count_chars;
use super::substring::char_range;
use super::{Definitions, doc, is_binary};
use crate::kernel::{BinCol, IntCol, StrCol, binary_rows, cast, check_count, pure, some, text_rows};

pub(super) const ALL: Definitions = &[&LPAD, &RPAD];

/// `lpad(str, len[, pad])`
static LPAD: ScalarFn = pure(
    "lpad",
    &[],
    doc(
        "lpad(str, len[, pad])",
        "Filled on the left, or cut, to a length.",
        "SELECT lpad('hi', 5, '??')",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| padded(args, true),
);

/// `rpad(str, len[, pad])`
static RPAD: ScalarFn = pure(
    "rpad",
    &[],
    doc(
        "rpad(str, len[, pad])",
        "Filled on the right, or cut, to a length.",
        "SELECT rpad('hi', 5, '??')",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| padded(args, false),
);

fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(3), cx)?;
    let binary = |i: usize| args.get(i).is_none_or(|a| a.ty() == SqlType::Binary);
    let ty = if binary(0) && binary(2) {
        SqlType::Binary
    } else {
        SqlType::String
    };
    let default = match ty {
        SqlType::Binary => Literal::new(Scalar::Bin([0u8].into()), SqlType::Binary),
        _ => Literal::string(" "),
    };
    let mut args = args.into_iter();
    let spec = if ty == SqlType::Binary {
        TypeSpec::Binary
    } else {
        TypeSpec::StringOrBinary
    };
    let taken = |arg: Expr, i: usize| {
        let arg = rsql_expr::coerce::implicit_cast(arg, spec, i, cx)?;
        Ok::<_, rsql_common::Error>(cast(arg, &ty, cx))
    };
    let value = taken(args.next().unwrap_or_default(), 0)?;
    let len = rsql_expr::coerce::implicit_cast(args.next().unwrap_or_default(), TypeSpec::Int, 1, cx)?;
    let pad = match args.next() {
        Some(pad) => taken(pad, 2)?,
        None => Expr::lit(default),
    };
    Ok(vec![value, len, pad])
}

fn padded(args: &EvalArgs<'_>, left: bool) -> Result<ArrayRef> {
    let lens = IntCol::of(args, 1)?;
    if is_binary(args, 0) {
        let (values, pads) = (BinCol::of(args, 0)?, BinCol::of(args, 2)?);
        return binary_rows(args.rows, |row, out| {
            let (value, len, pad) = (some!(values.get(row)), some!(lens.get(row)), some!(pads.get(row)));
            let len = len.max(0) as usize;
            let missing = if pad.is_empty() {
                0
            } else {
                len.saturating_sub(value.len())
            };
            let fill = pad.iter().copied().cycle().take(missing);
            if left {
                out.extend(fill);
                out.extend_from_slice(&value[..value.len().min(len)]);
            } else {
                out.extend_from_slice(&value[..value.len().min(len)]);
                out.extend(fill);
            }
            Ok(Some(()))
        });
    }
    let (values, pads) = (StrCol::of(args, 0)?, StrCol::of(args, 2)?);
    text_rows(args.rows, |row, out| {
        let (text, len, pad) = (some!(values.get(row)), some!(lens.get(row)), some!(pads.get(row)));
        let len = len.max(0) as usize;
        let missing = if pad.is_empty() {
            0
        } else {
            len.saturating_sub(count_chars(text))
        };
        let fill = pad.chars().cycle().take(missing);
        if left {
            out.extend(fill);
            out.push_str(char_range(text, 0, len));
        } else {
            out.push_str(char_range(text, 0, len));
            out.extend(fill);
        }
        Ok(Some(()))
    })
}
