//! Arrays with elements added or removed: `array_append`, `array_prepend`, `array_insert`, `array_remove`,
//! `array_compact`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int32Type;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::contains::bind_value;
use crate::collection::{Keys, ListGather, Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static ARRAY_APPEND: ScalarFn = scalar(
    "array_append",
    doc(
        Family::Array,
        "array_append(array, element)",
        "The array with the element added at its end.",
        "SELECT array_append(array('b', 'd', 'c', 'a'), 'd')",
    ),
    Signature::bind_with(bind_added, ReturnType::Of(nullable_array)),
    NullRule::Custom,
    Effects::PURE,
    |args| {
        add(args, |out, range, value| {
            out.extend(range);
            out.push(value);
        })
    },
);

pub(super) static ARRAY_PREPEND: ScalarFn = scalar(
    "array_prepend",
    doc(
        Family::Array,
        "array_prepend(array, element)",
        "The array with the element added at its beginning.",
        "SELECT array_prepend(array('b', 'd', 'c', 'a'), 'd')",
    ),
    Signature::bind_with(bind_added, ReturnType::Of(nullable_array)),
    NullRule::Custom,
    Effects::PURE,
    |args| {
        add(args, |out, range, value| {
            out.push(value);
            out.extend(range);
        })
    },
);

pub(super) static ARRAY_INSERT: ScalarFn = scalar(
    "array_insert",
    doc(
        Family::Array,
        "array_insert(array, pos, value)",
        "The array with the value at position `pos`, from 1 or, if negative, from the end; gaps are filled with NULLs.",
        "SELECT array_insert(array(1, 2, 3, 4), 5, 5)",
    ),
    Signature::bind_with(bind_insert, ReturnType::Of(nullable_array)),
    NullRule::Custom,
    Effects::FALLIBLE,
    array_insert,
);

pub(super) static ARRAY_REMOVE: ScalarFn = scalar(
    "array_remove",
    doc(
        Family::Array,
        "array_remove(array, element)",
        "The array without the elements equal to `element`.",
        "SELECT array_remove(array(1, 2, 3, null, 3), 3)",
    ),
    Signature::bind_with(|args, cx| bind_value(args, bind::tightest, cx), ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    array_remove,
);

pub(super) static ARRAY_COMPACT: ScalarFn = scalar(
    "array_compact",
    doc(
        Family::Array,
        "array_compact(array)",
        "The array without its NULLs.",
        "SELECT array_compact(array(1, 2, 3, null))",
    ),
    Signature::exact(&[TypeSpec::Array], ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    |args| {
        let lists = Lists::arg(args, 0)?;
        retain(args, &lists, |_, i| !lists.element_is_null(i))
    },
);

/// The first argument's type with elements that may be NULL.
fn nullable_array(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let element = args.first().and_then(|a| bind::element(&a.ty()));
    Ok(element.map_or(SqlType::Void, |(ty, _)| SqlType::array(ty)))
}

fn bind_added(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    match args.first() {
        Some(array) if array.ty() == SqlType::Void => Err(bind::unexpected(array, 0, "\"ARRAY\"", cx)),
        _ => bind_value(args, bind::tightest, cx),
    }
}

fn bind_insert(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 3, Some(3), cx)?;
    let mut args = args.into_iter();
    let (Some(array), Some(pos), Some(value)) = (args.next(), args.next(), args.next()) else {
        return Ok(Vec::new());
    };
    if !pos.ty().is_integral() || pos.ty() == SqlType::Long {
        return Err(bind::unexpected(&pos, 1, "\"INT\"", cx));
    }
    let (array, value) = bind::array_and_value(array, value, bind::tightest, cx)?;
    Ok(vec![array, bind::cast(pos, &SqlType::Int, cx), value])
}

/// Rows of the first argument with the second's value, whose position comes after all elements, put in by `place`.
fn add(args: &EvalArgs<'_>, place: impl Fn(&mut ListGather, std::ops::Range<usize>, usize)) -> Result<ArrayRef> {
    let (lists, values) = (Lists::arg(args, 0)?, args.array(1)?);
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        if lists.is_null(row) {
            out.null_row();
            continue;
        }
        place(&mut out, lists.range(row), lists.values.len() + row);
        out.end_row()?;
    }
    out.finish(&[&lists.values, &values], &args.call.ty)
}

fn array_insert(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    /// Longest array Spark makes.
    const LIMIT: i64 = 2_147_483_632;
    let (lists, positions, values) = (Lists::arg(args, 0)?, args.array(1)?, args.array(2)?);
    let positions = positions.as_primitive::<Int32Type>();
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        if lists.is_null(row) || positions.is_null(row) {
            out.null_row();
            continue;
        }
        let (range, value) = (lists.range(row), lists.values.len() + row);
        let len = range.len() as i64;
        let pos = i64::from(positions.value(row));
        if pos == 0 {
            return Err(args.error(Error::user("INVALID_INDEX_OF_ZERO")));
        }
        // Index of the new element and NULLs around it.
        let index = if pos > 0 { pos - 1 } else { len + pos + 1 };
        if index.abs().max(len) + 1 > LIMIT {
            return Err(args.error(
                Error::user("COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION")
                    .param("numberOfElements", (index.abs() + 1).to_string())
                    .param("maxRoundedArrayLength", LIMIT.to_string())
                    .param("functionName", "`array_insert`"),
            ));
        }
        if index < 0 {
            out.push(value);
            (0..-index).for_each(|_| out.push_null());
            out.extend(range);
        } else {
            let split = range.start + index.min(len) as usize;
            out.extend(range.start..split);
            (len..index).for_each(|_| out.push_null());
            out.push(value);
            out.extend(split..range.end);
        }
        out.end_row()?;
    }
    out.finish(&[&lists.values, &values], &args.call.ty)
}

fn array_remove(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let (elements, unwanted) = Keys::pair(&lists.values, &args.array(1)?, &lists.element)?;
    retain(args, &lists, |row, i| {
        lists.element_is_null(i) || elements.get(i) != unwanted.get(row)
    })
}

fn retain(args: &EvalArgs<'_>, lists: &Lists, keep: impl Fn(usize, usize) -> bool) -> Result<ArrayRef> {
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        lists.range(row).filter(|i| keep(row, *i)).for_each(|i| out.push(i));
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}
