//! Parts of maps: `map_keys`, `map_values`, `map_entries`, `map_contains_key`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListArray, StructArray};
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::types::MapType;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::collection::{Keys, Maps, bind};
use crate::definition::{doc, scalar};

pub(super) static MAP_KEYS: ScalarFn = scalar(
    "map_keys",
    doc(
        Family::Map,
        "map_keys(map)",
        "The keys, as an array.",
        "SELECT map_keys(map(1, 'a', 2, 'b'))",
    ),
    Signature::bind_with(
        bind_one,
        ReturnType::Of(|args, _| Ok(SqlType::array_of(map_of(args).key, false))),
    ),
    NullRule::Propagate,
    Effects::PURE,
    |args| {
        let maps = Maps::arg(args, 0)?;
        lists(args, &maps, Arc::clone(&maps.keys))
    },
);

pub(super) static MAP_VALUES: ScalarFn = scalar(
    "map_values",
    doc(
        Family::Map,
        "map_values(map)",
        "The values, as an array.",
        "SELECT map_values(map(1, 'a', 2, 'b'))",
    ),
    Signature::bind_with(
        bind_one,
        ReturnType::Of(|args, _| {
            let m = map_of(args);
            Ok(SqlType::array_of(m.value, m.value_contains_null))
        }),
    ),
    NullRule::Propagate,
    Effects::PURE,
    |args| {
        let maps = Maps::arg(args, 0)?;
        lists(args, &maps, Arc::clone(&maps.values))
    },
);

pub(super) static MAP_ENTRIES: ScalarFn = scalar(
    "map_entries",
    doc(
        Family::Map,
        "map_entries(map)",
        "The entries, as an array of structs of key and value.",
        "SELECT map_entries(map(1, 'a', 2, 'b'))",
    ),
    Signature::bind_with(
        bind_one,
        ReturnType::Of(|args, _| {
            let m = map_of(args);
            let entry = SqlType::structure([("key", m.key, false), ("value", m.value, m.value_contains_null)]);
            Ok(SqlType::array_of(entry, false))
        }),
    ),
    NullRule::Propagate,
    Effects::PURE,
    map_entries,
);

pub(super) static MAP_CONTAINS_KEY: ScalarFn = scalar(
    "map_contains_key",
    doc(
        Family::Map,
        "map_contains_key(map, key)",
        "True if the map has the key.",
        "SELECT map_contains_key(map(1, 'a', 2, 'b'), 1)",
    ),
    Signature::bind_with(bind_contains_key, ret::BOOLEAN),
    NullRule::Propagate,
    Effects::PURE,
    map_contains_key,
);

fn bind_one(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(1), cx)?;
    args.into_iter().map(|a| Ok(bind::map(a, 0, cx)?.0)).collect()
}

fn map_of(args: &[Expr]) -> MapType {
    match args.first().map(Expr::ty) {
        Some(SqlType::Map(m)) => m.as_ref().clone(),
        _ => MapType {
            key: SqlType::Void,
            value: SqlType::Void,
            value_contains_null: true,
        },
    }
}

fn lists(args: &EvalArgs<'_>, maps: &Maps, values: ArrayRef) -> Result<ArrayRef> {
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal(format!("{} must give an array", args.call.func)));
    };
    Ok(Arc::new(ListArray::try_new(
        field,
        maps.offsets(),
        values,
        maps.nulls().cloned(),
    )?))
}

fn map_entries(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::arg(args, 0)?;
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal("map_entries must give an array"));
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(Error::internal("map_entries must give structs"));
    };
    let entries = StructArray::try_new(
        fields.clone(),
        vec![Arc::clone(&maps.keys), Arc::clone(&maps.values)],
        None,
    )?;
    lists(args, &maps, Arc::new(entries))
}

fn bind_contains_key(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    let mut args = args.into_iter();
    let (map, key) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    if map.ty() == SqlType::Void || key.ty() == SqlType::Void {
        return Err(bind::mismatch("NULL_TYPE", cx));
    }
    let (map, ty) = bind::map(map, 0, cx)?;
    match bind::wider(&ty.key, &key.ty(), cx) {
        Some(wide) => {
            let map_ty = SqlType::map(wide.clone(), ty.value, ty.value_contains_null);
            Ok(vec![bind::cast(map, &map_ty, cx), bind::cast(key, &wide, cx)])
        }
        None => Err(bind::mismatch("MAP_FUNCTION_DIFF_TYPES", cx)
            .param("dataType", "\"MAP\"")
            .param("leftType", map.ty().quoted())
            .param("rightType", key.ty().quoted())),
    }
}

fn map_contains_key(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::arg(args, 0)?;
    let (keys, wanted) = Keys::pair(&maps.keys, &args.array(1)?, &args.ty(1))?;
    let found: BooleanArray = (0..args.rows)
        .map(|row| Some(maps.range(row).any(|i| keys.get(i) == wanted.get(row))))
        .collect();
    debug_assert_eq!(found.len(), args.rows);
    Ok(Arc::new(found))
}
