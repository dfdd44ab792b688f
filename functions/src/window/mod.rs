//! Window functions.

mod counter_diff;
mod offset;
mod ranking;
mod value;

use rsql_common::Result;
use rsql_expr::function::{Doc, Family, FunctionKind, FunctionRegistry, ResolveCx};
use rsql_expr::tree::{FrameBound, FrameUnits, WindowFunc};
use rsql_expr::{Expr, SqlType, WindowFn, WindowFrame};

use crate::kernel::check_count;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    let all: [&'static WindowFn; 12] = [
        &ranking::ROW_NUMBER,
        &ranking::RANK,
        &ranking::DENSE_RANK,
        &ranking::PERCENT_RANK,
        &ranking::CUME_DIST,
        &ranking::NTILE,
        &offset::LAG,
        &offset::LEAD,
        &value::FIRST_VALUE,
        &value::LAST_VALUE,
        &value::NTH_VALUE,
        &counter_diff::COUNTER_DIFF,
    ];
    for f in all {
        r.add(FunctionKind::Window(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Window,
        usage,
        text,
        example,
    }
}

/// ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
fn rows_to_current() -> WindowFrame {
    WindowFrame {
        units: FrameUnits::Rows,
        start: FrameBound::Unbounded,
        end: FrameBound::CurrentRow,
    }
}

/// A call of a function without arguments.
fn nullary(func: &'static str, ty: SqlType, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<WindowFunc> {
    check_count(&args, 0, Some(0), cx)?;
    Ok(WindowFunc::Window {
        func: func.into(),
        args,
        ignore_nulls: false,
        ty,
        nullable: false,
    })
}
