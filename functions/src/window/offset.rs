//! `lag` and `lead`.

use arrow::array::{Array, ArrayRef, cast::AsArray};
use arrow::datatypes::Int32Type;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{ResolveCx, TypeSpec, WindowInput};
use rsql_expr::tree::WindowFunc;
use rsql_expr::{Expr, Literal, SqlType, WindowFn, WindowFrame};

use super::doc;
use crate::kernel::{cast, check_count, constant, mismatch, non_foldable, wider};

/// `lag(input[, offset[, default]])`
pub(super) static LAG: WindowFn = WindowFn {
    name: "lag",
    aliases: &[],
    doc: doc(
        "lag(input[, offset[, default]])",
        "Value some rows before the row.",
        "SELECT a, lag(a) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve: |args, nulls, cx| resolve("lag", args, nulls, cx),
    fixed_frame: Some(WindowFrame::whole),
    needs_order: true,
    eval: |input| shifted(input, -1),
};

/// `lead(input[, offset[, default]])`
pub(super) static LEAD: WindowFn = WindowFn {
    name: "lead",
    aliases: &[],
    doc: doc(
        "lead(input[, offset[, default]])",
        "Value some rows after the row.",
        "SELECT a, lead(a) OVER (ORDER BY a) FROM VALUES (1), (2) AS t(a)",
    ),
    resolve: |args, nulls, cx| resolve("lead", args, nulls, cx),
    fixed_frame: Some(WindowFrame::whole),
    needs_order: true,
    eval: |input| shifted(input, 1),
};

fn resolve(func: &'static str, args: Vec<Expr>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<WindowFunc> {
    check_count(&args, 1, Some(3), cx)?;
    let all = args.clone();
    let mut args = args.into_iter();
    let Some(value) = args.next() else {
        return Err(Error::internal("lag without arguments"));
    };
    let offset = match args.next() {
        None => Literal::int(1),
        Some(e) => {
            let e = rsql_expr::coerce::implicit_cast(e, TypeSpec::Int, 1, cx)?;
            let Some(l) = constant(&e, cx) else {
                return Err(non_foldable(&all, 1, "offset", cx));
            };
            l
        }
    };
    let default = match args.next() {
        None => Expr::lit(Literal::null(SqlType::Void)),
        Some(e) => e,
    };
    let ty = if default.is_null_literal() {
        value.ty()
    } else {
        wider(&value.ty(), &default.ty(), cx).ok_or_else(|| {
            mismatch("DATA_DIFF_TYPES", &all, cx)
                .param("functionName", quoted_name([func]))
                .param(
                    "dataType",
                    format!("({} or {})", value.ty().quoted(), default.ty().quoted()),
                )
        })?
    };
    // The value's own type wins where the default fits it.
    let ty = if default.is_null_literal() || ty.same_type(&value.ty()) {
        value.ty()
    } else {
        ty
    };
    let nullable = true;
    Ok(WindowFunc::Window {
        func: func.into(),
        args: vec![cast(value, &ty, cx), Expr::lit(offset), cast(default, &ty, cx)],
        ignore_nulls,
        ty,
        nullable,
    })
}

/// The INT argument `i` in a row.
pub(super) fn int_at(input: &WindowInput<'_>, i: usize, row: usize) -> Result<Option<i32>> {
    let array = input
        .args
        .get(i)
        .ok_or_else(|| Error::internal("a window function lacks an argument"))?;
    let ints = array
        .as_primitive_opt::<Int32Type>()
        .ok_or_else(|| Error::internal(format!("{} where INT was expected", array.data_type())))?;
    Ok((row < ints.len() && ints.is_valid(row)).then(|| ints.value(row)))
}

fn shifted(input: &WindowInput<'_>, direction: i64) -> Result<ArrayRef> {
    let [values, _, defaults] = input.args else {
        return Err(Error::internal("lag and lead take three arguments"));
    };
    let Some(offset) = int_at(input, 1, 0)? else {
        return Ok(arrow::array::new_null_array(values.data_type(), input.rows));
    };
    let step = i64::from(offset) * direction;
    let rows = input.rows as i64;
    let nulls = values.logical_nulls().filter(|_| input.ignore_nulls);
    let source = |row: i64| -> Option<usize> {
        let Some(nulls) = &nulls else {
            let at = row + step;
            return (0..rows).contains(&at).then_some(at as usize);
        };
        if step == 0 {
            return Some(row as usize);
        }
        let mut left = step.abs();
        let mut at = row;
        while left > 0 {
            at += step.signum();
            if !(0..rows).contains(&at) {
                return None;
            }
            left -= i64::from(nulls.is_valid(at as usize));
        }
        Some(at as usize)
    };
    let picks: Vec<(usize, usize)> = (0..rows)
        .map(|row| source(row).map_or((1, row as usize), |at| (0, at)))
        .collect();
    if picks.is_empty() {
        return Ok(arrow::array::new_empty_array(values.data_type()));
    }
    Ok(arrow::compute::interleave(
        &[values.as_ref(), defaults.as_ref()],
        &picks,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;
    use std::sync::Arc;

    #[test]
    fn shifts() {
        let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), None]));
        let run = |ignore_nulls, offset: i32, f: &WindowFn| {
            let args: Vec<ArrayRef> = vec![
                Arc::clone(&values),
                Arc::new(Int32Array::from(vec![offset; 4])),
                Arc::new(Int32Array::from(vec![9; 4])),
            ];
            let input = WindowInput {
                args: &args,
                rows: 4,
                peer_start: &[],
                peer_end: &[],
                frames: &[],
                ignore_nulls,
                ty: &SqlType::Int,
            };
            (f.eval)(&input)
                .unwrap()
                .as_primitive::<Int32Type>()
                .iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(run(false, 1, &LAG), [Some(9), Some(1), None, Some(3)]);
        assert_eq!(run(true, 1, &LAG), [Some(9), Some(1), Some(1), Some(3)]);
        assert_eq!(run(true, 1, &LEAD), [Some(3), Some(3), Some(9), Some(9)]);
        assert_eq!(run(false, -1, &LEAD), [Some(9), Some(1), None, Some(3)]);
    }
}
