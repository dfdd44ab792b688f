//! `interval_field`: what `extract` from an interval becomes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal64Type, DurationMicrosecondType, Int8Type, Int32Type, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType,
};
use rsql_common::{Error, Result};
use rsql_expr::datetime::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::{Expr, ScalarFn, SqlType};

use crate::datetime::adaptors::rows;
use crate::definition::doc;
use crate::kernel::pure;

pub(super) static INTERVAL_FIELD: ScalarFn = pure(
    "interval_field",
    &[],
    doc(
        Family::Datetime,
        "extract(field FROM interval)",
        "A field of an interval.",
        "SELECT extract(DAYS FROM INTERVAL 5 DAYS 3 HOURS)",
    ),
    Signature::bind_with(|args, _| Ok(args), ReturnType::Of(field_type)),
    interval_field,
);

fn field_of(args: &[Expr]) -> &str {
    args.first()
        .and_then(Expr::as_literal)
        .and_then(|l| l.value.as_str())
        .unwrap_or_default()
}

fn field_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(match field_of(args) {
        "year" | "day" => SqlType::Int,
        "second" => SqlType::Decimal(8, 6),
        _ => SqlType::Byte,
    })
}

fn interval_field(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let field = field_of(&args.call.args);
    let input = args.array(1)?;
    // Months, days and microseconds of a row.
    let parts: Box<dyn Fn(usize) -> (i32, i64, i64)> = match input.data_type() {
        DataType::Duration(_) => {
            let a = input.as_primitive::<DurationMicrosecondType>().clone();
            Box::new(move |r| (0, a.value(r) / MICROS_PER_DAY, a.value(r) % MICROS_PER_DAY))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let a = input.as_primitive::<IntervalYearMonthType>().clone();
            Box::new(move |r| (a.value(r), 0, 0))
        }
        DataType::Interval(_) => {
            let a = input.as_primitive::<IntervalMonthDayNanoType>().clone();
            Box::new(move |r| {
                let v = a.value(r);
                (v.months, v.days.into(), v.nanoseconds / 1000)
            })
        }
        other => return Err(Error::internal(format!("a field of {other}"))),
    };
    let at = |row: usize| input.is_valid(row).then(|| parts(row));
    match field {
        "year" => rows::<Int32Type>(args, |r| Ok(at(r).map(|(months, _, _)| months / 12))),
        "month" => rows::<Int8Type>(args, |r| Ok(at(r).map(|(months, _, _)| (months % 12) as i8))),
        "day" => rows::<Int32Type>(args, |r| Ok(at(r).map(|(_, days, _)| days as i32))),
        "hour" => rows::<Int8Type>(args, |r| {
            Ok(at(r).map(|(_, _, micros)| (micros % MICROS_PER_DAY / MICROS_PER_HOUR) as i8))
        }),
        "minute" => rows::<Int8Type>(args, |r| {
            Ok(at(r).map(|(_, _, micros)| (micros % MICROS_PER_HOUR / MICROS_PER_MINUTE) as i8))
        }),
        _ => rows::<Decimal64Type>(args, |r| Ok(at(r).map(|(_, _, micros)| micros % MICROS_PER_MINUTE))),
    }
}
