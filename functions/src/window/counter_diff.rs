//! `counter_diff`: growth of a counter since the row before; NULL where the counter was reset.

use arrow::array::{Array, ArrayRef, cast::AsArray};
use arrow::datatypes::{ArrowNativeType, Float32Type, Float64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::{ResolveCx, WindowInput};
use rsql_expr::tree::WindowFunc;
use rsql_expr::types::Repr;
use rsql_expr::{EvalMode, EvalOptions, Expr, Origin, SqlType, WindowFn, cast_array};

use super::{doc, rows_to_current};
use crate::kernel::{cast, check_count, native_array, native_values, unexpected_input};

/// `counter_diff(value[, startTime])`
pub(super) static COUNTER_DIFF: WindowFn = WindowFn {
    name: "counter_diff",
    aliases: &[],
    doc: doc(
        "counter_diff(value[, startTime])",
        "Growth of a counter; NULL for the first value, after a decrease, and after a new start time.",
        "SELECT t, counter_diff(c) OVER (ORDER BY t) FROM VALUES (1, 100), (2, 150) AS tab(t, c)",
    ),
    resolve,
    fixed_frame: Some(rows_to_current),
    needs_order: true,
    eval,
};

fn resolve(args: Vec<Expr>, _: bool, cx: &ResolveCx<'_>) -> Result<WindowFunc> {
    if args.is_empty() {
        return Err(Error::user("REQUIRED_PARAMETER_NOT_FOUND")
            .param("routineName", "`counter_diff`")
            .param("parameterName", "`value`")
            .param("index", "0")
            .at(cx.origin.0));
    }
    check_count(&args, 1, Some(2), cx)?;
    let value = match args[0].ty() {
        t if t.is_numeric() => args[0].clone(),
        SqlType::Void => cast(args[0].clone(), &SqlType::Double, cx),
        _ => return Err(unexpected_input(&args, 0, "\"NUMERIC\"", cx)),
    };
    let ty = value.ty();
    let mut bound = vec![value];
    if let Some(start) = args.get(1) {
        bound.push(match start.ty() {
            t if t.is_timestamp() => start.clone(),
            SqlType::Void => cast(start.clone(), &SqlType::Timestamp, cx),
            _ => return Err(unexpected_input(&args, 1, "(\"TIMESTAMP_NTZ\" or \"TIMESTAMP\")", cx)),
        });
    }
    Ok(WindowFunc::Window {
        func: "counter_diff".into(),
        args: bound,
        ignore_nulls: false,
        ty,
        nullable: true,
    })
}

fn eval(input: &WindowInput<'_>) -> Result<ArrayRef> {
    let Some(values) = input.args.first() else {
        return Err(Error::internal("counter_diff without arguments"));
    };
    match input.ty.repr() {
        Repr::I8 => integers::<i8>(input, values, |a, b| a.checked_sub(b)),
        Repr::I16 => integers::<i16>(input, values, |a, b| a.checked_sub(b)),
        Repr::I32 => integers::<i32>(input, values, |a, b| a.checked_sub(b)),
        Repr::I64 => integers::<i64>(input, values, |a, b| a.checked_sub(b)),
        Repr::I128 => integers::<i128>(input, values, |a, b| a.checked_sub(b)),
        Repr::F32 => {
            let floats = values.as_primitive::<Float32Type>().values().to_vec();
            diffs(
                input,
                values,
                floats,
                |a| a < 0.0,
                |a, b| (b.is_nan() && !a.is_nan() || a < b, a - b),
            )
        }
        _ => {
            let doubles = values.as_primitive::<Float64Type>().values().to_vec();
            diffs(
                input,
                values,
                doubles,
                |a| a < 0.0,
                |a, b| (b.is_nan() && !a.is_nan() || a < b, a - b),
            )
        }
    }
}

fn integers<T: ArrowNativeType>(
    input: &WindowInput<'_>,
    values: &ArrayRef,
    subtract: fn(T, T) -> Option<T>,
) -> Result<ArrayRef> {
    let numbers = native_values::<T>(values.as_ref())?.to_vec();
    diffs(
        input,
        values,
        numbers,
        |a| a < T::default(),
        |a, b| (a < b, subtract(a, b).unwrap_or_default()),
    )
}

/// `diff` says whether the counter went down, and the difference.
fn diffs<T: ArrowNativeType>(
    input: &WindowInput<'_>,
    array: &ArrayRef,
    values: Vec<T>,
    negative: impl Fn(T) -> bool,
    diff: impl Fn(T, T) -> (bool, T),
) -> Result<ArrayRef> {
    let starts = match input.args.get(1) {
        Some(a) => Some((a, native_values::<i64>(a.as_ref())?)),
        None => None,
    };
    let start_of = |row: usize| starts.as_ref().filter(|(a, _)| a.is_valid(row)).map(|(_, v)| v[row]);
    let mut previous: Option<(T, Option<i64>, usize)> = None;
    let mut out = Vec::with_capacity(input.rows);
    let mut valid = Vec::with_capacity(input.rows);
    for (row, value) in values.into_iter().enumerate() {
        let mut result = None;
        if array.is_valid(row) {
            let start = start_of(row);
            if negative(value) {
                return Err(Error::user("COUNTER_DIFF_NEGATIVE_COUNTER_VALUE")
                    .param("function", "`counter_diff`")
                    .param("value", shown(array, row, input.ty)));
            }
            if let Some((before, before_start, before_row)) = previous {
                let moved = match (before_start, start, &starts) {
                    (Some(a), Some(b), Some((times, _))) if b < a => {
                        let ty = SqlType::from_arrow(times.data_type()).unwrap_or(SqlType::Timestamp);
                        return Err(Error::user("COUNTER_DIFF_START_TIME_DECREASED")
                            .param("function", "`counter_diff`")
                            .param("previousStartTime", shown(times, before_row, &ty))
                            .param("currentStartTime", shown(times, row, &ty)));
                    }
                    (Some(a), Some(b), _) => b > a,
                    _ => false,
                };
                let (decreased, growth) = diff(value, before);
                if !moved && !decreased {
                    result = Some(growth);
                }
            }
            previous = Some((value, start, row));
        }
        valid.push(result.is_some());
        out.push(result.unwrap_or_default());
    }
    native_array(out, Some(valid.into()), array.data_type())
}

/// A value as messages show it.
fn shown(array: &ArrayRef, row: usize, ty: &SqlType) -> String {
    let one = array.slice(row, 1);
    let options = EvalOptions::default();
    match cast_array(
        &one,
        ty,
        &SqlType::String,
        EvalMode::Legacy,
        &options,
        Origin::default(),
    ) {
        Ok(text) => text
            .as_string_view()
            .iter()
            .flatten()
            .next()
            .unwrap_or("NULL")
            .to_string(),
        Err(_) => String::new(),
    }
}
