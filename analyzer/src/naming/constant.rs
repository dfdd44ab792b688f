//! Constants as names show them: strings bare, dates and intervals as literals.

use rsql_expr::datetime::Zone;
use rsql_expr::datetime::interval::{CalendarInterval, IntervalStyle, push_calendar, push_day_time, push_year_month};
use rsql_expr::datetime::text::{push_date, push_time, push_timestamp, push_timestamp_ntz};
use rsql_expr::format::{ColumnFormatter, Notation};
use rsql_expr::{Literal, Scalar, SqlType};

use crate::env::Env;

/// Text of a constant.
pub(crate) fn constant(literal: &Literal, env: &Env<'_>) -> String {
    let mut out = String::new();
    match (&literal.value, &literal.ty) {
        (Scalar::Null, _) => out.push_str("NULL"),
        (Scalar::Bool(b), _) => out.push_str(if *b { "true" } else { "false" }),
        (Scalar::Str(s), SqlType::Collated(collation, _)) if !collation.is_binary() => {
            out.push_str(&format!("'{s}' collate {collation}"));
        }
        (Scalar::Str(s), _) => out.push_str(s),
        (Scalar::Bin(bytes), _) => {
            out.push_str("X'");
            bytes.iter().for_each(|b| out.push_str(&format!("{b:02X}")));
            out.push('\'');
        }
        (Scalar::I32(days), SqlType::Date) => quoted_after("DATE", &mut out, |o| push_date(o, *days)),
        (Scalar::I64(v), SqlType::Timestamp) => {
            let zone = Zone::parse(&env.cx.options.time_zone).ok();
            quoted_after("TIMESTAMP", &mut out, |o| match zone {
                Some(zone) => push_timestamp(o, *v, &zone),
                None => push_timestamp_ntz(o, *v),
            });
        }
        (Scalar::I64(v), SqlType::TimestampNtz) => {
            quoted_after("TIMESTAMP_NTZ", &mut out, |o| push_timestamp_ntz(o, *v))
        }
        (Scalar::I64(v), SqlType::Time(_)) => quoted_after("TIME", &mut out, |o| push_time(o, *v)),
        (Scalar::I32(months), SqlType::YearMonthInterval(a, b)) => {
            push_year_month(&mut out, *months, *a, *b, IntervalStyle::Ansi);
        }
        (Scalar::I64(micros), SqlType::DayTimeInterval(a, b)) => {
            push_day_time(&mut out, *micros, *a, *b, IntervalStyle::Ansi);
        }
        (Scalar::Interval(months, days, micros), _) => {
            quoted_after("INTERVAL", &mut out, |o| {
                push_calendar(
                    o,
                    CalendarInterval {
                        months: *months,
                        days: *days,
                        micros: *micros,
                    },
                );
            });
        }
        (v, SqlType::Decimal(_, scale)) => out.push_str(&decimal(v.as_i128().unwrap_or(0), *scale)),
        (v, ty) if ty.is_integral() => out.push_str(&v.as_i64().unwrap_or(0).to_string()),
        _ => {
            let array = rsql_expr::eval::literal_array(literal);
            let formatter = array.and_then(|a| ColumnFormatter::new(&a, &literal.ty, Notation::Cast, &env.cx.options));
            if let Ok(f) = formatter {
                f.push(0, &mut out);
            }
        }
    }
    out
}

fn quoted_after(word: &str, out: &mut String, value: impl FnOnce(&mut String)) {
    out.push_str(word);
    out.push_str(" '");
    value(out);
    out.push('\'');
}

fn decimal(unscaled: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return unscaled.to_string();
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = unscaled.unsigned_abs().to_string();
    // Java's BigDecimal turns to exponents below 1E-6.
    if digits.len() + 6 <= scale {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}E-{}", scale + 1 - digits.len());
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{part}")
}

/// Text of a constant as SQL would write it: strings quoted, numbers with their suffix, NULL with its type.
pub(crate) fn sql_constant(literal: &Literal, env: &Env<'_>) -> String {
    let text = constant(literal, env);
    match (&literal.value, &literal.ty) {
        (Scalar::Null, SqlType::Void) => text,
        (Scalar::Null, ty) => format!("CAST(NULL AS {})", ty.sql()),
        (Scalar::Str(_), ty) if ty.has_collation() => text,
        (_, SqlType::String | SqlType::Collated(..)) => {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
        }
        (_, SqlType::Byte) => format!("{text}Y"),
        (_, SqlType::Short) => format!("{text}S"),
        (_, SqlType::Long) => format!("{text}L"),
        (_, SqlType::Double) => format!("{text}D"),
        (_, SqlType::Decimal(..)) => format!("{text}BD"),
        _ => text,
    }
}
