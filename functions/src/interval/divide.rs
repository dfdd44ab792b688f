//! `interval_div`: how often one interval fits into another; what `DIV` of intervals becomes.

use arrow::array::{ArrayRef, DurationMicrosecondArray, IntervalYearMonthArray};
use arrow::datatypes::Int64Type;
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature};
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType};

use super::arithmetic::or_overflow;
use crate::datetime::adaptors::rows;
use crate::definition::doc;
use crate::kernel::{Col, cast, check_count, fallible, mismatch, some};

pub(super) static INTERVAL_DIV: ScalarFn = fallible(
    "interval_div",
    &[],
    doc(
        Family::Datetime,
        "interval DIV interval",
        "How often the second interval fits into the first.",
        "SELECT INTERVAL '1-1' YEAR TO MONTH DIV INTERVAL '1' YEAR",
    ),
    Signature::bind_with(bind, ret::LONG),
    interval_div,
);

fn bind(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    use SqlType::{DayTimeInterval, Void, YearMonthInterval};
    check_count(&args, 2, Some(2), cx)?;
    let (left, right) = (args[0].ty(), args[1].ty());
    match (&left, &right) {
        (YearMonthInterval(..), YearMonthInterval(..)) | (DayTimeInterval(..), DayTimeInterval(..)) => Ok(args),
        (t, Void) | (Void, t) if t.is_ansi_interval() => {
            let t = t.clone();
            Ok(args.into_iter().map(|a| cast(a, &t, cx)).collect())
        }
        _ => Err(mismatch("BINARY_OP_DIFF_TYPES", &args, cx)
            .param("left", left.quoted())
            .param("right", right.quoted())),
    }
}

fn interval_div(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let divide = |left: i64, right: i64| {
        if right == 0 {
            return match args.mode() {
                EvalMode::Try => Ok(None),
                _ => Err(args.error(Error::user("INTERVAL_DIVIDED_BY_ZERO"))),
            };
        }
        or_overflow(left.checked_div(right), args)
    };
    if matches!(args.ty(0), SqlType::YearMonthInterval(..)) {
        let (left, right) = (
            Col::<IntervalYearMonthArray>::of(args, 0)?,
            Col::<IntervalYearMonthArray>::of(args, 1)?,
        );
        return rows::<Int64Type>(args, |row| {
            let (l, r) = some!(left.get(row).zip(right.get(row)));
            divide(l.into(), r.into())
        });
    }
    let (left, right) = (
        Col::<DurationMicrosecondArray>::of(args, 0)?,
        Col::<DurationMicrosecondArray>::of(args, 1)?,
    );
    rows::<Int64Type>(args, |row| {
        let (l, r) = some!(left.get(row).zip(right.get(row)));
        divide(l, r)
    })
}
