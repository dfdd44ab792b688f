//! New maps: `map`, `map_from_arrays`, `map_from_entries`, `map_concat`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::collection::{Lists, MapGather, Maps, bind};
use crate::definition::{doc, scalar};

pub(super) static MAP: ScalarFn = scalar(
    "map",
    doc(
        Family::Map,
        "map(key0, value0, key1, value1, ...)",
        "A map of the given keys and values.",
        "SELECT map(1.0, '2', 3.0, '4')",
    ),
    Signature::bind_with(bind_map, ReturnType::Of(map_type)),
    NullRule::Never,
    Effects::FALLIBLE,
    map,
);

pub(super) static MAP_FROM_ARRAYS: ScalarFn = scalar(
    "map_from_arrays",
    doc(
        Family::Map,
        "map_from_arrays(keys, values)",
        "A map of an array of keys and an array of as many values.",
        "SELECT map_from_arrays(array(1.0, 3.0), array('2', '4'))",
    ),
    Signature::bind_with(bind_from_arrays, ReturnType::Of(from_arrays_type)),
    NullRule::Propagate,
    Effects::FALLIBLE,
    map_from_arrays,
);

pub(super) static MAP_FROM_ENTRIES: ScalarFn = scalar(
    "map_from_entries",
    doc(
        Family::Map,
        "map_from_entries(array_of_entries)",
        "A map of an array of structs of key and value; NULL if a struct is NULL.",
        "SELECT map_from_entries(array(struct(1, 'a'), struct(2, 'b')))",
    ),
    Signature::bind_with(bind_from_entries, ReturnType::Of(from_entries_type)),
    NullRule::PropagateOrNull,
    Effects::FALLIBLE,
    map_from_entries,
);

pub(super) static MAP_CONCAT: ScalarFn = scalar(
    "map_concat",
    doc(
        Family::Map,
        "map_concat(map, ...)",
        "The union of the maps.",
        "SELECT map_concat(map(1, 'a', 2, 'b'), map(3, 'c'))",
    ),
    Signature::bind_with(
        bind_concat,
        ReturnType::Of(|args, _| {
            Ok(args
                .first()
                .map_or_else(|| SqlType::map(SqlType::String, SqlType::String, false), Expr::ty))
        }),
    ),
    NullRule::Propagate,
    Effects::FALLIBLE,
    map_concat,
);

fn bind_map(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
            .param("functionName", quoted_name([&cx.called_as]))
            .param("expectedNum", "2n (n > 0)")
            .param("actualNum", args.len().to_string())
            .at(cx.origin.0));
    }
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for (i, arg) in args.into_iter().enumerate() {
        if i % 2 == 0 { keys.push(arg) } else { values.push(arg) }
    }
    let differing = |sub: &'static str| move |_| bind::mismatch(sub, cx);
    let (keys, key) = bind::one_type(keys, cx).map_err(differing("CREATE_MAP_KEY_DIFF_TYPES"))?;
    let (values, _) = bind::one_type(values, cx).map_err(differing("CREATE_MAP_VALUE_DIFF_TYPES"))?;
    bind::map_key(&key, cx)?;
    Ok(keys.into_iter().zip(values).flat_map(|(k, v)| [k, v]).collect())
}

fn map_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let ty = |i: usize| args.get(i).map_or(SqlType::Void, Expr::ty);
    let nullable = args.iter().skip(1).step_by(2).any(|v| v.nullable(&|_| true));
    Ok(SqlType::map(ty(0), ty(1), nullable))
}

fn map(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let column = |first: usize| -> Result<ArrayRef> {
        let columns = (first..args.len())
            .step_by(2)
            .map(|i| args.array(i))
            .collect::<Result<Vec<_>>>()?;
        let parts: Vec<&dyn Array> = columns.iter().map(|c| c.as_ref()).collect();
        if parts.is_empty() {
            return Ok(arrow::array::new_empty_array(&arrow::datatypes::DataType::Null));
        }
        Ok(arrow::compute::concat(&parts)?)
    };
    let (keys, values) = (column(0)?, column(1)?);
    let mut out = MapGather::new(&keys, args)?;
    for row in 0..args.rows {
        for entry in 0..args.len() / 2 {
            let position = entry * args.rows + row;
            out.push(position, Some(position)).map_err(|e| args.error(e))?;
        }
        out.end_row()?;
    }
    out.finish(&values, &args.call.ty)
}

fn bind_from_arrays(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    let args = args
        .into_iter()
        .enumerate()
        .map(|(i, a)| bind::array(a, i, cx))
        .collect::<Result<Vec<_>>>()?;
    if let Some((key, _)) = args.first().and_then(|a| bind::element(&a.ty())) {
        bind::map_key(&key, cx)?;
    }
    Ok(args)
}

fn from_arrays_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let element = |i: usize| {
        args.get(i)
            .and_then(|a| bind::element(&a.ty()))
            .unwrap_or((SqlType::Void, true))
    };
    let ((key, _), (value, nullable)) = (element(0), element(1));
    Ok(SqlType::map(key, value, nullable))
}

fn map_from_arrays(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (keys, values) = (Lists::arg(args, 0)?, Lists::arg(args, 1)?);
    let mut out = MapGather::new(&keys.values, args)?;
    for row in 0..args.rows {
        let (k, v) = (keys.range(row), values.range(row));
        if k.len() != v.len() {
            return Err(args.error(Error::user("_LEGACY_ERROR_TEMP_2128")));
        }
        for (k, v) in k.zip(v) {
            out.push(k, Some(v)).map_err(|e| args.error(e))?;
        }
        out.end_row()?;
    }
    out.finish(&values.values, &args.call.ty)
}

/// Key and value fields of an array of pairs.
fn pair_fields(ty: &SqlType) -> Option<(SqlType, SqlType, bool)> {
    let SqlType::Array(a) = ty else { return None };
    match &a.element {
        SqlType::Struct(fields) if fields.len() == 2 => {
            Some((fields[0].ty.clone(), fields[1].ty.clone(), fields[1].nullable))
        }
        _ => None,
    }
}

fn bind_from_entries(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(1), cx)?;
    for a in &args {
        match pair_fields(&a.ty()) {
            Some((key, ..)) => bind::map_key(&key, cx)?,
            None => return Err(bind::unexpected(a, 0, "\"ARRAY\" of pair \"STRUCT\"", cx)),
        }
    }
    Ok(args)
}

fn from_entries_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let pair = args.first().and_then(|a| pair_fields(&a.ty()));
    let (key, value, nullable) = pair.unwrap_or((SqlType::Void, SqlType::Void, true));
    Ok(SqlType::map(key, value, nullable))
}

fn map_from_entries(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let entries = lists.values.as_struct();
    let (keys, values) = (entries.column(0), entries.column(1));
    let mut out = MapGather::new(keys, args)?;
    for row in 0..args.rows {
        if lists.range(row).any(|i| entries.is_null(i)) {
            out.null_row();
            continue;
        }
        for i in lists.range(row) {
            out.push(i, Some(i)).map_err(|e| args.error(e))?;
        }
        out.end_row()?;
    }
    out.finish(values, &args.call.ty)
}

fn bind_concat(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let types: Vec<SqlType> = args.iter().map(Expr::ty).collect();
    let shown = |between: &str| types.iter().map(SqlType::quoted).collect::<Vec<_>>().join(between);
    if !types.iter().all(|t| matches!(t, SqlType::Map(_))) {
        return Err(bind::mismatch("MAP_CONCAT_DIFF_TYPES", cx).param("dataType", format!("[{}]", shown(", "))));
    }
    let Some(first) = types.first() else {
        return Ok(args);
    };
    // Without ANSI mode strings take part.
    let widen = if cx.ansi() { bind::wider } else { crate::kernel::wider };
    let common = types.iter().skip(1).try_fold(first.clone(), |ty, t| widen(&ty, t, cx));
    match common {
        Some(ty) => Ok(args.into_iter().map(|a| bind::cast(a, &ty, cx)).collect()),
        None => Err(bind::mismatch("DATA_DIFF_TYPES", cx).param("dataType", format!("({})", shown(" or ")))),
    }
}

fn map_concat(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let inputs = (0..args.len())
        .map(|i| Maps::arg(args, i))
        .collect::<Result<Vec<_>>>()?;
    let join = |part: fn(&Maps) -> &ArrayRef| -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = inputs.iter().map(|m| part(m).as_ref()).collect();
        match inputs.as_slice() {
            [] => Ok(arrow::array::new_empty_array(&arrow::datatypes::DataType::Utf8View)),
            [only] => Ok(Arc::clone(part(only))),
            _ => Ok(arrow::compute::concat(&parts)?),
        }
    };
    let (keys, values) = (join(|m| &m.keys)?, join(|m| &m.values)?);
    let mut out = MapGather::new(&keys, args)?;
    for row in 0..args.rows {
        let mut shift = 0;
        for map in &inputs {
            for i in map.range(row) {
                out.push(shift + i, Some(shift + i)).map_err(|e| args.error(e))?;
            }
            shift += map.keys.len();
        }
        out.end_row()?;
    }
    out.finish(&values, &args.call.ty)
}
