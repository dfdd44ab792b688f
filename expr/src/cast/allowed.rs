//! Which casts exist: checked at analysis time.

use crate::SqlType;

/// `CAST(from AS to)` exists in ANSI (`ansi`) or legacy mode.
pub fn can_cast(from: &SqlType, to: &SqlType, ansi: bool) -> bool {
    use SqlType::*;
    if from == to {
        return true;
    }
    match (from, to) {
        (Void, _) => true,
        (Array(a), Array(b)) => can_cast(&a.element, &b.element, ansi),
        (Map(a), Map(b)) => can_cast(&a.key, &b.key, ansi) && can_cast(&a.value, &b.value, ansi),
        (Struct(a), Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| can_cast(&x.ty, &y.ty, ansi))
        }
        (_, t) if t.is_string() => true,
        (f, t) if f.is_string() => t.is_atomic() && *t != Void,
        (f, Binary) => !ansi && f.is_integral(),
        (f, Boolean) => f.is_numeric() || !ansi && matches!(f, Date | Timestamp),
        (Timestamp, TimestampNtz | Date) | (TimestampNtz, Timestamp | Date) | (Date, Timestamp | TimestampNtz) => true,
        (Timestamp | TimestampNtz, Time(_)) | (Time(_), Time(_) | Timestamp | TimestampNtz) => true,
        (Time(_), t) => t.is_integral() || t.is_decimal(),
        (Boolean, Timestamp) => !ansi,
        (f, Timestamp) => f.is_numeric(),
        (Timestamp, t) => t.is_numeric(),
        (Date, t) => !ansi && t.is_numeric(),
        (YearMonthInterval(..), YearMonthInterval(..)) | (DayTimeInterval(..), DayTimeInterval(..)) => true,
        (YearMonthInterval(..) | DayTimeInterval(..), t) => t.is_integral() || t.is_decimal(),
        (f, YearMonthInterval(..) | DayTimeInterval(..)) => f.is_integral() || f.is_decimal(),
        (Boolean, t) => t.is_numeric(),
        (f, t) => f.is_numeric() && t.is_numeric(),
    }
}

/// INSERT may cast `from` to `to` under the ANSI store assignment policy.
pub fn can_store_assign(from: &SqlType, to: &SqlType) -> bool {
    use SqlType::*;
    match (from, to) {
        (a, b) if a == b => true,
        (Void, _) => true,
        (f, t) if f.is_numeric() && t.is_numeric() => true,
        (f, t) if f.is_atomic() && t.is_string() => true,
        (CalendarInterval, _) => false,
        (f, t) if f.is_datetime() && t.is_datetime() => true,
        (YearMonthInterval(..), YearMonthInterval(..)) | (DayTimeInterval(..), DayTimeInterval(..)) => true,
        (Time(_), Time(_)) => true,
        (Array(a), Array(b)) => (!a.contains_null || b.contains_null) && can_store_assign(&a.element, &b.element),
        (Map(a), Map(b)) => {
            (!a.value_contains_null || b.value_contains_null)
                && can_store_assign(&a.key, &b.key)
                && can_store_assign(&a.value, &b.value)
        }
        (Struct(a), Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|(x, y)| (!x.nullable || y.nullable) && can_store_assign(&x.ty, &y.ty))
        }
        _ => false,
    }
}

/// `from` becomes `to` without any risk of loss (Spark's up-cast, the STRICT store assignment).
pub fn can_up_cast(from: &SqlType, to: &SqlType) -> bool {
    use SqlType::*;
    match (from, to) {
        (a, b) if a == b => true,
        (Void, _) => true,
        (CalendarInterval, t) if t.is_string() => true,
        (f, t) if f.is_atomic() && t.is_string() => true,
        (Float, Double) => true,
        (f, Float | Double) if f.is_integral() => true,
        (f, Decimal(..)) if f.is_integral() || f.is_decimal() => crate::types::is_widening(f, to),
        (Decimal(p, 0), Byte | Short | Int | Long) => to.integral_as_decimal().is_some_and(|(q, _)| *p < q),
        (f, t) if f.is_integral() && t.is_integral() => crate::types::is_widening(f, t),
        (Date, Timestamp | TimestampNtz) | (Timestamp, TimestampNtz) | (TimestampNtz, Timestamp) => true,
        (YearMonthInterval(..), YearMonthInterval(..)) | (DayTimeInterval(..), DayTimeInterval(..)) => true,
        (Array(a), Array(b)) => (!a.contains_null || b.contains_null) && can_up_cast(&a.element, &b.element),
        (Map(a), Map(b)) => {
            (!a.value_contains_null || b.value_contains_null)
                && can_up_cast(&a.key, &b.key)
                && can_up_cast(&a.value, &b.value)
        }
        (Struct(a), Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|(x, y)| (!x.nullable || y.nullable) && can_up_cast(&x.ty, &y.ty))
        }
        _ => false,
    }
}
