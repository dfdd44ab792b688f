//! INTERVAL literals: units decide whether a literal is a year-month or a day-time interval, and which fields it has.

use rsql_ast as ast;
use rsql_ast::{ExprKind, IntervalUnit};
use rsql_common::{Error, Result};
use rsql_expr::datetime::interval::{parse_calendar, parse_day_time, parse_year_month};
use rsql_expr::types::{DayTimeField, YearMonthField};
use rsql_expr::{Literal, Scalar, SqlType};

use super::Binder;

impl Binder<'_> {
    /// `INTERVAL 3 DAYS 2 HOURS`
    pub(super) fn interval_units(&mut self, pairs: &[(ast::Expr, IntervalUnit)]) -> Result<Literal> {
        let mut text = String::new();
        for (value, unit) in pairs {
            let number = match &value.kind {
                ExprKind::Literal(ast::Literal::String(s)) => {
                    if s.chars().any(char::is_alphabetic) {
                        return Err(Error::user("_LEGACY_ERROR_TEMP_0026")
                            .param("value", s.as_str())
                            .param("unit", unit.name()));
                    }
                    s.trim().to_string()
                }
                _ => {
                    let expr = self.expr(value)?;
                    let folded = rsql_expr::eval::fold(&expr, &self.env.cx.registry)?;
                    crate::naming::constant(&folded, &self.env)
                }
            };
            text.push_str(&format!("{number} {} ", unit.name().to_ascii_lowercase()));
        }
        let units: Vec<IntervalUnit> = pairs.iter().map(|(_, u)| *u).collect();
        of_units(text.trim_end(), &units)
    }
}

/// `INTERVAL '3 days 2 hours'`
pub(crate) fn text(text: &str) -> Result<Literal> {
    let units: Vec<IntervalUnit> = text
        .split(|c: char| !c.is_alphabetic())
        .filter_map(IntervalUnit::parse)
        .collect();
    of_units(text, &units).map_err(|e| match e.condition() {
        // Months and days in one literal.
        "_LEGACY_ERROR_TEMP_0029" => e,
        _ => Error::user("INVALID_TYPED_LITERAL")
            .param("valueType", "\"INTERVAL\"")
            .param("value", format!("'{text}'")),
    })
}

fn of_units(text: &str, units: &[IntervalUnit]) -> Result<Literal> {
    let value = parse_calendar(text)?;
    let months: Vec<YearMonthField> = units.iter().filter_map(|u| year_month(*u)).collect();
    let days: Vec<DayTimeField> = units.iter().filter_map(|u| day_time(*u)).collect();
    match (
        months.iter().min(),
        months.iter().max(),
        days.iter().min(),
        days.iter().max(),
    ) {
        (Some(from), Some(to), None, None) => Ok(Literal::new(
            Scalar::I32(value.months),
            SqlType::YearMonthInterval(*from, *to),
        )),
        (None, None, Some(from), Some(to)) => {
            let micros = i64::from(value.days)
                .checked_mul(rsql_expr::datetime::MICROS_PER_DAY)
                .and_then(|d| d.checked_add(value.micros))
                .ok_or_else(|| Error::user("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION"))?;
            Ok(Literal::new(Scalar::I64(micros), SqlType::DayTimeInterval(*from, *to)))
        }
        (None, ..) => Err(Error::user("INVALID_INTERVAL_FORMAT.INVALID_UNIT").param("input", text)),
        _ => Err(Error::user("_LEGACY_ERROR_TEMP_0029").param("literal", format!("INTERVAL '{text}'"))),
    }
}

fn year_month(unit: IntervalUnit) -> Option<YearMonthField> {
    match unit {
        IntervalUnit::Year => Some(YearMonthField::Year),
        IntervalUnit::Month | IntervalUnit::Quarter => Some(YearMonthField::Month),
        _ => None,
    }
}

fn day_time(unit: IntervalUnit) -> Option<DayTimeField> {
    use IntervalUnit::{Day, Hour, Microsecond, Millisecond, Minute, Nanosecond, Second, Week};
    match unit {
        Week | Day => Some(DayTimeField::Day),
        Hour => Some(DayTimeField::Hour),
        Minute => Some(DayTimeField::Minute),
        Second | Millisecond | Microsecond | Nanosecond => Some(DayTimeField::Second),
        _ => None,
    }
}

/// `INTERVAL '1-2' YEAR TO MONTH`
pub(super) fn range(text: &str, negative: bool, from: IntervalUnit, to: IntervalUnit) -> Result<Literal> {
    if let (Some(from), Some(to)) = (year_month(from), year_month(to)) {
        let months = parse_year_month(text, from, to)?;
        let months = if negative { -months } else { months };
        return Ok(Literal::new(Scalar::I32(months), SqlType::YearMonthInterval(from, to)));
    }
    if let (Some(from), Some(to)) = (day_time(from), day_time(to)) {
        let micros = parse_day_time(text, from, to).map_err(|e| match e.condition() {
            "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION" => {
                Error::user("_LEGACY_ERROR_TEMP_0063").param("msg", "the interval is out of range")
            }
            "INVALID_INTERVAL_FORMAT.INTERVAL_PARSING" => {
                Error::user("_LEGACY_ERROR_TEMP_0063").param("msg", "a field of the interval is out of range")
            }
            _ => e,
        })?;
        let micros = if negative { -micros } else { micros };
        return Ok(Literal::new(Scalar::I64(micros), SqlType::DayTimeInterval(from, to)));
    }
    Err(Error::user("INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION")
        .param("input", text)
        .param("from", from.name().to_ascii_lowercase())
        .param("to", to.name().to_ascii_lowercase()))
}

/// A written interval type.
pub(crate) fn interval_type(range: Option<(IntervalUnit, IntervalUnit)>) -> Option<SqlType> {
    let Some((from, to)) = range else {
        return Some(SqlType::CalendarInterval);
    };
    if let (Some(a), Some(b)) = (year_month(from), year_month(to)) {
        return Some(SqlType::YearMonthInterval(a, b));
    }
    Some(SqlType::DayTimeInterval(day_time(from)?, day_time(to)?))
}
