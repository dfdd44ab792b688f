//! `extract(field FROM source)`, `date_part`, `datepart`: become the function of the field.

use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{Family, ResolveCx};
use rsql_expr::types::{DayTimeField, YearMonthField};
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::adaptors::{sibling, text};
use crate::definition::doc;
use crate::kernel::{cast, check_count, constant, rewritten};

pub(super) static EXTRACT: ScalarFn = rewritten(
    "extract",
    &["date_part", "datepart"],
    doc(
        Family::Datetime,
        "extract(field FROM source), date_part(field, source)",
        "A part of a date, timestamp, time or interval.",
        "SELECT extract(YEAR FROM TIMESTAMP '2019-08-12 01:00:00.123456')",
    ),
    extract,
);

/// A part, whatever it is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    YearOfWeek,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    DayOfWeekIso,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

impl Part {
    fn parse(text: &str) -> Option<Part> {
        Some(match text.to_ascii_uppercase().as_str() {
            "YEAR" | "Y" | "YEARS" | "YR" | "YRS" => Part::Year,
            "YEAROFWEEK" => Part::YearOfWeek,
            "QUARTER" | "QTR" => Part::Quarter,
            "MONTH" | "MON" | "MONS" | "MONTHS" => Part::Month,
            "WEEK" | "W" | "WEEKS" => Part::Week,
            "DAY" | "D" | "DAYS" => Part::Day,
            "DAYOFWEEK" | "DOW" => Part::DayOfWeek,
            "DAYOFWEEK_ISO" | "DOW_ISO" => Part::DayOfWeekIso,
            "DOY" => Part::DayOfYear,
            "HOUR" | "H" | "HOURS" | "HR" | "HRS" => Part::Hour,
            "MINUTE" | "M" | "MIN" | "MINS" | "MINUTES" => Part::Minute,
            "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => Part::Second,
            _ => return None,
        })
    }

    /// Function that gives the part of a date or timestamp.
    fn function(self) -> &'static str {
        match self {
            Part::Year => "year",
            Part::YearOfWeek => "yearofweek",
            Part::Quarter => "quarter",
            Part::Month => "month",
            Part::Week => "weekofyear",
            Part::Day => "day",
            Part::DayOfWeek => "dayofweek",
            Part::DayOfWeekIso => "dayofweek_iso",
            Part::DayOfYear => "dayofyear",
            Part::Hour => "hour",
            Part::Minute => "minute",
            Part::Second => "second_with_fraction",
        }
    }

    /// Name of the part as a field of intervals that hold it.
    fn interval_field(self, ty: &SqlType) -> Option<&'static str> {
        let day_time = |f: DayTimeField| match ty {
            SqlType::CalendarInterval => true,
            SqlType::DayTimeInterval(from, to) => *from <= f && f <= *to,
            _ => false,
        };
        let year_month = |f: YearMonthField| match ty {
            SqlType::CalendarInterval => true,
            SqlType::YearMonthInterval(from, to) => *from <= f && f <= *to,
            _ => false,
        };
        let (name, held) = match self {
            Part::Year => ("year", year_month(YearMonthField::Year)),
            Part::Month => ("month", year_month(YearMonthField::Month)),
            Part::Day => ("day", day_time(DayTimeField::Day)),
            Part::Hour => ("hour", day_time(DayTimeField::Hour)),
            Part::Minute => ("minute", day_time(DayTimeField::Minute)),
            Part::Second => ("second", day_time(DayTimeField::Second)),
            _ => return None,
        };
        held.then_some(name)
    }
}

fn extract(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    check_count(&args, 2, Some(2), cx)?;
    let field = constant(&args[0], cx).filter(|f| f.value.is_null() || f.value.as_str().is_some());
    let Some(field) = field else {
        return Err(Error::user("NON_FOLDABLE_ARGUMENT")
            .param("funcName", quoted_name([&cx.called_as]))
            .param("paramName", "`field`")
            .param("paramType", "\"STRING\"")
            .at(cx.origin.0));
    };
    let mut args = args.into_iter().skip(1);
    let source = args.next().unwrap_or_default();
    if field.value.is_null() {
        return Ok(Expr::lit(Literal::null(SqlType::Double)));
    }
    let name = field.value.as_str().unwrap_or_default();
    let invalid = |source: &Expr| {
        Error::user("INVALID_EXTRACT_FIELD")
            .param("field", quoted_name([name]))
            .param("expr", format!("\"{source}\""))
            .at(cx.origin.0)
    };
    let part = Part::parse(name).ok_or_else(|| invalid(&source))?;
    match source.ty() {
        ty if ty.is_interval() => {
            let field = part.interval_field(&ty).ok_or_else(|| invalid(&source))?;
            sibling("interval_field", cx)?.resolve(vec![text(field), source], cx)
        }
        SqlType::Time(_) if !matches!(part, Part::Hour | Part::Minute | Part::Second) => Err(invalid(&source)),
        ty => {
            let clock = matches!(part, Part::Hour | Part::Minute | Part::Second);
            let source = match ty {
                SqlType::Void | SqlType::String | SqlType::Collated(..) if clock => {
                    cast(source, &SqlType::Timestamp, cx)
                }
                _ => source,
            };
            sibling(part.function(), cx)?.resolve(vec![source], cx)
        }
    }
}
