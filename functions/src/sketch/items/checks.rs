//! Types and parameters of the `approx_top_k` functions, with Spark's errors.

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::ResolveCx;
use rsql_expr::{Expr, SqlType};

use super::item::Kind;
use crate::kernel::unexpected_input;
use crate::sketch::bind::{check_failure, constant_of};

pub(super) const DEFAULT_K: i32 = 5;
pub(super) const DEFAULT_MAX_ITEMS: i32 = 10_000;
pub(super) const MAX_ITEMS_LIMIT: i64 = 1_000_000;

/// An array of items and counts.
pub(super) fn top_type(item: &SqlType) -> SqlType {
    let row = SqlType::structure([("item", item.clone(), true), ("count", SqlType::Long, false)]);
    SqlType::array_of(row, false)
}

/// The struct a sketch is handed on in.
pub(super) fn state_type(item: SqlType) -> SqlType {
    SqlType::structure([
        ("sketch", SqlType::Binary, false),
        ("maxItemsTracked", SqlType::Int, false),
        ("itemDataType", item, true),
        ("itemDataTypeDDL", SqlType::String, false),
    ])
}

/// The kind of a column's items, or Spark's refusal.
pub(super) fn item_kind(ty: &SqlType, args: &[Expr], cx: &ResolveCx<'_>) -> Result<Kind> {
    let name = match ty {
        SqlType::Array(_) => "array".to_string(),
        SqlType::Map(_) => "map".to_string(),
        SqlType::Struct(_) => "struct".to_string(),
        other => other.to_string().to_lowercase(),
    };
    Kind::of(ty).ok_or_else(|| check_failure(args, format!("{name} columns are not supported"), cx))
}

/// The value of a constant INT; `None` is NULL's error.
pub(super) fn foldable_int(args: &[Expr], bound: &Expr, message: &str, name: &str, cx: &ResolveCx<'_>) -> Result<i64> {
    let literal = constant_of(bound, cx)?.ok_or_else(|| check_failure(args, message, cx))?;
    literal.value.as_i64().ok_or_else(|| {
        Error::user("APPROX_TOP_K_NULL_ARG")
            .param("argName", quoted_name([name]))
            .at(cx.origin.0)
    })
}

fn positive(name: &str, value: i64) -> Result<i32> {
    i32::try_from(value).ok().filter(|v| *v > 0).ok_or_else(|| {
        Error::user("APPROX_TOP_K_NON_POSITIVE_ARG")
            .param("argName", quoted_name([name]))
            .param("argValue", value.to_string())
    })
}

/// `k`, if it is positive.
pub(super) fn check_k(k: i64, cx: &ResolveCx<'_>) -> Result<i32> {
    positive("k", k).map_err(|e| e.at(cx.origin.0))
}

/// `maxItemsTracked`, if it is within its limits and not below `k`.
pub(super) fn check_max_items(max: i64, k: Option<i32>, cx: &ResolveCx<'_>) -> Result<i32> {
    max_items(max, k).map_err(|e| e.at(cx.origin.0))
}

/// [`check_max_items`] for a value met while the query runs.
pub(super) fn max_items(max: i64, k: Option<i32>) -> Result<i32> {
    if max > MAX_ITEMS_LIMIT {
        return Err(Error::user("APPROX_TOP_K_MAX_ITEMS_TRACKED_EXCEEDS_LIMIT")
            .param("maxItemsTracked", max.to_string())
            .param("limit", MAX_ITEMS_LIMIT.to_string()));
    }
    let max = positive("maxItemsTracked", max)?;
    match k {
        Some(k) if max < k => Err(Error::user("APPROX_TOP_K_MAX_ITEMS_TRACKED_LESS_THAN_K")
            .param("maxItemsTracked", max.to_string())
            .param("k", k.to_string())),
        _ => Ok(max),
    }
}

/// The type of the items of argument 0, which must be a sketch's struct.
pub(super) fn state_item(args: &[Expr], cx: &ResolveCx<'_>) -> Result<SqlType> {
    let ty = args.first().map_or(SqlType::Void, Expr::ty);
    let fields = match &ty {
        SqlType::Struct(fields) => &fields[..],
        SqlType::Void => &[],
        _ => return Err(unexpected_input(args, 0, "\"STRUCT\"", cx)),
    };
    let [sketch, tracked, item, ddl] = fields else {
        let got = if fields.is_empty() {
            "struct<>".to_string()
        } else {
            ty.to_string()
        };
        let message = "State must be a struct with 4 fields. Expected struct: \
                       struct<sketch:binary,maxItemsTracked:int,itemDataType:any,itemDataTypeDDL:string>. Got: ";
        return Err(check_failure(args, format!("{message}{got}"), cx));
    };
    let wrong = [
        (sketch.ty == SqlType::Binary, "first", "binary", &sketch.ty),
        (tracked.ty == SqlType::Int, "second", "int", &tracked.ty),
        (Kind::of(&item.ty).is_some(), "third", "a supported data type", &item.ty),
        (ddl.ty.is_string(), "fourth", "string", &ddl.ty),
    ];
    match wrong.iter().find(|(fits, ..)| !fits) {
        Some((_, which, wanted, got)) => {
            let message = format!("State struct must have the {which} field to be {wanted}. Got: {got}");
            Err(check_failure(args, message, cx))
        }
        None => Ok(item.ty.clone()),
    }
}

/// An items' type as sketches carry it.
pub(super) fn type_to_ddl(ty: &SqlType) -> String {
    if ty.is_string() {
        "item string not null".to_string()
    } else {
        format!("item {} NOT NULL", ty.sql())
    }
}

/// The type that [`type_to_ddl`] wrote.
pub(super) fn ddl_to_type(ddl: &str) -> Result<SqlType> {
    let unreadable = || {
        Error::user("PARSE_SYNTAX_ERROR")
            .param("error", "end of input")
            .param("hint", "")
    };
    match crate::record::parse_schema(ddl).ok_or_else(unreadable)? {
        SqlType::Struct(fields) => fields.first().map(|f| f.ty.clone()).ok_or_else(unreadable),
        _ => Err(unreadable()),
    }
}

/// Bytes that are no sketch of these items; Spark has no condition for that.
pub(super) fn broken(function: &str) -> Error {
    Error::user("INVALID_PARAMETER_VALUE.SKETCH").param("functionName", quoted_name([function]))
}
