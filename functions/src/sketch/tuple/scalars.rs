//! Definitions of the scalar functions over tuple sketches.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family as DocFamily, ResolveCx, Signature};
use rsql_expr::{Expr, ScalarFn};

use super::compact::{Compact, Entry, Intersection, Union};
use super::parameters::{Optional, complete, mode, mode_of, size};
use super::summary::{Mode, Number, Summary};
use crate::definition::doc;
use crate::kernel::{BinCol, binary_rows, fallible, prim_rows, some};
use crate::sketch::bind;
use crate::sketch::theta::sketch as theta;

/// The functions of one number type.
macro_rules! scalars {
    ($($module:ident, $suffix:literal, $native:ty, $summary:expr, $returns:expr, $one:literal;)*) => {
        /// All of them.
        pub(super) static ALL: &[&ScalarFn] = &[$(
            &$module::UNION, &$module::UNION_THETA, &$module::INTERSECTION, &$module::INTERSECTION_THETA,
            &$module::DIFFERENCE, &$module::DIFFERENCE_THETA, &$module::ESTIMATE, &$module::SUMMARY, &$module::THETA,
        )*];
        $(mod $module {
            use super::*;


            two! { UNION, concat!("tuple_union_", $suffix), "(first, second[, lgNomEntries, mode])",
                "Union of two tuple sketches, with 2^lgNomEntries entries (4 to 26, 12 if not given); numbers are \
                 combined by the mode: sum (the default), min, max, alwaysone.",
                $suffix, "tuple_sketch_agg_", $one, true, united::<$native> }
            two! { UNION_THETA, concat!("tuple_union_theta_", $suffix), "(first, second[, lgNomEntries, mode])",
                "Union of a tuple sketch and a theta sketch, whose keys count with the mode's initial number.",
                $suffix, "theta", $one, true, united_theta::<$native> }
            two! { INTERSECTION, concat!("tuple_intersection_", $suffix), "(first, second[, mode])",
                "Intersection of two tuple sketches; numbers are combined by the mode: sum (the default), min, max, \
                 alwaysone.",
                $suffix, "tuple_sketch_agg_", $one, false, intersected::<$native> }
            two! { INTERSECTION_THETA, concat!("tuple_intersection_theta_", $suffix), "(first, second[, mode])",
                "Intersection of a tuple sketch and a theta sketch, whose keys count with the mode's initial number.",
                $suffix, "theta", $one, false, intersected_theta::<$native> }

            pub(super) static DIFFERENCE: ScalarFn = fallible(
                concat!("tuple_difference_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("tuple_difference_", $suffix, "(first, second)"),
                    "What the first tuple sketch has and the second has not.",
                    concat!(
                        "SELECT tuple_sketch_estimate_", $suffix, "(tuple_difference_", $suffix, "(tuple_sketch_agg_",
                        $suffix, "(a, ", $one, "), tuple_sketch_agg_", $suffix, "(b, ", $one,
                        "))) FROM VALUES (1, 2), (2, 3) AS t(a, b)"
                    ),
                ),
                Signature::bind_with(bind::two_sketches, ret::BINARY),
                |args| pairs(args, concat!("tuple_difference_", $suffix), different::<$native>),
            );
            pub(super) static DIFFERENCE_THETA: ScalarFn = fallible(
                concat!("tuple_difference_theta_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("tuple_difference_theta_", $suffix, "(first, second)"),
                    "What the tuple sketch has and the theta sketch has not.",
                    concat!(
                        "SELECT tuple_sketch_estimate_", $suffix, "(tuple_difference_theta_", $suffix,
                        "(tuple_sketch_agg_", $suffix, "(a, ", $one,
                        "), theta_sketch_agg(b))) FROM VALUES (1, 2), (2, 3) AS t(a, b)"
                    ),
                ),
                Signature::bind_with(bind::two_sketches, ret::BINARY),
                |args| pairs(args, concat!("tuple_difference_theta_", $suffix), different_theta::<$native>),
            );
            pub(super) static ESTIMATE: ScalarFn = fallible(
                concat!("tuple_sketch_estimate_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("tuple_sketch_estimate_", $suffix, "(sketch)"),
                    "Estimated number of distinct keys of a tuple sketch.",
                    concat!(
                        "SELECT tuple_sketch_estimate_", $suffix, "(tuple_sketch_agg_", $suffix, "(a, ", $one,
                        ")) FROM VALUES (1), (1), (2) AS t(a)"
                    ),
                ),
                Signature::bind_with(bind::one_sketch, ret::DOUBLE),
                |args| doubles::<$native>(args, concat!("tuple_sketch_estimate_", $suffix), Compact::estimate),
            );
            pub(super) static THETA: ScalarFn = fallible(
                concat!("tuple_sketch_theta_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("tuple_sketch_theta_", $suffix, "(sketch)"),
                    "Share of all keys that a tuple sketch keeps.",
                    concat!(
                        "SELECT tuple_sketch_theta_", $suffix, "(tuple_sketch_agg_", $suffix, "(a, ", $one,
                        ")) FROM VALUES (1), (1), (2) AS t(a)"
                    ),
                ),
                Signature::bind_with(bind::one_sketch, ret::DOUBLE),
                |args| doubles::<$native>(args, concat!("tuple_sketch_theta_", $suffix), Compact::theta),
            );
            pub(super) static SUMMARY: ScalarFn = fallible(
                concat!("tuple_sketch_summary_", $suffix),
                &[],
                doc(
                    DocFamily::Sketch,
                    concat!("tuple_sketch_summary_", $suffix, "(sketch[, mode])"),
                    "The numbers of all keys of a tuple sketch, combined by the mode: sum (the default), min, max, \
                     alwaysone (their count).",
                    concat!(
                        "SELECT tuple_sketch_summary_", $suffix, "(tuple_sketch_agg_", $suffix, "(a, ", $one,
                        ")) FROM VALUES (1), (1), (2) AS t(a)"
                    ),
                ),
                Signature::bind_with(
                    |args, cx| bind_summary(concat!("tuple_sketch_summary_", $suffix), args, cx),
                    $returns,
                ),
                $summary,
            );
        })*
    };
}

/// A function of two sketches with optional parameters.
macro_rules! two {
    ($item:ident, $name:expr, $params:literal, $text:literal, $suffix:literal, "theta", $one:literal, $size:literal,
     $f:expr) => {
        two! { @ $item, $name, $params, $text, $suffix, concat!("theta_sketch_agg(b)"), $one, $size, $f }
    };
    ($item:ident, $name:expr, $params:literal, $text:literal, $suffix:literal, $other:literal, $one:literal,
     $size:literal, $f:expr) => {
        two! { @ $item, $name, $params, $text, $suffix, concat!($other, $suffix, "(b, ", $one, ")"), $one, $size, $f }
    };
    (@ $item:ident, $name:expr, $params:literal, $text:literal, $suffix:literal, $other:expr, $one:literal,
     $size:literal, $f:expr) => {
        pub(super) static $item: ScalarFn = fallible(
            $name,
            &[],
            doc(
                DocFamily::Sketch,
                concat!($name, $params),
                $text,
                concat!(
                    "SELECT tuple_sketch_estimate_",
                    $suffix,
                    "(",
                    $name,
                    "(tuple_sketch_agg_",
                    $suffix,
                    "(a, ",
                    $one,
                    "), ",
                    $other,
                    ")) FROM VALUES (1, 2), (2, 3) AS t(a, b)"
                ),
            ),
            Signature::bind_with(
                |args, cx| bind_with_parameters($name, $size, args, cx),
                ret::BINARY,
            ),
            |args| pairs(args, $name, $f),
        );
    };
}

scalars! {
    double, "double", f64, summary_double, ret::DOUBLE, "1.0D";
    integer, "integer", i32, summary_integer, ret::LONG, "1";
}

/// Two sketches, then size (if the function has it) and mode.
fn bind_with_parameters(name: &'static str, with_size: bool, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let optional = if with_size {
        Optional::SizeAndMode
    } else {
        Optional::Mode
    };
    let args = complete(name, args, &["first", "second"], optional, cx)?;
    let mut bound = vec![bind::sketch(&args, 0, cx)?, bind::sketch(&args, 1, cx)?];
    bound.push(if with_size {
        size(name, &args, 2, false, cx)?
    } else {
        bind::int(0)
    });
    bound.push(mode(name, &args, args.len() - 1, false, cx)?);
    Ok(bound)
}

fn bind_summary(name: &'static str, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let args = complete(name, args, &["child"], Optional::Mode, cx)?;
    Ok(vec![bind::sketch(&args, 0, cx)?, mode(name, &args, 1, false, cx)?])
}

/// What a function of two sketches is called with.
struct Pair<'a> {
    first: &'a [u8],
    second: &'a [u8],
    lg: u8,
    mode: Mode,
    function: &'static str,
    args: &'a EvalArgs<'a>,
}

impl Pair<'_> {
    fn tuple<N: Number>(&self, bytes: &[u8]) -> Result<Compact<N>> {
        Compact::read_for(bytes, self.function, self.args.call.origin)
    }

    /// The second sketch as theta sketch: its entries, its bound, whether it is empty.
    fn theta<N: Number>(&self) -> Result<(Vec<Entry<N>>, u64, bool)> {
        let sketch = theta::read_for(self.second, self.function, self.args.call.origin)?;
        let summary = Summary::new(self.mode);
        let entries = sketch.iter().map(|e| Entry {
            hash: e.hash(),
            summary,
        });
        Ok((entries.collect(), sketch.theta64(), sketch.is_empty()))
    }
}

fn pairs<N: Number>(
    args: &EvalArgs<'_>,
    function: &'static str,
    f: impl Fn(&Pair<'_>) -> Result<Compact<N>>,
) -> Result<ArrayRef> {
    let (first, second) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?);
    let lg = bind::bound_int(&args.call.args, 2).unwrap_or(0) as u8;
    let mode = mode_of(&args.call.args, 3);
    binary_rows(args.rows, |row, out| {
        let pair = Pair {
            first: some!(first.get(row)),
            second: some!(second.get(row)),
            lg,
            mode,
            function,
            args,
        };
        out.extend(f(&pair)?.write());
        Ok(Some(()))
    })
}

fn united<N: Number>(pair: &Pair<'_>) -> Result<Compact<N>> {
    let mut union = Union::new(pair.lg, pair.mode);
    let (first, second) = (pair.tuple(pair.first)?, pair.tuple(pair.second)?);
    union.add(&first);
    union.add(&second);
    Ok(union.result())
}

fn united_theta<N: Number>(pair: &Pair<'_>) -> Result<Compact<N>> {
    let mut union = Union::new(pair.lg, pair.mode);
    let first = pair.tuple(pair.first)?;
    let (entries, theta, empty) = pair.theta()?;
    union.add(&first);
    if !empty {
        union.add_entries(entries.into_iter(), theta);
    }
    Ok(union.result())
}

fn intersected<N: Number>(pair: &Pair<'_>) -> Result<Compact<N>> {
    let mut both = Intersection::new(pair.mode);
    let (first, second) = (pair.tuple(pair.first)?, pair.tuple(pair.second)?);
    both.add(&first);
    both.add(&second);
    Ok(both.result())
}

fn intersected_theta<N: Number>(pair: &Pair<'_>) -> Result<Compact<N>> {
    let mut both = Intersection::new(pair.mode);
    let first = pair.tuple(pair.first)?;
    let (entries, theta, empty) = pair.theta()?;
    both.add(&first);
    both.add_entries(entries.into_iter(), theta, empty);
    Ok(both.result())
}

fn different<N: Number>(pair: &Pair<'_>) -> Result<Compact<N>> {
    let (first, second) = (pair.tuple::<N>(pair.first)?, pair.tuple::<N>(pair.second)?);
    Ok(first.without(second.entries.iter().map(|e| e.hash), second.theta, second.empty))
}

fn different_theta<N: Number>(pair: &Pair<'_>) -> Result<Compact<N>> {
    let first = pair.tuple::<N>(pair.first)?;
    let (entries, theta, empty) = pair.theta::<N>()?;
    Ok(first.without(entries.iter().map(|e| e.hash), theta, empty))
}

fn doubles<N: Number>(args: &EvalArgs<'_>, function: &str, f: impl Fn(&Compact<N>) -> f64) -> Result<ArrayRef> {
    let sketches = BinCol::of(args, 0)?;
    prim_rows::<Float64Type>(args.rows, &DataType::Float64, |row| {
        let sketch = Compact::read_for(some!(sketches.get(row)), function, args.call.origin)?;
        Ok(Some(f(&sketch)))
    })
}

fn summary_double(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let mode = mode_of(&args.call.args, 1);
    doubles::<f64>(args, "tuple_sketch_summary_double", |sketch| {
        let numbers = sketch.entries.iter().map(|e| e.summary.value);
        match mode {
            Mode::Sum => numbers.fold(0.0, |sum, n| sum + n),
            Mode::Min => numbers.reduce(java_min).unwrap_or(0.0),
            Mode::Max => numbers.reduce(|a, b| -java_min(-a, -b)).unwrap_or(0.0),
            Mode::AlwaysOne => sketch.entries.len() as f64,
        }
    })
}

/// The smaller number; NaN if one is.
fn java_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

fn summary_integer(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let sketches = BinCol::of(args, 0)?;
    let mode = mode_of(&args.call.args, 1);
    prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
        let bytes = some!(sketches.get(row));
        let sketch = Compact::<i32>::read_for(bytes, "tuple_sketch_summary_integer", args.call.origin)?;
        let numbers = sketch.entries.iter().map(|e| i64::from(e.summary.value));
        Ok(Some(match mode {
            Mode::Sum => numbers.sum(),
            Mode::Min => numbers.min().unwrap_or(0),
            Mode::Max => numbers.max().unwrap_or(0),
            Mode::AlwaysOne => sketch.entries.len() as i64,
        }))
    })
}
