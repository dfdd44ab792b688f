//! Entry by entry: `map_filter`, `transform_keys`, `transform_values`, `map_zip_with`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::types::MapType;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::bind_lambda::{lambda, returning};
use crate::collection::{Keys, MapGather, Maps, bind, map_of};
use crate::definition::{doc, scalar};

pub(super) static MAP_FILTER: ScalarFn = scalar(
    "map_filter",
    doc(
        Family::Lambda,
        "map_filter(map, func)",
        "The entries for which the function is true.",
        "SELECT map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)",
    ),
    Signature::bind_with(bind_filter, ReturnType::SameAs(0)),
    NullRule::Custom,
    Effects::PURE,
    map_filter,
);

pub(super) static TRANSFORM_KEYS: ScalarFn = scalar(
    "transform_keys",
    doc(
        Family::Lambda,
        "transform_keys(map, func)",
        "The map with what the function gives as keys.",
        "SELECT transform_keys(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + 1)",
    ),
    Signature::bind_with(
        bind_keys,
        ReturnType::Of(|args, _| {
            let m = map_type(args);
            Ok(SqlType::map(last(args), m.value, m.value_contains_null))
        }),
    ),
    NullRule::Custom,
    Effects::FALLIBLE,
    transform_keys,
);

pub(super) static TRANSFORM_VALUES: ScalarFn = scalar(
    "transform_values",
    doc(
        Family::Lambda,
        "transform_values(map, func)",
        "The map with what the function gives as values.",
        "SELECT transform_values(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> v + 1)",
    ),
    Signature::bind_with(
        bind_values,
        ReturnType::Of(|args, _| Ok(SqlType::map(map_type(args).key, last(args), true))),
    ),
    NullRule::Custom,
    Effects::PURE,
    transform_values,
);

pub(super) static MAP_ZIP_WITH: ScalarFn = scalar(
    "map_zip_with",
    doc(
        Family::Lambda,
        "map_zip_with(map1, map2, func)",
        "The map of all keys of both maps to what the function gives for key and both values.",
        "SELECT map_zip_with(map(1, 'a', 2, 'b'), map(1, 'x', 2, 'y'), (k, v1, v2) -> concat(v1, v2))",
    ),
    Signature::bind_with(
        bind_zip,
        ReturnType::Of(|args, _| Ok(SqlType::map(map_type(args).key, last(args), true))),
    ),
    NullRule::Custom,
    Effects::PURE,
    map_zip_with,
);

fn last(args: &[Expr]) -> SqlType {
    args.last().map_or(SqlType::Void, Expr::ty)
}

fn map_type(args: &[Expr]) -> MapType {
    match args.first().map(Expr::ty) {
        Some(SqlType::Map(m)) => m.as_ref().clone(),
        _ => MapType {
            key: SqlType::Void,
            value: SqlType::Void,
            value_contains_null: true,
        },
    }
}

fn strict_map(arg: Expr, index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    match arg.ty() {
        SqlType::Map(_) => Ok(arg),
        _ => Err(bind::unexpected(&arg, index, "\"MAP\"", cx)),
    }
}

fn bind_values(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    let mut args = args.into_iter();
    let map = strict_map(args.next().unwrap_or_default(), 0, cx)?;
    let body = args.next().unwrap_or_default();
    let lambda = lambda("transform_values", body, 1, std::slice::from_ref(&map), cx)?;
    Ok(vec![map, lambda])
}

fn bind_keys(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let args = bind_values(args, cx)?;
    bind::map_key(&last(&args), cx)?;
    Ok(args)
}

fn bind_filter(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let mut args = bind_values(args, cx)?;
    let predicate = std::mem::take(&mut args[1]);
    args[1] = returning(predicate, 1, &SqlType::Boolean, cx)?;
    Ok(args)
}

/// The second map with keys of the first one's type, where that is the wider one. The other way round the lambda, which
/// is bound by now, would read keys of another type.
fn one_key_type(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Vec<Expr> {
    let (left, right) = (map_type(&args), map_type(&args[1..]));
    match rsql_expr::coerce::wider_type(&left.key, &right.key, cx) {
        Some(key) if key == left.key && !left.key.same_type(&right.key) => {
            let ty = SqlType::map(key, right.value.clone(), right.value_contains_null);
            let cast = |(i, a)| if i == 1 { bind::cast(a, &ty, cx) } else { a };
            args.into_iter().enumerate().map(cast).collect()
        }
        _ => args,
    }
}

fn bind_zip(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 3, Some(3), cx)?;
    let mut args = args.into_iter().enumerate();
    let mut bound: Vec<Expr> = Vec::with_capacity(3);
    for (i, a) in args.by_ref().take(2) {
        bound.push(strict_map(a, i, cx)?);
    }
    let mut bound = one_key_type(bound, cx);
    for (i, a) in args {
        bound.push(lambda("map_zip_with", a, i, &bound, cx)?);
    }
    let args = bound;
    let (left, right) = (map_type(&args), map_type(&args[1..]));
    if !left.key.same_type(&right.key) {
        return Err(bind::mismatch("MAP_ZIP_WITH_DIFF_TYPES", cx)
            .param("leftType", left.key.quoted())
            .param("rightType", right.key.quoted()));
    }
    Ok(args)
}

/// What the lambda at argument 1 gives for every entry, the entries' positions, and how many each row has.
fn per_entry(args: &EvalArgs<'_>, maps: &Maps) -> Result<(ArrayRef, UInt32Array)> {
    let (rows, picks) = maps.rows_and_positions();
    let params = [
        arrow::compute::take(&maps.keys, &picks, None)?,
        arrow::compute::take(&maps.values, &picks, None)?,
    ];
    Ok((args.lambda(1)?.call(&params, &rows)?, picks))
}

/// Offsets of the rows' entries with those of NULL rows left out.
fn live_offsets(maps: &Maps) -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths((0..maps.len()).map(|r| if maps.is_null(r) { 0 } else { maps.range(r).len() }))
}

fn map_filter(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::arg(args, 0)?;
    let (keep, picks) = per_entry(args, &maps)?;
    let keep = keep.as_boolean();
    let is_kept = |i: &usize| keep.is_valid(*i) && keep.value(*i);
    let offsets = live_offsets(&maps);
    let lengths = offsets
        .windows(2)
        .map(|w| (w[0] as usize..w[1] as usize).filter(is_kept).count());
    let kept: UInt32Array = (0..picks.len()).filter(is_kept).map(|i| Some(picks.value(i))).collect();
    map_of(
        OffsetBuffer::from_lengths(lengths),
        arrow::compute::take(&maps.keys, &kept, None)?,
        arrow::compute::take(&maps.values, &kept, None)?,
        maps.nulls().cloned(),
        &args.call.ty,
    )
}

fn transform_values(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::arg(args, 0)?;
    let (values, picks) = per_entry(args, &maps)?;
    let keys = arrow::compute::take(&maps.keys, &picks, None)?;
    map_of(live_offsets(&maps), keys, values, maps.nulls().cloned(), &args.call.ty)
}

fn transform_keys(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::arg(args, 0)?;
    let (keys, picks) = per_entry(args, &maps)?;
    let mut out = MapGather::new(&keys, args)?;
    let mut next = 0;
    for row in 0..maps.len() {
        if maps.is_null(row) {
            out.null_row();
            continue;
        }
        for _ in maps.range(row) {
            out.push(next, Some(picks.value(next) as usize))
                .map_err(|e| args.error(e))?;
            next += 1;
        }
        out.end_row()?;
    }
    out.finish(&maps.values, &args.call.ty)
}

fn map_zip_with(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Maps::arg(args, 0)?, Maps::arg(args, 1)?);
    let nulls = arrow::buffer::NullBuffer::union(left.nulls(), right.nulls());
    let all_keys = arrow::compute::concat(&[left.keys.as_ref(), right.keys.as_ref()])?;
    let key = match args.ty(0) {
        SqlType::Map(m) => m.key.clone(),
        _ => SqlType::Void,
    };
    let bytes = Keys::new(&all_keys, &key)?;
    let shift = left.keys.len();
    let (mut rows, mut keys, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(args.rows));
    let (mut left_picks, mut right_picks): (Vec<Option<u32>>, Vec<Option<u32>>) = (Vec::new(), Vec::new());
    let mut place: HashMap<&[u8], usize> = HashMap::new();
    for row in 0..args.rows {
        let before = keys.len();
        if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
            place.clear();
            for i in left.range(row) {
                place.insert(bytes.get(i), keys.len());
                keys.push(i as u32);
                left_picks.push(Some(i as u32));
                right_picks.push(None);
            }
            for i in right.range(row) {
                match place.get(bytes.get(shift + i)) {
                    Some(at) => right_picks[*at] = Some(i as u32),
                    None => {
                        keys.push((shift + i) as u32);
                        left_picks.push(None);
                        right_picks.push(Some(i as u32));
                    }
                }
            }
        }
        lengths.push(keys.len() - before);
        rows.extend(std::iter::repeat_n(row as u32, keys.len() - before));
    }
    let keys = arrow::compute::take(&all_keys, &UInt32Array::from(keys), None)?;
    let params = [
        Arc::clone(&keys),
        arrow::compute::take(&left.values, &UInt32Array::from(left_picks), None)?,
        arrow::compute::take(&right.values, &UInt32Array::from(right_picks), None)?,
    ];
    let values = args.lambda(2)?.call(&params, &rows)?;
    map_of(OffsetBuffer::from_lengths(lengths), keys, values, nulls, &args.call.ty)
}
