//! `first_value`, `last_value`, `nth_value` over a frame.

use arrow::array::{Array, ArrayRef, UInt32Array};
use rsql_common::{Error, Result};
use rsql_expr::function::{ResolveCx, TypeSpec, WindowInput};
use rsql_expr::tree::WindowFunc;
use rsql_expr::{Expr, Literal, SqlType, WindowFn};

use super::doc;
use super::offset::int_at;
use crate::kernel::{check_count, constant, mismatch, non_foldable, unexpected_input};

/// `first_value(expr[, ignoreNulls])`
pub(super) static FIRST_VALUE: WindowFn = WindowFn {
    name: "first_value",
    aliases: &["first", "any_value"],
    doc: doc(
        "first_value(expr[, ignoreNulls])",
        "Value of the frame's first row.",
        "SELECT a, first_value(a) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve: |args, nulls, cx| resolve_end("first_value", args, nulls, cx),
    fixed_frame: None,
    needs_order: false,
    eval: |input| pick(input, Position::First),
};

/// `last_value(expr[, ignoreNulls])`
pub(super) static LAST_VALUE: WindowFn = WindowFn {
    name: "last_value",
    aliases: &["last"],
    doc: doc(
        "last_value(expr[, ignoreNulls])",
        "Value of the frame's last row.",
        "SELECT a, last_value(a) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve: |args, nulls, cx| resolve_end("last_value", args, nulls, cx),
    fixed_frame: None,
    needs_order: false,
    eval: |input| pick(input, Position::Last),
};

/// `nth_value(expr, n[, ignoreNulls])`
pub(super) static NTH_VALUE: WindowFn = WindowFn {
    name: "nth_value",
    aliases: &[],
    doc: doc(
        "nth_value(expr, n[, ignoreNulls])",
        "Value of the frame's n-th row.",
        "SELECT a, nth_value(a, 2) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve: resolve_nth,
    fixed_frame: None,
    needs_order: true,
    eval: |input| {
        let n = int_at(input, 1, 0)?.and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
        pick(input, Position::Nth(n.max(1) - 1))
    },
};

/// The constant flag at argument `index`, or `written`.
fn ignores_nulls(args: &[Expr], index: usize, written: bool, cx: &ResolveCx<'_>) -> Result<bool> {
    match args.get(index) {
        None => Ok(written),
        Some(e) if e.ty() != SqlType::Boolean => Err(unexpected_input(args, index, "\"BOOLEAN\"", cx)),
        Some(e) => constant(e, cx)
            .and_then(|l| l.value.as_bool())
            .map(|flag| flag || written)
            .ok_or_else(|| non_foldable(args, index, "ignoreNulls", cx)),
    }
}

fn resolve_end(func: &'static str, mut args: Vec<Expr>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<WindowFunc> {
    check_count(&args, 1, Some(2), cx)?;
    let ignore_nulls = ignores_nulls(&args, 1, ignore_nulls, cx)?;
    args.truncate(1);
    let ty = args.first().map_or(SqlType::Void, Expr::ty);
    Ok(WindowFunc::Window {
        func: func.into(),
        args,
        ignore_nulls,
        ty,
        nullable: true,
    })
}

fn resolve_nth(args: Vec<Expr>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<WindowFunc> {
    check_count(&args, 2, Some(3), cx)?;
    let ignore_nulls = ignores_nulls(&args, 2, ignore_nulls, cx)?;
    let [value, n, ..] = args.as_slice() else {
        return Err(Error::internal("nth_value without arguments"));
    };
    let n = rsql_expr::coerce::implicit_cast(n.clone(), TypeSpec::Int, 1, cx)?;
    let Some(literal) = constant(&n, cx) else {
        return Err(non_foldable(&args, 1, "offset", cx));
    };
    let n = literal.value.as_i64().unwrap_or(0);
    if n < 1 || n > i64::from(i32::MAX) {
        return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
            .param("exprName", "offset")
            .param("valueRange", format!("(0, {}]", i64::MAX))
            .param("currentValue", format!("{n}L")));
    }
    Ok(WindowFunc::Window {
        func: "nth_value".into(),
        args: vec![value.clone(), Expr::lit(Literal::int(n as i32))],
        ignore_nulls,
        ty: value.ty(),
        nullable: true,
    })
}

#[derive(Clone, Copy)]
enum Position {
    First,
    Last,
    /// From 0.
    Nth(usize),
}

fn pick(input: &WindowInput<'_>, position: Position) -> Result<ArrayRef> {
    let values = input
        .args
        .first()
        .ok_or_else(|| Error::internal("a window function lacks its argument"))?;
    // Rows that count, if not all do.
    let counted: Option<Vec<u32>> = values
        .logical_nulls()
        .filter(|_| input.ignore_nulls)
        .map(|n| n.valid_indices().map(|i| i as u32).collect());
    let picks: UInt32Array = input
        .frames
        .iter()
        .map(|(start, end)| {
            if start >= end {
                return None;
            }
            let (from, to) = match &counted {
                None => (*start as usize, *end as usize),
                Some(rows) => (rows.partition_point(|r| r < start), rows.partition_point(|r| r < end)),
            };
            let at = match position {
                Position::First => from,
                Position::Last => to.checked_sub(1)?,
                Position::Nth(n) => from + n,
            };
            if at < from || at >= to {
                return None;
            }
            match &counted {
                None => Some(at as u32),
                Some(rows) => rows.get(at).copied(),
            }
        })
        .collect();
    Ok(arrow::compute::take(values, &picks, None)?)
}
