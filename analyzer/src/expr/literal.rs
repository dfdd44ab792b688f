//! Constants: numbers, strings, and typed literals such as `DATE '2024-01-01'`.

use rsql_ast::Literal as Written;
use rsql_common::{Error, Result, Span};
use rsql_expr::datetime::Zone;
use rsql_expr::datetime::parse::{
    has_zone, parse_date, parse_time, parse_timestamp, parse_timestamp_ntz, special_date, special_timestamp,
};
use rsql_expr::types::MAX_DECIMAL_PRECISION;
use rsql_expr::{Expr, Literal, Scalar, SqlType};

use super::{Binder, Bound};

impl Binder<'_> {
    /// A constant as written.
    pub(super) fn literal(&mut self, written: &Written, span: Span) -> Result<Bound> {
        let value = match written {
            Written::Null => Literal::null(SqlType::Void),
            Written::Boolean(b) => Literal::bool(*b),
            Written::Byte(v) => Literal::new(Scalar::I8(*v), SqlType::Byte),
            Written::Short(v) => Literal::new(Scalar::I16(*v), SqlType::Short),
            Written::Int(v) => Literal::int(*v),
            Written::Long(v) => Literal::long(*v),
            Written::Decimal(digits) => decimal(digits).map_err(|e| e.at(span))?,
            Written::Float(v) => Literal::new(Scalar::F32(*v), SqlType::Float),
            Written::Double(v) => Literal::double(*v),
            Written::String(s) => Literal {
                ty: crate::collation::text(&self.env.cx.options),
                ..Literal::string(s.as_str())
            },
            Written::Binary(bytes) => Literal::new(Scalar::Bin(bytes.as_slice().into()), SqlType::Binary),
            Written::Typed { type_name, text } => self.typed_literal(type_name, text)?,
            Written::IntervalRange {
                text,
                negative,
                from,
                to,
            } => super::interval::range(text, *negative, *from, *to).map_err(|e| e.at(span))?,
            Written::IntervalUnits(pairs) => self.interval_units(pairs).map_err(|e| e.at(span))?,
            Written::IntervalText(text) => super::interval::text(text).map_err(|e| e.at(span))?,
        };
        let name = if self.naming {
            crate::naming::constant(&value, &self.env)
        } else {
            String::new()
        };
        Ok(Bound {
            expr: Expr::lit(value),
            name,
        })
    }

    fn typed_literal(&self, type_name: &str, text: &str) -> Result<Literal> {
        let options = &self.env.cx.options;
        let now = options.now_micros;
        let zone = || Zone::parse(&options.time_zone);
        let ltz = |text: &str| -> Result<Option<i64>> {
            let zone = zone()?;
            Ok(parse_timestamp(text, &zone, now).or_else(|| special_timestamp(text, &zone, now)))
        };
        let ntz = |text: &str, allow_zone: bool| -> Result<Option<i64>> {
            let zone = zone()?;
            Ok(parse_timestamp_ntz(text, allow_zone)
                .or_else(|| special_timestamp(text, &zone, now).map(|t| zone.to_local(t))))
        };
        let micros = |v: Option<i64>, ty: SqlType| v.map(|v| Literal::new(Scalar::I64(v), ty));
        let value = match type_name {
            "DATE" => {
                let zone = zone()?;
                parse_date(text)
                    .or_else(|| special_date(text, &zone, now))
                    .map(|v| Literal::new(Scalar::I32(v), SqlType::Date))
            }
            "TIMESTAMP" if options.timestamp_is_ntz && !has_zone(text) => {
                micros(ntz(text, false)?, SqlType::TimestampNtz)
            }
            "TIMESTAMP" | "TIMESTAMP_LTZ" => micros(ltz(text)?, SqlType::Timestamp),
            "TIMESTAMP_NTZ" => micros(ntz(text, false)?, SqlType::TimestampNtz),
            "TIME" => parse_time(text).map(|v| Literal::new(Scalar::I64(v), SqlType::Time(6))),
            "INTERVAL" => return super::interval::text(text),
            other => {
                return Err(Error::user("UNSUPPORTED_TYPED_LITERAL")
                    .param("unsupportedType", format!("\"{other}\""))
                    .param(
                        "supportedTypes",
                        "\"DATE\", \"TIMESTAMP_NTZ\", \"TIMESTAMP_LTZ\", \"TIMESTAMP\", \"INTERVAL\", \"X\", \"TIME\"",
                    ));
            }
        };
        value.ok_or_else(|| {
            Error::user("INVALID_TYPED_LITERAL")
                .param("valueType", format!("\"{type_name}\""))
                .param("value", format!("'{text}'"))
        })
    }
}

/// A decimal from plain digits with an optional point: as many digits as written.
pub(crate) fn decimal(digits: &str) -> Result<Literal> {
    let (negative, rest) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, part) = rest.split_once('.').unwrap_or((rest, ""));
    let significant = whole.trim_start_matches('0');
    let scale = part.len();
    let unscaled_digits = if significant.is_empty() {
        part.trim_start_matches('0').len()
    } else {
        significant.len() + scale
    };
    let precision = unscaled_digits.max(scale).max(1);
    let too_wide = || {
        Error::user("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION")
            .param("precision", precision.to_string())
            .param("maxPrecision", MAX_DECIMAL_PRECISION.to_string())
    };
    if precision > usize::from(MAX_DECIMAL_PRECISION) {
        return Err(too_wide());
    }
    let text = format!("{significant}{part}");
    let unscaled: i128 = if text.is_empty() {
        0
    } else {
        text.parse().map_err(|_| too_wide())?
    };
    let unscaled = if negative { -unscaled } else { unscaled };
    let precision = u8::try_from(precision).map_err(|_| too_wide())?;
    let scale = i8::try_from(scale).map_err(|_| too_wide())?;
    Ok(Literal::decimal(unscaled, precision, scale))
}

/// The constant with its sign changed, if it is a number.
pub(crate) fn negated(literal: &Literal) -> Option<Literal> {
    let value = match literal.value {
        Scalar::I8(v) => Scalar::I8(v.checked_neg()?),
        Scalar::I16(v) => Scalar::I16(v.checked_neg()?),
        Scalar::I32(v) if literal.ty == SqlType::Int => Scalar::I32(v.checked_neg()?),
        Scalar::I64(v) if literal.ty == SqlType::Long || literal.ty.is_decimal() => Scalar::I64(v.checked_neg()?),
        Scalar::I128(v) => Scalar::I128(v.checked_neg()?),
        Scalar::F32(v) => Scalar::F32(-v),
        Scalar::F64(v) => Scalar::F64(-v),
        _ => return None,
    };
    Some(Literal::new(value, literal.ty.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_as_many_digits_as_written() {
        for (text, precision, scale, unscaled) in [
            ("1.5", 2, 1, 15),
            ("0.1", 1, 1, 1),
            ("0.05", 2, 2, 5),
            ("1.0", 2, 1, 10),
            ("-00.10", 2, 2, -10),
            ("100", 3, 0, 100),
            ("0", 1, 0, 0),
        ] {
            let l = decimal(text).unwrap();
            assert_eq!(l.ty, SqlType::Decimal(precision, scale), "{text}");
            assert_eq!(l.value.as_i128(), Some(unscaled), "{text}");
        }
        assert!(decimal(&"9".repeat(39)).is_err());
    }
}
