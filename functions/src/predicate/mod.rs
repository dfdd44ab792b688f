//! Operators and tests as functions.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, Float64Array};
use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Doc, Family, FunctionKind, FunctionRegistry, ResolveCx, Signature, TypeSpec};
use rsql_expr::kernel::compare;
use rsql_expr::tree::NullRule;
use rsql_expr::{CompareOp, Expr, ScalarFn, SqlType, Vector};

use crate::kernel::{Col, check_count, custom, rewritten, to_common};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [&IS_NULL, &IS_NOT_NULL, &IS_NAN, &EQUAL_NULL, &NOT, &BETWEEN_ONCE] {
        r.add(FunctionKind::Scalar(f));
    }
}

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Predicate,
        usage,
        text,
        example,
    }
}

fn one(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Box<Expr>> {
    check_count(&args, 1, Some(1), cx)?;
    Ok(Box::new(args.into_iter().next().unwrap_or_default()))
}

/// `isnull(expr)`
static IS_NULL: ScalarFn = rewritten(
    "isnull",
    &[],
    doc("isnull(expr)", "True for NULL.", "SELECT isnull(1)"),
    |args, cx| Ok(Expr::IsNull(one(args, cx)?)),
);

/// `isnotnull(expr)`
static IS_NOT_NULL: ScalarFn = rewritten(
    "isnotnull",
    &[],
    doc("isnotnull(expr)", "False for NULL.", "SELECT isnotnull(1)"),
    |args, cx| Ok(Expr::IsNotNull(one(args, cx)?)),
);

/// `not(expr)`
static NOT: ScalarFn = rewritten(
    "not",
    &[],
    doc("not expr", "The opposite.", "SELECT not true"),
    |args, cx| {
        let arg = rsql_expr::coerce::implicit_cast(*one(args, cx)?, TypeSpec::Boolean, 0, cx)?;
        Ok(Expr::not(arg))
    },
);

/// `equal_null(a, b)`
static EQUAL_NULL: ScalarFn = rewritten(
    "equal_null",
    &[],
    doc(
        "equal_null(a, b)",
        "True if both are equal or both are NULL.",
        "SELECT equal_null(3, 3)",
    ),
    |args, cx| {
        check_count(&args, 2, Some(2), cx)?;
        rsql_expr::coerce::compare(CompareOp::NullSafeEq, args[0].clone(), args[1].clone(), cx)
    },
);

/// `x BETWEEN low AND high` for an `x` that must be computed once, such as `rand()`.
static BETWEEN_ONCE: ScalarFn = custom(
    "between_once",
    &[],
    doc("", "", ""),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 3, Some(3), cx)?;
            Ok(to_common(args, cx)?.0)
        },
        ret::BOOLEAN,
    ),
    |args| {
        let vector = |i: usize| -> Result<Vector> { Ok(Vector::Flat(args.array(i)?)) };
        let (x, low, high) = (vector(0)?, vector(1)?, vector(2)?);
        let from = compare(CompareOp::GtEq, &x, &low, args.rows)?;
        let to = compare(CompareOp::LtEq, &x, &high, args.rows)?;
        Ok(Arc::new(arrow::compute::and_kleene(&from, &to)?) as ArrayRef)
    },
);

/// `isnan(expr)`: false for NULL.
static IS_NAN: ScalarFn = ScalarFn {
    nulls: NullRule::Never,
    ..custom(
        "isnan",
        &[],
        doc("isnan(expr)", "True for NaN.", "SELECT isnan(double('NaN'))"),
        Signature::bind_with(
            |args, cx| match *one(args, cx)? {
                e if e.ty() == SqlType::Float => Ok(vec![e]),
                e => Ok(vec![rsql_expr::coerce::implicit_cast(e, TypeSpec::Double, 0, cx)?]),
            },
            ret::BOOLEAN,
        ),
        |args| {
            let flags: BooleanArray = if args.ty(0) == SqlType::Float {
                let values = Col::<Float32Array>::of(args, 0)?;
                (0..args.rows)
                    .map(|i| Some(values.get(i).is_some_and(f32::is_nan)))
                    .collect()
            } else {
                let values = Col::<Float64Array>::of(args, 0)?;
                (0..args.rows)
                    .map(|i| Some(values.get(i).is_some_and(f64::is_nan)))
                    .collect()
            };
            Ok(Arc::new(flags) as ArrayRef)
        },
    )
};
