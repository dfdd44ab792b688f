//! The one type for values of two types.

use super::decimal;
use crate::function::ResolveCx;
use crate::types::StructField;
use crate::{EvalOptions, SqlType};

/// The type both are cast to when values of both meet; `None` if there is none.
pub fn wider_type(a: &SqlType, b: &SqlType, cx: &ResolveCx<'_>) -> Option<SqlType> {
    wider(a, b, cx.options)
}

/// The type both are cast to where strings meet only strings: the columns of VALUES
/// (`findWiderTypeWithoutStringPromotion`).
pub fn wider_type_without_strings(a: &SqlType, b: &SqlType, cx: &ResolveCx<'_>) -> Option<SqlType> {
    fn find(a: &SqlType, b: &SqlType, options: &EvalOptions) -> Option<SqlType> {
        tightest(a, b, options)
            .or_else(|| with_decimal(a, b, options))
            .or_else(|| complex(a, b, &|x, y| find(x, y, options)))
    }
    find(a, b, cx.options)
}

/// The type both become without touching strings or decimals' precision.
pub fn tightest_type(a: &SqlType, b: &SqlType, cx: &ResolveCx<'_>) -> Option<SqlType> {
    tightest(a, b, cx.options)
}

fn wider(a: &SqlType, b: &SqlType, options: &EvalOptions) -> Option<SqlType> {
    tightest(a, b, options)
        .or_else(|| with_decimal(a, b, options))
        .or_else(|| if options.ansi { None } else { string_promotion(a, b) })
        .or_else(|| complex(a, b, &|x, y| wider(x, y, options)))
        .or_else(|| if options.ansi { with_string(a, b) } else { None })
}

pub(super) fn tightest(a: &SqlType, b: &SqlType, options: &EvalOptions) -> Option<SqlType> {
    use SqlType::*;
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (Void, t) | (t, Void) => t.clone(),
        (x, y) if x.is_string() && y.is_string() => return one_text(x, y),
        (i, Decimal(p, s)) | (Decimal(p, s), i) if i.is_integral() => {
            let (digits, _) = i.integral_as_decimal()?;
            if i16::from(*p) - i16::from(*s) < i16::from(digits) {
                return None;
            }
            Decimal(*p, *s)
        }
        (x, y) if x.is_integral() && y.is_integral() => {
            if rank(x) >= rank(y) {
                x.clone()
            } else {
                y.clone()
            }
        }
        // BIGINT and FLOAT lose digits as FLOAT, so ANSI takes DOUBLE.
        (i, Float) | (Float, i) if i.is_integral() => {
            if options.ansi {
                Double
            } else {
                Float
            }
        }
        (i, Double) | (Double, i) if i.is_integral() || *i == Float => Double,
        (Date, t @ (Timestamp | TimestampNtz)) | (t @ (Timestamp | TimestampNtz), Date) => t.clone(),
        (Timestamp, TimestampNtz) | (TimestampNtz, Timestamp) => Timestamp,
        (Time(x), Time(y)) => Time(*x.max(y)),
        (YearMonthInterval(f1, t1), YearMonthInterval(f2, t2)) => YearMonthInterval(*f1.min(f2), *t1.max(t2)),
        (DayTimeInterval(f1, t1), DayTimeInterval(f2, t2)) => DayTimeInterval(*f1.min(f2), *t1.max(t2)),
        _ => return complex(a, b, &|x, y| tightest(x, y, options)),
    })
}

fn rank(t: &SqlType) -> u8 {
    match t {
        SqlType::Byte => 1,
        SqlType::Short => 2,
        SqlType::Int => 3,
        _ => 4,
    }
}

fn with_decimal(a: &SqlType, b: &SqlType, options: &EvalOptions) -> Option<SqlType> {
    use SqlType::*;
    match (a, b) {
        (Decimal(p1, s1), Decimal(p2, s2)) => {
            Some(decimal::wider((*p1, *s1), (*p2, *s2), options.decimal_precision_loss))
        }
        (Decimal(p, s), i) | (i, Decimal(p, s)) if i.is_integral() => Some(decimal::wider(
            (*p, *s),
            i.integral_as_decimal()?,
            options.decimal_precision_loss,
        )),
        (Decimal(..), Float | Double) | (Float | Double, Decimal(..)) => Some(Double),
        _ => None,
    }
}

/// Legacy: whatever meets a string becomes a string, except binary and truth values.
fn string_promotion(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    let promotes = |t: &SqlType| t.is_atomic() && !matches!(t, SqlType::Binary | SqlType::Boolean);
    match (a.is_string(), b.is_string()) {
        (true, true) => one_text(a, b),
        (true, false) if promotes(b) => Some(a.without_length()),
        (false, true) if promotes(a) => Some(b.without_length()),
        _ => None,
    }
}

/// ANSI: a string becomes what it meets; integers as BIGINT, other numbers as DOUBLE.
pub(super) fn with_string(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    let (text, other) = if a.is_string() { (a, b) } else { (b, a) };
    if !text.is_string() {
        return None;
    }
    match other {
        t if t.is_integral() => Some(SqlType::Long),
        t if t.is_numeric() => Some(SqlType::Double),
        SqlType::Void => Some(text.clone()),
        t if t.is_interval() => None,
        t if t.is_string() => one_text(a, b),
        t if t.is_atomic() => Some(t.clone()),
        _ => None,
    }
}

/// Two texts meet only under one collation.
fn one_text(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    (a.collation() == b.collation()).then(|| a.without_length())
}

/// Legacy: a string compared with something becomes that; with decimals both become DOUBLE.
pub(super) fn legacy_comparison(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    let (text, other) = if a.is_string() { (a, b) } else { (b, a) };
    if !text.is_string() {
        return None;
    }
    match other {
        t if t.is_string() => one_text(a, b),
        SqlType::Void => Some(text.clone()),
        SqlType::Decimal(..) => Some(SqlType::Double),
        t if t.is_interval() => None,
        t if t.is_atomic() => Some(t.clone()),
        _ => None,
    }
}

/// A cast that may make NULL of a value.
fn forces_nullable(from: &SqlType, to: &SqlType) -> bool {
    from != to && !crate::types::is_widening(from, to)
}

fn complex(a: &SqlType, b: &SqlType, find: &dyn Fn(&SqlType, &SqlType) -> Option<SqlType>) -> Option<SqlType> {
    match (a, b) {
        (SqlType::Array(x), SqlType::Array(y)) => {
            let element = find(&x.element, &y.element)?;
            let nullable = x.contains_null
                || y.contains_null
                || forces_nullable(&x.element, &element)
                || forces_nullable(&y.element, &element);
            Some(SqlType::array_of(element, nullable))
        }
        (SqlType::Map(x), SqlType::Map(y)) => {
            let (key, value) = (find(&x.key, &y.key)?, find(&x.value, &y.value)?);
            let nullable = x.value_contains_null
                || y.value_contains_null
                || forces_nullable(&x.value, &value)
                || forces_nullable(&y.value, &value);
            Some(SqlType::map(key, value, nullable))
        }
        (SqlType::Struct(x), SqlType::Struct(y)) if x.len() == y.len() => {
            let fields = x.iter().zip(y.iter()).map(|(f, g)| {
                if !f.name.eq_ignore_ascii_case(&g.name) {
                    return None;
                }
                let ty = find(&f.ty, &g.ty)?;
                let nullable = f.nullable || g.nullable || forces_nullable(&f.ty, &ty) || forces_nullable(&g.ty, &ty);
                Some(StructField {
                    name: f.name.clone(),
                    ty,
                    nullable,
                })
            });
            Some(SqlType::Struct(fields.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        use SqlType::*;
        let list = |t: &SqlType| SqlType::array_of(t.clone(), false);
        for (a, b, ansi, legacy) in [
            (Int, Long, Some(Long), Some(Long)),
            (Byte, Float, Some(Double), Some(Float)),
            (Int, Decimal(2, 1), Some(Decimal(11, 1)), Some(Decimal(11, 1))),
            (
                Decimal(10, 2),
                Decimal(5, 4),
                Some(Decimal(12, 4)),
                Some(Decimal(12, 4)),
            ),
            (Decimal(10, 2), Float, Some(Double), Some(Double)),
            (Int, String, Some(Long), Some(String)),
            (Decimal(3, 1), String, Some(Double), Some(String)),
            (Date, String, Some(Date), Some(String)),
            (Boolean, String, Some(Boolean), None),
            (Date, Timestamp, Some(Timestamp), Some(Timestamp)),
            (Int, Date, None, None),
            (Int, Boolean, None, None),
            (list(&Int), list(&Long), Some(list(&Long)), Some(list(&Long))),
        ] {
            for (is_ansi, want) in [(true, ansi), (false, legacy)] {
                let options = EvalOptions {
                    ansi: is_ansi,
                    ..EvalOptions::default()
                };
                assert_eq!(wider(&a, &b, &options), want, "{a} {b} ansi={is_ansi}");
                assert_eq!(wider(&b, &a, &options), want, "{b} {a} ansi={is_ansi}");
            }
        }
    }
}
