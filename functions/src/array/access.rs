//! Elements by position or key: `element_at`, `try_element_at`, `get`, `x[i]` (`subscript`), `slice`, and a field of
//! every element (`array_field`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray, UInt32Array};
use arrow::datatypes::{Int32Type, Int64Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::types::StructField;
use rsql_expr::{Effects, EvalMode, Expr, ScalarFn, SqlType};

use crate::collection::{Keys, ListGather, Lists, Maps, bind};
use crate::definition::{doc, scalar};

pub(super) static ELEMENT_AT: ScalarFn = scalar(
    "element_at",
    doc(
        Family::Collection,
        "element_at(array, index) or element_at(map, key)",
        "The element at a position from 1, from the end if negative; or the key's value, NULL if there is none.",
        "SELECT element_at(array(1, 2, 3), 2)",
    ),
    Signature::bind_with(bind_element_at, ReturnType::Of(part_type)),
    NullRule::PropagateOrNull,
    Effects::FALLIBLE,
    |args| element_at(args, args.mode() == EvalMode::Ansi),
);

pub(super) static TRY_ELEMENT_AT: ScalarFn = scalar(
    "try_element_at",
    doc(
        Family::Collection,
        "try_element_at(array, index) or try_element_at(map, key)",
        "Like `element_at`, but NULL if the position lies outside the array.",
        "SELECT try_element_at(array(1, 2, 3), 2)",
    ),
    Signature::bind_with(bind_element_at, ReturnType::Of(part_type)),
    NullRule::PropagateOrNull,
    Effects::FALLIBLE,
    |args| element_at(args, false),
);

pub(super) static GET: ScalarFn = scalar(
    "get",
    doc(
        Family::Array,
        "get(array, index)",
        "The element at a position from 0; NULL outside the array.",
        "SELECT get(array(1, 2, 3), 0)",
    ),
    Signature::bind_with(bind_get, ReturnType::Of(part_type)),
    NullRule::PropagateOrNull,
    Effects::PURE,
    |args| at_index(args, false),
);

pub(super) static SUBSCRIPT: ScalarFn = scalar(
    "subscript",
    doc(
        Family::Collection,
        "array[index] or map[key]",
        "The element at a position from 0, or the key's value; NULL if there is no such key.",
        "SELECT array(1, 2, 3)[0]",
    ),
    Signature::bind_with(bind_subscript, ReturnType::Of(part_type)),
    NullRule::PropagateOrNull,
    Effects::FALLIBLE,
    subscript,
);

pub(super) static ARRAY_FIELD: ScalarFn = scalar(
    "array_field",
    doc(
        Family::Array,
        "array_of_structs.field",
        "The field of every element; the second argument is its name or position.",
        "SELECT a.x FROM VALUES (array(named_struct('x', 1))) AS t(a)",
    ),
    Signature::bind_with(bind_array_field, ReturnType::Of(array_field_type)),
    NullRule::Propagate,
    Effects::PURE,
    array_field,
);

pub(super) static SLICE: ScalarFn = scalar(
    "slice",
    doc(
        Family::Array,
        "slice(array, start, length)",
        "`length` elements from position `start`, from 1 or, if negative, from the end.",
        "SELECT slice(array(1, 2, 3, 4), 2, 2)",
    ),
    Signature::bind_with(bind_slice, ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::FALLIBLE,
    slice,
);

/// Type of an array's elements or a map's values.
fn part_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(match args.first().map(Expr::ty) {
        Some(SqlType::Array(a)) => a.element.clone(),
        Some(SqlType::Map(m)) => m.value.clone(),
        _ => SqlType::Void,
    })
}

fn pair(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<(Expr, Expr)> {
    bind::count(&args, 2, Some(2), cx)?;
    let mut args = args.into_iter();
    Ok((args.next().unwrap_or_default(), args.next().unwrap_or_default()))
}

fn bind_element_at(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let (left, right) = pair(args, cx)?;
    let right_ty = right.ty();
    match left.ty() {
        SqlType::Map(m) => match bind::wider(&m.key, &right_ty, cx) {
            Some(key) => {
                let ty = SqlType::map(key.clone(), m.value.clone(), m.value_contains_null);
                Ok(vec![bind::cast(left, &ty, cx), bind::cast(right, &key, cx)])
            }
            None => Err(bind::mismatch("MAP_FUNCTION_DIFF_TYPES", cx)
                .param("dataType", "\"MAP\"")
                .param("leftType", left.ty().quoted())
                .param("rightType", right_ty.quoted())),
        },
        SqlType::Array(_) if right_ty == SqlType::Long || !right_ty.is_integral() && right_ty != SqlType::Void => {
            Err(bind::unexpected(&right, 1, "\"INT\"", cx))
        }
        SqlType::Array(_) => Ok(vec![left, bind::cast(right, &SqlType::Int, cx)]),
        _ => Err(bind::unexpected(&left, 0, "(\"ARRAY\" or \"MAP\")", cx)),
    }
}

fn bind_get(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let (left, right) = pair(args, cx)?;
    let left = bind::strict_array(left, 0, cx)?;
    if !right.ty().is_integral() && right.ty() != SqlType::Void {
        return Err(bind::unexpected(&right, 1, "\"INTEGRAL\"", cx));
    }
    Ok(vec![left, bind::cast(right, &SqlType::Long, cx)])
}

fn bind_subscript(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let (left, right) = pair(args, cx)?;
    match left.ty() {
        SqlType::Map(m) => {
            let right = if m.key.same_type(&right.ty()) {
                right
            } else if rsql_expr::cast::can_cast(&right.ty(), &m.key, cx.ansi()) {
                bind::cast(right, &m.key, cx)
            } else {
                return Err(bind::unexpected(&right, 1, &m.key.quoted(), cx));
            };
            Ok(vec![left, right])
        }
        SqlType::Array(_) => bind_get(vec![left, right], cx),
        other => Err(Error::user("INVALID_EXTRACT_BASE_FIELD_TYPE")
            .param("base", format!("\"{left}\""))
            .param("other", other.quoted())
            .at(cx.origin.0)),
    }
}

fn bind_slice(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 3, Some(3), cx)?;
    args.into_iter()
        .enumerate()
        .map(|(i, a)| match i {
            0 => bind::array(a, 0, cx),
            _ => bind::implicit(a, TypeSpec::Int, i, cx),
        })
        .collect()
}

fn element_at(args: &EvalArgs<'_>, strict: bool) -> Result<ArrayRef> {
    if matches!(args.ty(0), SqlType::Map(_)) {
        return by_key(args);
    }
    let (lists, index) = (Lists::arg(args, 0)?, args.array(1)?);
    let index = index.as_primitive::<Int32Type>();
    let mut picks = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let (range, position) = (lists.range(row), i64::from(index.value(row)));
        let len = range.len() as i64;
        if position == 0 {
            return Err(args.error(Error::user("INVALID_INDEX_OF_ZERO")));
        }
        if position.abs() > len && strict {
            return Err(args.error(out_of_range("INVALID_ARRAY_INDEX_IN_ELEMENT_AT", position, len)));
        }
        let offset = if position > 0 { position - 1 } else { len + position };
        picks.push((position.abs() <= len).then_some((range.start as i64 + offset) as u32));
    }
    Ok(arrow::compute::take(&lists.values, &UInt32Array::from(picks), None)?)
}

fn subscript(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    if matches!(args.ty(0), SqlType::Map(_)) {
        return by_key(args);
    }
    at_index(args, args.mode() == EvalMode::Ansi)
}

/// Elements at positions from 0.
fn at_index(args: &EvalArgs<'_>, strict: bool) -> Result<ArrayRef> {
    let (lists, index) = (Lists::arg(args, 0)?, args.array(1)?);
    let index = index.as_primitive::<Int64Type>();
    let mut picks = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let (range, position) = (lists.range(row), index.value(row));
        let inside = usize::try_from(position).is_ok_and(|p| p < range.len());
        if strict && !inside {
            return Err(args.error(out_of_range("INVALID_ARRAY_INDEX", position, range.len() as i64)));
        }
        picks.push(inside.then(|| range.start as u32 + position as u32));
    }
    Ok(arrow::compute::take(&lists.values, &UInt32Array::from(picks), None)?)
}

fn out_of_range(condition: &'static str, index: i64, len: i64) -> Error {
    Error::user(condition)
        .param("indexValue", index.to_string())
        .param("arraySize", len.to_string())
        .param("ansiConfig", "\"spark.sql.ansi.enabled\"")
}

/// Values of maps by key.
fn by_key(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::arg(args, 0)?;
    let (keys, wanted) = Keys::pair(&maps.keys, &args.array(1)?, &args.ty(1))?;
    let picks: UInt32Array = (0..args.rows)
        .map(|row| {
            maps.range(row)
                .find(|i| keys.get(*i) == wanted.get(row))
                .map(|i| i as u32)
        })
        .collect();
    Ok(arrow::compute::take(&maps.values, &picks, None)?)
}

fn bind_array_field(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    Ok(args)
}

/// Position of the field that the second argument names or counts.
fn field_position(args: &[Expr], fields: &[StructField]) -> Option<usize> {
    let field = &args.get(1)?.as_literal()?.value;
    match field.as_str() {
        Some(name) => fields.iter().position(|f| f.name.as_ref() == name),
        None => usize::try_from(field.as_i64()?).ok().filter(|i| *i < fields.len()),
    }
}

fn array_field_type(args: &[Expr], cx: &ResolveCx<'_>) -> Result<SqlType> {
    if let Some(SqlType::Array(a)) = args.first().map(Expr::ty)
        && let SqlType::Struct(fields) = &a.element
        && let Some(i) = field_position(args, fields)
    {
        let field = &fields[i];
        return Ok(SqlType::array_of(field.ty.clone(), a.contains_null || field.nullable));
    }
    Err(Error::internal(format!(
        "{} needs an array of structs and one of their fields",
        cx.called_as
    )))
}

fn array_field(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let index = match args.ty(0) {
        SqlType::Array(a) => match &a.element {
            SqlType::Struct(fields) => field_position(&args.call.args, fields).unwrap_or(0),
            _ => 0,
        },
        _ => 0,
    };
    let structs: &StructArray = lists.values.as_struct();
    let field = structs.column(index);
    // A NULL struct has NULL fields, whatever lies below it.
    let field = match structs.nulls() {
        Some(nulls) => {
            let picks: UInt32Array = (0..field.len() as u32)
                .map(|i| nulls.is_valid(i as usize).then_some(i))
                .collect();
            arrow::compute::take(field, &picks, None)?
        }
        None => Arc::clone(field),
    };
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        out.extend(lists.range(row));
        out.end_row()?;
    }
    out.finish(&[&field], &args.call.ty)
}

fn slice(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (lists, starts, lengths) = (Lists::arg(args, 0)?, args.array(1)?, args.array(2)?);
    let (starts, lengths) = (starts.as_primitive::<Int32Type>(), lengths.as_primitive::<Int32Type>());
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        let (range, start, length) = (
            lists.range(row),
            i64::from(starts.value(row)),
            i64::from(lengths.value(row)),
        );
        if start == 0 {
            return Err(args.error(parameter("START", "start")));
        }
        if length < 0 {
            return Err(args.error(parameter("LENGTH", "length").param("length", length.to_string())));
        }
        let len = range.len() as i64;
        let from = if start > 0 { start - 1 } else { len + start };
        if (0..len).contains(&from) {
            let (from, to) = (from as usize, (from + length).min(len) as usize);
            out.extend(range.start + from..range.start + to);
        }
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}

fn parameter(sub: &str, name: &str) -> Error {
    Error::user(format!("INVALID_PARAMETER_VALUE.{sub}"))
        .param("parameter", quoted_name([name]))
        .param("functionName", "`slice`")
}
