//! `timestamp_nanos`, `unix_nanos`: Spark's functions over timestamps in nanoseconds, a type that is not here. They
//! refuse what Spark refuses; what Spark would take is unsupported.

use rsql_common::{Error, Result};
use rsql_expr::function::{Family, ResolveCx};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use crate::definition::doc;
use crate::kernel::{check_count, rewritten, unexpected_input};

/// What `unix_nanos` gives.
const NANOS: SqlType = SqlType::Decimal(21, 0);

pub(super) static UNIX_NANOS: ScalarFn = rewritten(
    "unix_nanos",
    &[],
    doc(
        Family::Datetime,
        "unix_nanos(timestamp)",
        "Nanoseconds since the epoch of a timestamp in nanoseconds, a type that is not supported: NULL of NULL.",
        "SELECT unix_nanos(NULL)",
    ),
    unix_nanos,
);

fn unix_nanos(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 1, Some(1), cx)?;
    match args[0].ty() {
        SqlType::Void => Ok(Expr::lit(Literal::null(NANOS))),
        _ => {
            let required = "\"(TIMESTAMP_LTZ(P) OR TIMESTAMP_NTZ(P) WITH P IN [7, 9])\"";
            Err(unexpected_input(&args, 0, required, cx))
        }
    }
}

pub(super) static TIMESTAMP_NANOS: ScalarFn = rewritten(
    "timestamp_nanos",
    &[],
    doc(
        Family::Datetime,
        "timestamp_nanos(nanoseconds)",
        "The timestamp some nanoseconds after the epoch; timestamps in nanoseconds are not supported.",
        "SELECT timestamp_nanos(1)",
    ),
    timestamp_nanos,
);

fn timestamp_nanos(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 1, Some(1), cx)?;
    match args[0].ty() {
        ty if ty == SqlType::Void || ty.is_integral() || ty.is_decimal() => {
            Err(Error::unsupported("timestamps in nanoseconds").at(cx.origin.0))
        }
        _ => Err(unexpected_input(&args, 0, "(\"INTEGRAL\" or \"DECIMAL\")", cx)),
    }
}

#[cfg(test)]
mod tests {
    use rsql_expr::{Scalar, SqlType};

    use crate::testing::{call, int, null, shown, text, typed};

    #[test]
    fn refuse_what_spark_refuses() {
        let wrong = "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE";
        assert_eq!(shown("unix_nanos", vec![int(1)]), wrong);
        assert_eq!(
            shown("unix_nanos", vec![typed(Scalar::I64(0), SqlType::Timestamp)]),
            wrong
        );
        assert_eq!(shown("timestamp_nanos", vec![text("1")]), wrong);
        assert_eq!(shown("timestamp_nanos", vec![int(1)]), "UNSUPPORTED_FEATURE.RSQL");
        assert_eq!(call("unix_nanos", vec![null(SqlType::Void)]).unwrap().ty, super::NANOS);
    }
}
