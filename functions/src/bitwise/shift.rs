//! `shiftleft`, `shiftright`, `shiftrightunsigned`.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::doc;
use crate::kernel::{IntCol, LongCol, check_count, prim_rows, pure, some};

/// `shiftleft(base, n)`
pub(super) static SHIFTLEFT: ScalarFn = pure(
    "shiftleft",
    &[],
    doc(
        "shiftleft(base, n)",
        "Bits moved to the left.",
        "SELECT shiftleft(2, 1)",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| shifted(args, i32::wrapping_shl, i64::wrapping_shl),
);

/// `shiftright(base, n)`
pub(super) static SHIFTRIGHT: ScalarFn = pure(
    "shiftright",
    &[],
    doc(
        "shiftright(base, n)",
        "Bits moved to the right, the sign kept.",
        "SELECT shiftright(4, 1)",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| shifted(args, i32::wrapping_shr, i64::wrapping_shr),
);

/// `shiftrightunsigned(base, n)`
pub(super) static SHIFTRIGHTUNSIGNED: ScalarFn = pure(
    "shiftrightunsigned",
    &[],
    doc(
        "shiftrightunsigned(base, n)",
        "Bits moved to the right, zeros moved in.",
        "SELECT shiftrightunsigned(4, 1)",
    ),
    Signature::bind_with(bind, ReturnType::SameAs(0)),
    |args| {
        shifted(
            args,
            |v, n| (v as u32).wrapping_shr(n) as i32,
            |v, n| (v as u64).wrapping_shr(n) as i64,
        )
    },
);

/// BIGINT stays, everything else becomes INT.
fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let base = if args[0].ty() == SqlType::Long {
        TypeSpec::Long
    } else {
        TypeSpec::Int
    };
    Ok(vec![
        rsql_expr::coerce::implicit_cast(args[0].clone(), base, 0, cx)?,
        rsql_expr::coerce::implicit_cast(args[1].clone(), TypeSpec::Int, 1, cx)?,
    ])
}

fn shifted(args: &EvalArgs<'_>, int: fn(i32, u32) -> i32, long: fn(i64, u32) -> i64) -> Result<ArrayRef> {
    let by = IntCol::of(args, 1)?;
    if args.call.ty == SqlType::Long {
        let values = LongCol::of(args, 0)?;
        return prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
            Ok(Some(long(some!(values.get(row)), some!(by.get(row)) as u32)))
        });
    }
    let values = IntCol::of(args, 0)?;
    prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
        Ok(Some(int(some!(values.get(row)), some!(by.get(row)) as u32)))
    })
}
