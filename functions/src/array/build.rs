//! New arrays: `array`, `array_repeat`, `flatten`, `arrays_zip`, `concat` of arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Int32Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::collection::{ListGather, Lists, bind};
use crate::definition::{doc, scalar};

/// Longest array Spark makes.
pub(super) const MAX_LENGTH: i64 = 2_147_483_632;

pub(super) static ARRAY: ScalarFn = scalar(
    "array",
    doc(
        Family::Array,
        "array(expr, ...)",
        "An array of the arguments.",
        "SELECT array(1, 2, 3)",
    ),
    Signature::bind_with(|args, cx| Ok(bind::one_type(args, cx)?.0), ReturnType::Of(array_type)),
    NullRule::Never,
    Effects::PURE,
    array,
);

pub(super) static ARRAY_REPEAT: ScalarFn = scalar(
    "array_repeat",
    doc(
        Family::Array,
        "array_repeat(element, count)",
        "An array of the element, `count` times.",
        "SELECT array_repeat('123', 2)",
    ),
    Signature::bind_with(
        bind_repeat,
        ReturnType::Of(|args, _| {
            let ty = args.first().map_or(SqlType::Void, Expr::ty);
            Ok(SqlType::array_of(
                ty,
                args.first().is_some_and(|a| a.nullable(&|_| true)),
            ))
        }),
    ),
    NullRule::Custom,
    Effects::FALLIBLE,
    array_repeat,
);

pub(super) static FLATTEN: ScalarFn = scalar(
    "flatten",
    doc(
        Family::Array,
        "flatten(array_of_arrays)",
        "The elements of all inner arrays; NULL if one of those is NULL.",
        "SELECT flatten(array(array(1, 2), array(3, 4)))",
    ),
    Signature::bind_with(bind_flatten, ReturnType::Of(super::order::element_type)),
    NullRule::PropagateOrNull,
    Effects::PURE,
    flatten,
);

pub(super) static ARRAYS_ZIP: ScalarFn = scalar(
    "arrays_zip",
    doc(
        Family::Array,
        "arrays_zip(a1, a2, ...)",
        "An array of structs, the n-th of which holds all n-th elements; shorter arrays are filled up with NULLs.",
        "SELECT arrays_zip(array(1, 2, 3), array(2, 3, 4))",
    ),
    Signature::bind_with(bind_zip, ReturnType::Of(zip_type)),
    NullRule::Propagate,
    Effects::PURE,
    |args| zip(args, 1),
);

pub(super) static NAMED_ARRAYS_ZIP: ScalarFn = scalar(
    "named_arrays_zip",
    doc(
        Family::Array,
        "named_arrays_zip(name1, a1, name2, a2, ...)",
        "`arrays_zip` with the names of the fields given; what calls of `arrays_zip` on columns become.",
        "SELECT arrays_zip(a, b) FROM VALUES (array(1), array(2)) AS t(a, b)",
    ),
    Signature::bind_with(bind_named_zip, ReturnType::Of(named_zip_type)),
    NullRule::Propagate,
    Effects::PURE,
    |args| zip(args, 2),
);

fn array_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let element = args.first().map_or(SqlType::Void, Expr::ty);
    Ok(SqlType::array_of(element, bind::any_nullable(args)))
}

fn array(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let width = args.len();
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal("array must give an array"));
    };
    let columns = (0..width).map(|i| args.array(i)).collect::<Result<Vec<_>>>()?;
    let values = match columns.as_slice() {
        [] => arrow::array::new_empty_array(field.data_type()),
        [only] => Arc::clone(only),
        many => {
            let parts: Vec<&dyn Array> = many.iter().map(|c| c.as_ref()).collect();
            let picks: Vec<(usize, usize)> = (0..args.rows).flat_map(|r| (0..width).map(move |c| (c, r))).collect();
            arrow::compute::interleave(&parts, &picks)?
        }
    };
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(width, args.rows));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, None)?))
}

fn bind_repeat(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    if let Some(count) = args.get(1)
        && !matches!(count.ty(), SqlType::Int | SqlType::Void)
    {
        return Err(bind::unexpected(count, 1, "\"INT\"", cx));
    }
    let mut args = args;
    if let Some(count) = args.pop() {
        args.push(bind::cast(count, &SqlType::Int, cx));
    }
    Ok(args)
}

fn array_repeat(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (values, counts) = (args.array(0)?, args.array(1)?);
    let counts = counts.as_primitive::<Int32Type>();
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        if counts.is_null(row) {
            out.null_row();
            continue;
        }
        let count = counts.value(row).max(0);
        if i64::from(count) > MAX_LENGTH {
            return Err(args.error(too_long(i64::from(count), "count", "array_repeat")));
        }
        (0..count).for_each(|_| out.push(row));
        out.end_row()?;
    }
    out.finish(&[&values], &args.call.ty)
}

/// `COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER`
pub(super) fn too_long(elements: i64, parameter: &str, function: &str) -> Error {
    Error::user("COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER")
        .param("numberOfElements", elements.to_string())
        .param("functionName", quoted_name([function]))
        .param("maxRoundedArrayLength", MAX_LENGTH.to_string())
        .param("parameter", quoted_name([parameter]))
}

fn bind_flatten(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(1), cx)?;
    args.into_iter()
        .map(|a| match a.ty() {
            SqlType::Array(t) if matches!(t.element, SqlType::Array(_)) => Ok(a),
            _ => Err(bind::unexpected(&a, 0, "\"ARRAY\" of \"ARRAY\"", cx)),
        })
        .collect()
}

fn flatten(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let outer = Lists::arg(args, 0)?;
    let inner = Lists::new(&outer.values)?;
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        if outer.range(row).any(|i| inner.is_null(i)) {
            out.null_row();
            continue;
        }
        for i in outer.range(row) {
            out.extend(inner.range(i));
        }
        out.end_row()?;
    }
    out.finish(&[&inner.values], &args.call.ty)
}

fn bind_zip(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    args.into_iter()
        .enumerate()
        .map(|(i, a)| bind::array(a, i, cx))
        .collect()
}

fn zip_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let fields = args.iter().enumerate().map(|(i, a)| {
        let (ty, _) = bind::element(&a.ty()).unwrap_or((SqlType::Void, true));
        (i.to_string(), ty, true)
    });
    Ok(SqlType::array_of(SqlType::structure(fields), false))
}

fn bind_named_zip(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    args.into_iter()
        .enumerate()
        .map(|(i, a)| if i % 2 == 0 { Ok(a) } else { bind::array(a, i / 2, cx) })
        .collect()
}

fn named_zip_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let fields = args.chunks_exact(2).map(|pair| {
        let name = pair[0]
            .as_literal()
            .and_then(|l| l.value.as_str().map(str::to_string))
            .unwrap_or_default();
        let (ty, _) = bind::element(&pair[1].ty()).unwrap_or((SqlType::Void, true));
        (name, ty, true)
    });
    Ok(SqlType::array_of(SqlType::structure(fields), false))
}

/// Zips every `step`-th argument, the last of each group.
fn zip(args: &EvalArgs<'_>, step: usize) -> Result<ArrayRef> {
    let DataType::List(item) = args.call.ty.arrow() else {
        return Err(Error::internal("arrays_zip must give an array"));
    };
    let DataType::Struct(fields) = item.data_type() else {
        return Err(Error::internal("arrays_zip must give structs"));
    };
    let inputs = (step - 1..args.len())
        .step_by(step)
        .map(|i| Lists::arg(args, i))
        .collect::<Result<Vec<_>>>()?;
    let any_null = |row: usize| inputs.iter().any(|l| l.is_null(row));
    let lengths: Vec<usize> = (0..args.rows)
        .map(|row| {
            if any_null(row) {
                0
            } else {
                inputs.iter().map(|l| l.range(row).len()).max().unwrap_or(0)
            }
        })
        .collect();
    let mut columns = Vec::with_capacity(inputs.len());
    for list in &inputs {
        let picks: UInt32Array = lengths
            .iter()
            .enumerate()
            .flat_map(|(row, len)| {
                let range = list.range(row);
                (0..*len).map(move |i| (i < range.len()).then(|| (range.start + i) as u32))
            })
            .collect();
        columns.push(arrow::compute::take(&list.values, &picks, None)?);
    }
    let total = lengths.iter().sum();
    let values: ArrayRef = Arc::new(if columns.is_empty() {
        StructArray::new_empty_fields(total, None)
    } else {
        StructArray::try_new(fields.clone(), columns, None)?
    });
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(item, offsets, values, None)?))
}

/// `concat` of arrays of one type.
pub(crate) fn concat_arrays(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let inputs = (0..args.len())
        .map(|i| Lists::arg(args, i))
        .collect::<Result<Vec<_>>>()?;
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        let mut shift = 0;
        for list in &inputs {
            let range = list.range(row);
            out.extend(shift + range.start..shift + range.end);
            shift += list.values.len();
        }
        out.end_row()?;
    }
    let sources: Vec<&ArrayRef> = inputs.iter().map(|l| &l.values).collect();
    out.finish(&sources, &args.call.ty)
}
