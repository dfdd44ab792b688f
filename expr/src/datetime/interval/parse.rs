//! Text to intervals.

use rsql_common::{Error, Result};

use super::CalendarInterval;
use crate::datetime::parse::trim;
use crate::datetime::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use crate::types::{DayTimeField, YearMonthField};

fn bad(sub: &str, input: &str) -> Error {
    Error::user(format!("INVALID_INTERVAL_FORMAT.{sub}")).param("input", input)
}

/// `[interval] n unit [n unit]…`, ignoring case: `1 year 2 months -3.5 seconds`.
pub fn parse_calendar(input: &str) -> Result<CalendarInterval> {
    let lower = trim(input).to_lowercase();
    if lower.is_empty() {
        return Err(bad("INPUT_IS_EMPTY", input));
    }
    let mut rest = lower.as_str();
    if let Some(tail) = rest.strip_prefix("interval") {
        if tail.is_empty() {
            return Err(bad("INPUT_IS_EMPTY", input));
        }
        if !tail.starts_with(char::is_whitespace) {
            return Err(bad("INVALID_PREFIX", input).param("prefix", first_word(rest)));
        }
        rest = tail.trim_start();
        if rest.is_empty() {
            return Err(bad("INPUT_IS_EMPTY", input));
        }
    }
    let mut out = CalendarInterval::default();
    while !rest.is_empty() {
        let negative = match rest.as_bytes()[0] {
            b'-' => Some(true),
            b'+' => Some(false),
            _ => None,
        };
        if negative.is_some() {
            rest = rest[1..].trim_start();
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let mut tail = &rest[digits..];
        let mut fraction = None;
        if let Some(t) = tail.strip_prefix('.') {
            let n = t.bytes().take_while(u8::is_ascii_digit).count();
            fraction = Some(&t[..n]);
            tail = &t[n..];
        }
        if digits == 0 && fraction.is_none_or(str::is_empty) {
            return Err(bad("UNRECOGNIZED_NUMBER", input).param("number", first_word(rest)));
        }
        if !tail.is_empty() && !tail.starts_with(char::is_whitespace) {
            return Err(bad("INVALID_VALUE", input).param("value", first_word(rest)));
        }
        let unit = first_word(tail.trim_start());
        if unit.is_empty() {
            return Err(bad("MISSING_UNIT", input).param("word", first_word(rest)));
        }
        let number = &rest[..digits];
        let value = if number.is_empty() { Ok(0i64) } else { number.parse() };
        let overflow = || bad("ARITHMETIC_EXCEPTION", input);
        let value = value.map_err(|_| overflow())?;
        let sign = if negative == Some(true) { -1 } else { 1 };
        let value = value * sign;
        let fraction_micros = match fraction {
            None => 0,
            Some(f) if f.len() > 9 => return Err(bad("INVALID_PRECISION", input).param("value", first_word(rest))),
            Some(f) => format!("{f:0<9}").parse::<i64>().unwrap_or(0) / 1000 * sign,
        };
        if fraction.is_some() && !matches!(unit, "second" | "seconds") {
            return Err(bad("INVALID_FRACTION", input).param("unit", unit));
        }
        let months = |n: i64| -> Result<i32> {
            value
                .checked_mul(n)
                .and_then(|m| i32::try_from(m).ok())
                .and_then(|m| out.months.checked_add(m))
                .ok_or_else(overflow)
        };
        let days = |n: i64| -> Result<i32> {
            value
                .checked_mul(n)
                .and_then(|m| i32::try_from(m).ok())
                .and_then(|m| out.days.checked_add(m))
                .ok_or_else(overflow)
        };
        let micros = |n: i64| -> Result<i64> {
            value
                .checked_mul(n)
                .and_then(|m| m.checked_add(fraction_micros))
                .and_then(|m| out.micros.checked_add(m))
                .ok_or_else(overflow)
        };
        match unit.strip_suffix('s').unwrap_or(unit) {
            "year" => out.months = months(12)?,
            "month" => out.months = months(1)?,
            "week" => out.days = days(7)?,
            "day" => out.days = days(1)?,
            "hour" => out.micros = micros(MICROS_PER_HOUR)?,
            "minute" => out.micros = micros(MICROS_PER_MINUTE)?,
            "second" => out.micros = micros(MICROS_PER_SECOND)?,
            "millisecond" => out.micros = micros(1000)?,
            "microsecond" => out.micros = micros(1)?,
            _ => return Err(bad("INVALID_UNIT", input).param("unit", unit)),
        }
        let after = tail.trim_start();
        rest = after[unit.len()..].trim_start();
    }
    Ok(out)
}

fn first_word(text: &str) -> &str {
    text.split(char::is_whitespace).next().unwrap_or("")
}

/// Strips `INTERVAL '…' FROM [TO TO]` to what stands in quotes; gives the sign before the quote. Bare text passes.
fn unquote<'a>(text: &'a str, unit: &str) -> Option<(bool, &'a str)> {
    let text = trim(text);
    let Some(head) = text.get(..8) else {
        return Some((false, text));
    };
    if !head.eq_ignore_ascii_case("interval") {
        return Some((false, text));
    }
    let rest = text[8..].trim_start();
    let (negative, rest) = match rest.strip_prefix('-') {
        Some(r) => (true, r),
        None => (false, rest.strip_prefix('+').unwrap_or(rest)),
    };
    let (body, tail) = rest.trim_start().strip_prefix('\'')?.split_once('\'')?;
    let words: Vec<&str> = tail.split_whitespace().collect();
    words.join(" ").eq_ignore_ascii_case(unit).then_some((negative, body))
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(r) => (true, r),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Digits only: what does not parse is too large, which the callers find out of range.
    Some(text.parse().unwrap_or(i64::MAX))
}

fn unmatched(sub: &str, input: &str, family: &str, unit: &str, formats: &str) -> Error {
    bad(sub, input)
        .param("typeName", format!("interval {}", unit.to_lowercase()))
        .param("intervalStr", family)
        .param("supportedFormat", formats)
}

fn out_of_range(input: &str, family: &str) -> Error {
    bad("INTERVAL_PARSING", input).param("interval", family)
}

/// A year-month interval in months: `[+-]y-m`, `[+-]n` for a single field, or the whole literal.
pub fn parse_year_month(input: &str, from: YearMonthField, to: YearMonthField) -> Result<i32> {
    let (from_name, to_name) = (from.name().to_uppercase(), to.name().to_uppercase());
    let unit = if from == to {
        from_name
    } else {
        format!("{from_name} TO {to_name}")
    };
    let formats = match (from == to, from) {
        (true, YearMonthField::Year) => "`[+|-]y`, `INTERVAL [+|-]'[+|-]y' YEAR`",
        (true, YearMonthField::Month) => "`[+|-]m`, `INTERVAL [+|-]'[+|-]m' MONTH`",
        _ => "`[+|-]y-m`, `INTERVAL [+|-]'[+|-]y-m' YEAR TO MONTH`",
    };
    let fail = || unmatched("UNMATCHED_FORMAT_STRING", input, "year-month", &unit, formats);
    let (outer, body) = unquote(input, &unit).ok_or_else(fail)?;
    let (inner, body) = sign(body);
    let months = if from == to {
        digits(body)
            .ok_or_else(fail)?
            .saturating_mul(if from == YearMonthField::Year { 12 } else { 1 })
    } else {
        let (y, m) = body.split_once('-').ok_or_else(fail)?;
        let (y, m) = (digits(y).ok_or_else(fail)?, digits(m).ok_or_else(fail)?);
        if m > 11 {
            return Err(out_of_range(input, "year-month"));
        }
        y.saturating_mul(12).saturating_add(m)
    };
    let months = if outer != inner { -months } else { months };
    i32::try_from(months).map_err(|_| out_of_range(input, "year-month"))
}

/// A day-time interval in microseconds: `[+-]d h:m:s.f` cut to the fields, or the whole literal.
pub fn parse_day_time(input: &str, from: DayTimeField, to: DayTimeField) -> Result<i64> {
    use DayTimeField::{Day, Hour, Minute, Second};
    let name = |f: DayTimeField| f.name().to_uppercase();
    let unit = if from == to {
        name(from)
    } else {
        format!("{} TO {}", name(from), name(to))
    };
    let shape: String = [(Day, "d"), (Hour, "h"), (Minute, "m"), (Second, "s.n")]
        .iter()
        .filter(|(f, _)| *f >= from && *f <= to)
        .map(|(f, s)| match f {
            _ if *f == from => (*s).to_string(),
            Hour => format!(" {s}"),
            _ => format!(":{s}"),
        })
        .collect();
    let formats = format!("`[+|-]{shape}`, `INTERVAL [+|-]'[+|-]{shape}' {unit}`");
    let fail = || {
        unmatched(
            "UNMATCHED_FORMAT_STRING_WITH_NOTICE",
            input,
            "day-time",
            &unit,
            &formats,
        )
    };
    let (outer, body) = unquote(input, &unit).ok_or_else(fail)?;
    let (inner, body) = sign(body);
    let mut rest = body;
    let mut total: i128 = 0;
    for (field, micros, most) in [
        (Day, MICROS_PER_DAY, i64::MAX),
        (Hour, MICROS_PER_HOUR, 23),
        (Minute, MICROS_PER_MINUTE, 59),
        (Second, MICROS_PER_SECOND, 59),
    ] {
        if field < from || field > to {
            continue;
        }
        let text = if field == to {
            std::mem::take(&mut rest)
        } else {
            let separator = if field == Day { ' ' } else { ':' };
            let (head, tail) = rest.split_once(separator).ok_or_else(fail)?;
            rest = if field == Day { tail.trim_start() } else { tail };
            head
        };
        let (whole, fraction) = match (field, text.split_once('.')) {
            (Second, Some((w, f))) => (w, Some(f)),
            _ => (text, None),
        };
        let n = digits(whole).ok_or_else(fail)?;
        if field > from && n > most {
            return Err(out_of_range(input, "day-time"));
        }
        total += i128::from(n) * i128::from(micros);
        if let Some(f) = fraction {
            if f.len() > 9 || !f.bytes().all(|b| b.is_ascii_digit()) {
                return Err(fail());
            }
            total += i128::from(format!("{f:0<9}").parse::<i64>().unwrap_or(0) / 1000);
        }
    }
    let total = if outer != inner { -total } else { total };
    i64::try_from(total).map_err(|_| Error::user("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar() {
        let v = |months, days, micros| Some(CalendarInterval { months, days, micros });
        for (text, want) in [
            ("interval 1 year 2 months", v(14, 0, 0)),
            ("3 weeks -1 day", v(0, 20, 0)),
            ("1.5 seconds", v(0, 0, 1_500_000)),
            ("-.5 second", v(0, 0, -500_000)),
            ("INTERVAL 2 milliseconds 3 microseconds", v(0, 0, 2003)),
            ("1 fortnight", None),
            ("1.5 days", None),
            ("interval", None),
            ("1", None),
        ] {
            assert_eq!(parse_calendar(text).ok(), want, "{text}");
        }
    }

    #[test]
    fn ansi() {
        use DayTimeField::*;
        use YearMonthField::*;
        assert_eq!(parse_year_month("-1-2", Year, YearMonthField::Month).ok(), Some(-14));
        assert_eq!(
            parse_year_month("INTERVAL -'1-2' YEAR TO MONTH", Year, Month).ok(),
            Some(-14)
        );
        assert_eq!(parse_year_month("3", Year, Year).ok(), Some(36));
        assert_eq!(parse_day_time("1 02:03:04.5", Day, Second).ok(), Some(93_784_500_000));
        assert_eq!(
            parse_day_time("interval '10' minute", Minute, Minute).ok(),
            Some(600_000_000)
        );
        assert!(parse_day_time("1 25", Day, Hour).is_err());
    }
}
