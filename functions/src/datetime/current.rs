//! The query's own time: `current_date`, `current_timestamp`, `localtimestamp`, `current_time`, `current_timezone`.
//!
//! All are constants within a statement, so calls are replaced by literals.

use rsql_common::{Error, Result};
use rsql_expr::datetime::Zone;
use rsql_expr::datetime::civil::split_micros;
use rsql_expr::function::{Family, ResolveCx};
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType};

use crate::definition::doc;
use crate::kernel::{check_count, constant, mismatch, rewritten};

pub(super) static CURRENT_DATE: ScalarFn = rewritten(
    "current_date",
    &["curdate"],
    doc(
        Family::Datetime,
        "current_date()",
        "The date at the start of the query.",
        "SELECT current_date()",
    ),
    |args, cx| {
        check_count(&args, 0, Some(0), cx)?;
        let (days, _) = split_micros(local_now(cx)?);
        Ok(Expr::lit(Literal::new(Scalar::I32(days), SqlType::Date)))
    },
);

pub(super) static CURRENT_TIMESTAMP: ScalarFn = rewritten(
    "current_timestamp",
    &["now"],
    doc(
        Family::Datetime,
        "current_timestamp()",
        "The instant at the start of the query.",
        "SELECT current_timestamp()",
    ),
    |args, cx| {
        check_count(&args, 0, Some(0), cx)?;
        Ok(Expr::lit(Literal::new(
            Scalar::I64(cx.options.now_micros),
            SqlType::Timestamp,
        )))
    },
);

pub(super) static LOCALTIMESTAMP: ScalarFn = rewritten(
    "localtimestamp",
    &[],
    doc(
        Family::Datetime,
        "localtimestamp()",
        "The wall clock at the start of the query, without time zone.",
        "SELECT localtimestamp()",
    ),
    |args, cx| {
        check_count(&args, 0, Some(0), cx)?;
        Ok(Expr::lit(Literal::new(
            Scalar::I64(local_now(cx)?),
            SqlType::TimestampNtz,
        )))
    },
);

pub(super) static CURRENT_TIME: ScalarFn = rewritten(
    "current_time",
    &["localtime"],
    doc(
        Family::Datetime,
        "current_time([precision])",
        "The time of day at the start of the query.",
        "SELECT current_time()",
    ),
    current_time,
);

pub(super) static CURRENT_TIMEZONE: ScalarFn = rewritten(
    "current_timezone",
    &[],
    doc(
        Family::Datetime,
        "current_timezone()",
        "The session's time zone.",
        "SELECT current_timezone()",
    ),
    |args, cx| {
        check_count(&args, 0, Some(0), cx)?;
        Ok(Expr::lit(Literal::string(cx.options.time_zone.as_ref())))
    },
);

fn local_now(cx: &ResolveCx<'_>) -> Result<i64> {
    Ok(Zone::parse(&cx.options.time_zone)?.to_local(cx.options.now_micros))
}

fn current_time(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 0, Some(1), cx)?;
    let precision = match args.first() {
        None => 6,
        Some(arg) => match constant(arg, cx) {
            Some(l) if l.value.is_null() => {
                return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", "`precision`"));
            }
            Some(l) => l
                .value
                .as_i64()
                .ok_or_else(|| crate::kernel::unexpected_input(&args, 0, "\"INT\"", cx))?,
            None => return Err(crate::kernel::non_foldable(&args, 0, "precision", cx)),
        },
    };
    let Some(precision) = u8::try_from(precision).ok().filter(|p| *p <= 9) else {
        return Err(Error::user("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE")
            .param("exprName", "`precision`")
            .param("valueRange", "[0, 9]")
            .param("currentValue", precision.to_string())
            .at(cx.origin.0));
    };
    let (_, micros) = split_micros(local_now(cx)?);
    let unit = 10_i64.pow(u32::from(9 - precision));
    let nanos = micros * 1000 / unit * unit;
    Ok(Expr::lit(Literal::new(Scalar::I64(nanos), SqlType::Time(precision))))
}
