//! Definitions of the scalar functions over KLL sketches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datasketches::kll::KllFloat;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family as DocFamily, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::bytes::{self, refused};
use super::item::Item;
use super::view::View;
use crate::collection::Lists;
use crate::definition::doc;
use crate::kernel::{
    BinCol, binary_rows, check_count, fallible, non_foldable, prim_rows, some, text_rows, unexpected_input,
};
use crate::sketch::bind::{constant_of, implicit};

macro_rules! scalars {
    ($($module:ident, $suffix:literal, $item:ty, $type:expr, $name:literal, $rows:literal;)*) => {
        /// All of them.
        pub(super) static ALL: &[&ScalarFn] =
            &[$(&$module::MERGE, &$module::COUNT, &$module::QUANTILE, &$module::RANK, &$module::SUMMARY),*];
        $(mod $module {
            use super::*;

            pub(super) static MERGE: ScalarFn = fallible(
                concat!("kll_sketch_merge_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("kll_sketch_merge_", $suffix, "(left, right)"),
                    "Two KLL quantiles sketches as one, of the accuracy of the first.",
                    concat!(
                        "SELECT kll_sketch_get_n_", $suffix, "(kll_sketch_merge_", $suffix, "(kll_sketch_agg_", $suffix,
                        "(a), kll_sketch_agg_", $suffix, "(a))) FROM VALUES ", $rows, " AS t(a)"
                    ),
                ),
                Signature::bind_with(bind_two, ret::BINARY),
                |args| merged::<$item>(args, concat!("kll_sketch_merge_", $suffix)),
            );
            pub(super) static COUNT: ScalarFn = fallible(
                concat!("kll_sketch_get_n_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("kll_sketch_get_n_", $suffix, "(sketch)"),
                    "Number of values that a KLL quantiles sketch has seen.",
                    concat!(
                        "SELECT kll_sketch_get_n_", $suffix, "(kll_sketch_agg_", $suffix, "(a)) FROM VALUES ", $rows,
                        " AS t(a)"
                    ),
                ),
                Signature::bind_with(bind_one, ret::LONG),
                |args| counts::<$item>(args, concat!("kll_sketch_get_n_", $suffix)),
            );
            pub(super) static SUMMARY: ScalarFn = fallible(
                concat!("kll_sketch_to_string_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("kll_sketch_to_string_", $suffix, "(sketch)"),
                    "What a KLL quantiles sketch holds, in words.",
                    concat!(
                        "SELECT length(kll_sketch_to_string_", $suffix, "(kll_sketch_agg_", $suffix,
                        "(a))) > 0 FROM VALUES ", $rows, " AS t(a)"
                    ),
                ),
                Signature::bind_with(bind_one, ret::STRING),
                |args| summaries::<$item>(args, concat!("kll_sketch_to_string_", $suffix)),
            );
            pub(super) static QUANTILE: ScalarFn = fallible(
                concat!("kll_sketch_get_quantile_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("kll_sketch_get_quantile_", $suffix, "(sketch, rank)"),
                    "Value of a KLL quantiles sketch at a rank from 0 to 1, or values at an array of ranks.",
                    concat!(
                        "SELECT kll_sketch_get_quantile_", $suffix, "(kll_sketch_agg_", $suffix,
                        "(a), 0.5) FROM VALUES ", $rows, " AS t(a)"
                    ),
                ),
                Signature::bind_with(
                    |args, cx| bind_question(args, &SqlType::Double, TypeSpec::Double, ("DOUBLE", "rank"), cx),
                    ReturnType::Of(|args, _| Ok(as_asked(args, $type))),
                ),
                |args| quantiles::<$item>(args, concat!("kll_sketch_get_quantile_", $suffix)),
            );
            pub(super) static RANK: ScalarFn = fallible(
                concat!("kll_sketch_get_rank_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("kll_sketch_get_rank_", $suffix, "(sketch, value)"),
                    "Share of the values of a KLL quantiles sketch up to a value, or shares for an array of values.",
                    concat!(
                        "SELECT kll_sketch_get_rank_", $suffix, "(kll_sketch_agg_", $suffix, "(a), 2) FROM VALUES ",
                        $rows, " AS t(a)"
                    ),
                ),
                Signature::bind_with(
                    |args, cx| bind_question(args, &$type, spec_of(&$type), ($name, "quantile"), cx),
                    ReturnType::Of(|args, _| Ok(as_asked(args, SqlType::Double))),
                ),
                |args| ranks::<$item>(args, concat!("kll_sketch_get_rank_", $suffix)),
            );
        })*
    };
}

scalars! {
    bigint, "bigint", i64, SqlType::Long, "BIGINT", "(1), (2), (3)";
    float, "float", KllFloat<f32>, SqlType::Float, "FLOAT", "(1.0F), (2.0F), (3.0F)";
    double, "double", KllFloat<f64>, SqlType::Double, "DOUBLE", "(1.0D), (2.0D), (3.0D)";
}

/// Argument `i` as a sketch; texts are taken for their bytes here.
fn sketch(args: &[Expr], i: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    implicit(args, i, TypeSpec::Binary, "\"BINARY\"", cx)
}

fn bind_one(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(1), cx)?;
    Ok(vec![sketch(&args, 0, cx)?])
}

fn bind_two(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    Ok(vec![sketch(&args, 0, cx)?, sketch(&args, 1, cx)?])
}

/// What a scalar of a type is cast by.
fn spec_of(ty: &SqlType) -> TypeSpec {
    match ty {
        SqlType::Long => TypeSpec::Long,
        _ => TypeSpec::Double,
    }
}

/// A sketch, and a constant that it is asked about: a value or an array without NULLs.
fn bind_question(
    args: Vec<Expr>,
    ty: &SqlType,
    spec: TypeSpec,
    (type_name, name): (&str, &str),
    cx: &ResolveCx<'_>,
) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let required = format!("(\"{type_name}\" or \"ARRAY<{type_name}>\")");
    let first = sketch(&args, 0, cx)?;
    let asked = &args[1];
    let castable =
        |from: &SqlType| *from == SqlType::Void || rsql_expr::coerce::implicit_type(from, spec, cx.ansi()).is_some();
    let (wanted, fits) = match asked.ty() {
        SqlType::Array(a) => (
            SqlType::array_of(ty.clone(), false),
            (!a.contains_null || is_null(asked, cx)?) && castable(&a.element),
        ),
        other => (ty.clone(), castable(&other)),
    };
    let bound = if fits {
        crate::kernel::cast(asked.clone(), &wanted, cx)
    } else {
        asked.clone()
    };
    if constant_of(&bound, cx)?.is_none() {
        let args = [args[0].clone(), bound];
        return Err(non_foldable(&args, 1, name, cx));
    }
    if !fits {
        return Err(unexpected_input(&args, 1, &required, cx));
    }
    Ok(vec![first, bound])
}

/// A constant that is NULL.
fn is_null(expr: &Expr, cx: &ResolveCx<'_>) -> Result<bool> {
    Ok(constant_of(expr, cx)?.is_some_and(|l| l.value.is_null()))
}

/// The answer's type: an array if an array was asked.
fn as_asked(args: &[Expr], one: SqlType) -> SqlType {
    match args.get(1).map(Expr::ty) {
        Some(SqlType::Array(_)) => SqlType::array_of(one, false),
        _ => one,
    }
}

fn view<I: Item>(bytes: &[u8], function: &str, args: &EvalArgs<'_>) -> Result<View<I>> {
    View::read(bytes).map_err(|_| args.error(refused(function)))
}

fn merged<I: Item>(args: &EvalArgs<'_>, function: &str) -> Result<ArrayRef> {
    let (left, right) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?);
    binary_rows(args.rows, |row, out| {
        let left = some!(left.get(row));
        let mut sketch = bytes::read::<I>(left).map_err(|_| args.error(refused(function)))?;
        bytes::merge(&mut sketch, some!(right.get(row))).map_err(|_| args.error(refused(function)))?;
        out.extend(sketch.serialize());
        Ok(Some(()))
    })
}

fn counts<I: Item>(args: &EvalArgs<'_>, function: &str) -> Result<ArrayRef> {
    let sketches = BinCol::of(args, 0)?;
    prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
        let sketch = view::<I>(some!(sketches.get(row)), function, args)?;
        Ok(Some(sketch.n() as i64))
    })
}

fn summaries<I: Item>(args: &EvalArgs<'_>, function: &str) -> Result<ArrayRef> {
    let sketches = BinCol::of(args, 0)?;
    text_rows(args.rows, |row, out| {
        out.push_str(&view::<I>(some!(sketches.get(row)), function, args)?.summary());
        Ok(Some(()))
    })
}

/// Asks each row's sketch about a value or an array of values: `f(sketch, values)`.
fn answers<Q: ArrowPrimitiveType, A: ArrowPrimitiveType, I: Item>(
    args: &EvalArgs<'_>,
    function: &str,
    f: impl Fn(&View<I>, &[Q::Native]) -> Result<Vec<A::Native>>,
) -> Result<ArrayRef> {
    let sketches = BinCol::of(args, 0)?;
    let asked = args.array(1)?;
    let mistyped = || Error::internal(format!("{function} was asked about a {}", asked.data_type()));
    let result = args.call.ty.arrow();
    let DataType::List(field) = &result else {
        let asked = asked.as_primitive_opt::<Q>().ok_or_else(mistyped)?;
        return prim_rows::<A>(args.rows, &result, |row| {
            let bytes = some!(sketches.get(row));
            if asked.is_null(row) {
                return Ok(None);
            }
            Ok(f(&view(bytes, function, args)?, &[asked.value(row)])?.pop())
        });
    };
    let lists = Lists::new(&asked)?;
    let values = match lists.values.data_type() {
        DataType::Null => PrimitiveArray::<Q>::from_iter_values([]),
        _ => lists.values.as_primitive_opt::<Q>().ok_or_else(mistyped)?.clone(),
    };
    let (mut out, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..args.rows {
        let before = out.len();
        let bytes = sketches.get(row).filter(|_| !lists.is_null(row));
        if let Some(bytes) = bytes {
            let asked = values.values().get(lists.range(row)).unwrap_or_default();
            out.extend(f(&view(bytes, function, args)?, asked)?);
        }
        lengths.push(out.len() - before);
        valid.push(bytes.is_some());
    }
    let field: Arc<Field> = Arc::clone(field);
    let out: ArrayRef = Arc::new(PrimitiveArray::<A>::from_iter_values(out));
    let nulls = Some(NullBuffer::from(valid));
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        out,
        nulls,
    )?))
}

fn quantiles<I: Item>(args: &EvalArgs<'_>, function: &str) -> Result<ArrayRef> {
    answers::<Float64Type, I::Arrow, I>(args, function, |sketch, ranks| {
        if ranks.iter().any(|r| *r < 0.0 || *r > 1.0) {
            let error = Error::user("KLL_SKETCH_INVALID_QUANTILE_RANGE").param("functionName", quoted_name([function]));
            return Err(args.error(error));
        }
        match sketch.quantiles(ranks) {
            Some(values) => Ok(values.iter().map(Item::native).collect()),
            None => Err(args.error(refused(function))),
        }
    })
}

fn ranks<I: Item>(args: &EvalArgs<'_>, function: &str) -> Result<ArrayRef> {
    answers::<I::Arrow, Float64Type, I>(args, function, |sketch, values| {
        let items: Option<Vec<I>> = values.iter().map(|v| I::from_native(*v)).collect();
        items
            .and_then(|items| sketch.ranks(&items))
            .ok_or_else(|| args.error(refused(function)))
    })
}
