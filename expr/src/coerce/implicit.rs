//! Arguments of functions to what the functions ask for.

use rsql_common::{Error, Result, ordinal_word, quoted_name};

use super::cast_to;
use crate::cast::can_store_assign;
use crate::function::{ResolveCx, TypeSpec};
use crate::{Expr, SqlType};

/// `arg` as what `spec` asks for, with a cast where Spark adds one; else `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`
/// naming argument `index` (from 0).
pub fn implicit_cast(arg: Expr, spec: TypeSpec, index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    let ty = arg.ty();
    match implicit_type(&ty, spec, cx.ansi()) {
        Some(want) if want == ty => Ok(arg),
        Some(want) => Ok(cast_to(arg, &want, cx)),
        None if spec == TypeSpec::Orderable => Err(Error::user("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE")
            .param("functionName", quoted_name([&cx.called_as]))
            .param("dataType", ty.quoted())
            .at(cx.origin.0)),
        None => Err(Error::user("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
            .param("paramIndex", ordinal_word(index))
            .param("requiredType", required(spec))
            .param("inputType", ty.quoted())
            .at(cx.origin.0)),
    }
}

/// The type that a value of `ty` is taken as where `spec` is asked for: `ty` itself if it will do.
pub fn implicit_type(ty: &SqlType, spec: TypeSpec, ansi: bool) -> Option<SqlType> {
    use TypeSpec as S;
    if accepts(spec, ty) {
        return Some(ty.clone());
    }
    if *ty == SqlType::Void {
        return default_type(spec);
    }
    if let Some(target) = concrete(spec) {
        return to_concrete(ty, &target, ansi);
    }
    let text = ty.is_string();
    match spec {
        S::Numeric | S::NumericOrInterval if text => Some(SqlType::Double),
        S::Decimal if ty.is_integral() => ty.integral_as_decimal().map(|(p, s)| SqlType::Decimal(p, s)),
        S::Decimal => match ty {
            SqlType::Float => Some(SqlType::Decimal(14, 7)),
            SqlType::Double => Some(SqlType::Decimal(30, 15)),
            _ if text => Some(SqlType::Decimal(38, 18)),
            _ => None,
        },
        S::AnyTimestamp if text || *ty == SqlType::Date => Some(SqlType::Timestamp),
        S::Time if text => Some(SqlType::Time(6)),
        S::StringOrBinary => to_concrete(ty, &SqlType::String, ansi),
        _ => None,
    }
}

fn accepts(spec: TypeSpec, ty: &SqlType) -> bool {
    use TypeSpec as S;
    match spec {
        S::Any | S::Lambda => true,
        S::Boolean => *ty == SqlType::Boolean,
        S::Int => *ty == SqlType::Int,
        S::Long => *ty == SqlType::Long,
        S::Double => *ty == SqlType::Double,
        S::String | S::Text => ty.is_string(),
        S::Binary => *ty == SqlType::Binary,
        S::Date => *ty == SqlType::Date,
        S::Timestamp => *ty == SqlType::Timestamp,
        S::TimestampNtz => *ty == SqlType::TimestampNtz,
        S::Time => matches!(ty, SqlType::Time(_)),
        S::AnyTimestamp => ty.is_timestamp(),
        S::Numeric => ty.is_numeric(),
        S::Integral => ty.is_integral(),
        S::Decimal => ty.is_decimal(),
        S::StringOrBinary => ty.is_string() || *ty == SqlType::Binary,
        S::NumericOrInterval => ty.is_numeric() || ty.is_interval(),
        S::YearMonthInterval => matches!(ty, SqlType::YearMonthInterval(..)),
        S::DayTimeInterval => matches!(ty, SqlType::DayTimeInterval(..)),
        S::Array => matches!(ty, SqlType::Array(_)),
        S::Map => matches!(ty, SqlType::Map(_)),
        S::Struct => matches!(ty, SqlType::Struct(_)),
        S::ArrayOrMap => matches!(ty, SqlType::Array(_) | SqlType::Map(_)),
        S::Orderable => ty.is_orderable(),
    }
}

/// The one type a spec stands for.
fn concrete(spec: TypeSpec) -> Option<SqlType> {
    use TypeSpec as S;
    Some(match spec {
        S::Boolean => SqlType::Boolean,
        S::Int => SqlType::Int,
        S::Long => SqlType::Long,
        S::Double => SqlType::Double,
        S::String => SqlType::String,
        S::Binary => SqlType::Binary,
        S::Date => SqlType::Date,
        S::Timestamp => SqlType::Timestamp,
        S::TimestampNtz => SqlType::TimestampNtz,
        _ => return None,
    })
}

/// What an untyped NULL becomes.
fn default_type(spec: TypeSpec) -> Option<SqlType> {
    use TypeSpec as S;
    Some(match spec {
        S::Any | S::Lambda | S::Orderable => SqlType::Void,
        S::Time => SqlType::Time(6),
        S::AnyTimestamp => SqlType::Timestamp,
        S::Numeric | S::NumericOrInterval => SqlType::Double,
        S::Integral => SqlType::Int,
        S::Decimal => SqlType::Decimal(10, 0),
        S::StringOrBinary | S::Text => SqlType::String,
        S::YearMonthInterval => SqlType::YEAR_MONTH,
        S::DayTimeInterval => SqlType::DAY_TIME,
        S::Array | S::ArrayOrMap => SqlType::array(SqlType::Void),
        S::Map => SqlType::map(SqlType::Void, SqlType::Void, true),
        S::Struct => SqlType::Struct([].into()),
        other => return concrete(other),
    })
}

fn to_concrete(ty: &SqlType, target: &SqlType, ansi: bool) -> Option<SqlType> {
    use SqlType::*;
    let yes = if ansi {
        ty.is_string() && target.is_atomic() || can_store_assign(ty, target) && !(ty.is_nested() && target.is_string())
    } else {
        match (ty, target) {
            (f, t) if f.is_numeric() && t.is_numeric() => true,
            (f, t) if f.is_datetime() && t.is_datetime() => true,
            (f, t) if f.is_string() => t.is_numeric() || t.is_datetime() || *t == Binary,
            (f, String) => f.is_atomic(),
            _ => false,
        }
    };
    yes.then(|| target.clone())
}

/// The spec as messages name it.
pub(crate) fn required(spec: TypeSpec) -> &'static str {
    use TypeSpec as S;
    match spec {
        S::Any => "\"ANY\"",
        S::Boolean => "\"BOOLEAN\"",
        S::Int => "\"INT\"",
        S::Long => "\"BIGINT\"",
        S::Double => "\"DOUBLE\"",
        S::String | S::Text => "\"STRING\"",
        S::Binary => "\"BINARY\"",
        S::Date => "\"DATE\"",
        S::Timestamp => "\"TIMESTAMP\"",
        S::TimestampNtz => "\"TIMESTAMP_NTZ\"",
        S::Time => "\"TIME\"",
        S::AnyTimestamp => "\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\"",
        S::Numeric => "\"NUMERIC\"",
        S::Integral => "\"INTEGRAL\"",
        S::Decimal => "\"DECIMAL\"",
        S::StringOrBinary => "(\"STRING\" or \"BINARY\")",
        S::NumericOrInterval => {
            "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")"
        }
        S::YearMonthInterval => "\"INTERVAL YEAR TO MONTH\"",
        S::DayTimeInterval => "\"INTERVAL DAY TO SECOND\"",
        S::Array => "\"ARRAY\"",
        S::Map => "\"MAP\"",
        S::Struct => "\"STRUCT\"",
        S::ArrayOrMap => "(\"ARRAY\" or \"MAP\")",
        S::Orderable => "\"ORDERABLE\"",
        S::Lambda => "\"LAMBDA\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        use SqlType::*;
        use TypeSpec as S;
        for (ty, spec, ansi, legacy) in [
            (Int, S::String, Some(String), Some(String)),
            (String, S::Int, Some(Int), Some(Int)),
            (Long, S::Int, Some(Int), Some(Int)),
            (Double, S::Int, Some(Int), Some(Int)),
            (Boolean, S::String, Some(String), Some(String)),
            (Boolean, S::Int, None, None),
            (String, S::Boolean, Some(Boolean), None),
            (String, S::Numeric, Some(Double), Some(Double)),
            (Date, S::Timestamp, Some(Timestamp), Some(Timestamp)),
            (Date, S::Int, None, None),
            (Void, S::Int, Some(Int), Some(Int)),
            (Int, S::StringOrBinary, Some(String), Some(String)),
            (SqlType::array(Int), S::String, None, None),
            (SqlType::map(Int, Int, true), S::Orderable, None, None),
        ] {
            assert_eq!(implicit_type(&ty, spec, true), ansi, "{ty} {spec:?}");
            assert_eq!(implicit_type(&ty, spec, false), legacy, "{ty} {spec:?}");
        }
    }
}
