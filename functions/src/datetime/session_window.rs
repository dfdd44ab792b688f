//! `session_window`: the session that one row alone makes. GROUP BY merges sessions that touch.

use rsql_expr::function::{Family, TypeSpec};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::adaptors::sibling;
use crate::collection::bind::unexpected;
use crate::definition::doc;
use crate::kernel::{cast, check_count, rewritten};

pub(super) static SESSION_WINDOW: ScalarFn = rewritten(
    "session_window",
    &[],
    doc(
        Family::Datetime,
        "session_window(time_column, gap_duration)",
        "The session, a struct of start and end; in GROUP BY sessions of the other keys that touch are one.",
        "SELECT session_window(TIMESTAMP '2021-01-01 00:04:30', '5 minutes')",
    ),
    |args, cx| {
        check_count(&args, 2, Some(2), cx)?;
        let mut args = args.into_iter();
        let (time, gap) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
        let start = rsql_expr::coerce::implicit_cast(time, TypeSpec::AnyTimestamp, 0, cx)?;
        let end = match gap.ty() {
            SqlType::DayTimeInterval(..) => sibling("add_day_time", cx)?.resolve(vec![start.clone(), gap], cx)?,
            t if t.is_string() || matches!(t, SqlType::CalendarInterval | SqlType::Void) => {
                let gap = cast(gap, &SqlType::CalendarInterval, cx);
                sibling("add_interval", cx)?.resolve(vec![start.clone(), gap], cx)?
            }
            _ => return Err(unexpected(&gap, 1, "\"INTERVAL\"", cx)),
        };
        let name = |n: &str| Expr::lit(Literal::string(n));
        sibling("named_struct", cx)?.resolve(vec![name("start"), start, name("end"), end], cx)
    },
);
