//! Types and values of partition columns, read from folder names by Spark's rules.

use rsql_common::Result;
use rsql_expr::datetime::Zone;
use rsql_expr::datetime::parse::{parse_date, parse_timestamp};
use rsql_expr::{EvalMode, EvalOptions, Scalar, SqlType};

/// The narrowest type that all of a column's values have: INT, BIGINT, DECIMAL, DOUBLE, DATE, TIMESTAMP, else STRING.
pub fn infer_partition_type<'a>(values: impl Iterator<Item = Option<&'a str>>, zone: &Zone) -> SqlType {
    let mut common: Option<SqlType> = None;
    for value in values.flatten() {
        let ty = type_of(value, zone);
        common = Some(match common {
            None => ty,
            Some(seen) => widen(seen, ty),
        });
    }
    common.unwrap_or(SqlType::String)
}

fn type_of(text: &str, zone: &Zone) -> SqlType {
    let number = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(&b));
    if number && text.parse::<i32>().is_ok() {
        return SqlType::Int;
    }
    if number && text.parse::<i64>().is_ok() {
        return SqlType::Long;
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() <= 38 {
        return SqlType::Decimal(digits.len() as u8, 0);
    }
    if number && text.ends_with(|c: char| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok() {
        return SqlType::Double;
    }
    // Only full forms count: `2024` is a number and `2024-01` stays text.
    let bytes = text.as_bytes();
    let dated = bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-';
    if dated && bytes.len() == 10 && parse_date(text).is_some() {
        return SqlType::Date;
    }
    if dated && parse_timestamp(text, zone, 0).is_some() {
        return SqlType::Timestamp;
    }
    SqlType::String
}

fn widen(a: SqlType, b: SqlType) -> SqlType {
    use SqlType::*;
    let rank = |t: &SqlType| match t {
        Int => Some(0),
        Long => Some(1),
        Decimal(..) => Some(2),
        Double => Some(3),
        _ => None,
    };
    match (&a, &b) {
        (Decimal(p, _), Decimal(q, _)) => Decimal(*p.max(q), 0),
        (Decimal(p, _), Int | Long) | (Int | Long, Decimal(p, _)) => Decimal((*p).max(20), 0),
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        _ if a == b => a,
        _ => match (rank(&a), rank(&b)) {
            (Some(x), Some(y)) => {
                if x >= y {
                    a
                } else {
                    b
                }
            }
            _ => String,
        },
    }
}

/// A folder's value as a value of the column.
pub fn partition_value(text: Option<&str>, ty: &SqlType, time_zone: &str) -> Result<Scalar> {
    let Some(text) = text else {
        return Ok(Scalar::Null);
    };
    if ty.is_string() {
        return Ok(Scalar::Str(text.into()));
    }
    let options = EvalOptions {
        time_zone: time_zone.into(),
        ..EvalOptions::default()
    };
    let array: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::StringViewArray::from(vec![text]));
    let cast = rsql_expr::cast::cast_array(
        &array,
        &SqlType::String,
        ty,
        EvalMode::Ansi,
        &options,
        Default::default(),
    )?;
    rsql_expr::scalar_at(cast.as_ref(), 0, ty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_folders() {
        let zone = Zone::parse("UTC").unwrap();
        for (values, want) in [
            (vec!["1", "2"], SqlType::Int),
            (vec!["1", "3000000000"], SqlType::Long),
            (vec!["1", "1.5"], SqlType::Double),
            (vec!["2024-01-02"], SqlType::Date),
            (vec!["2024-01-02", "2024-01-02 03:04:05"], SqlType::Timestamp),
            (vec!["1", "a"], SqlType::String),
            (vec!["2024-01"], SqlType::String),
            (vec!["inf"], SqlType::String),
            (vec![], SqlType::String),
        ] {
            assert_eq!(
                infer_partition_type(values.iter().map(|v| Some(*v)), &zone),
                want,
                "{values:?}"
            );
        }
    }
}
