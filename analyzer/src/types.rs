//! Written types to Spark's types.

use rsql_ast::{TypeExpr, TypeKind};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;

use crate::AnalyzerContext;

/// Most digits of a decimal.
const MAX_PRECISION: i64 = 38;

/// The type a written type names.
pub(crate) fn resolve(ty: &TypeExpr, cx: &AnalyzerContext<'_>) -> Result<SqlType> {
    match &ty.kind {
        TypeKind::Simple { name, args } => {
            let simple = simple(name, args, cx).map_err(|e| e.at(ty.span))?;
            Ok(match cx.options.default_collation {
                Some(collation) if simple.is_sized_text() => simple.with_collation(collation),
                _ => simple,
            })
        }
        TypeKind::Interval(range) => {
            crate::expr::interval::interval_type(*range).ok_or_else(|| unsupported("INTERVAL").at(ty.span))
        }
        TypeKind::Array(element) => Ok(SqlType::array(resolve(element, cx)?)),
        TypeKind::Map(key, value) => Ok(SqlType::map(resolve(key, cx)?, resolve(value, cx)?, true)),
        TypeKind::Struct(fields) => {
            let fields = fields
                .iter()
                .map(|f| Ok((f.name.value.clone(), resolve(&f.ty, cx)?, !f.not_null)))
                .collect::<Result<Vec<_>>>()?;
            Ok(SqlType::structure(fields))
        }
        TypeKind::Collated(inner, collation) => {
            let collation = crate::collation::named(&[collation.value.as_str()], ty.span)?;
            Ok(resolve(inner, cx)?.with_collation(collation))
        }
    }
}

fn simple(name: &str, args: &[i64], cx: &AnalyzerContext<'_>) -> Result<SqlType> {
    let plain = match name {
        "boolean" => SqlType::Boolean,
        "tinyint" | "byte" => SqlType::Byte,
        "smallint" | "short" => SqlType::Short,
        "int" | "integer" => SqlType::Int,
        "bigint" | "long" => SqlType::Long,
        "float" | "real" => SqlType::Float,
        "double" => SqlType::Double,
        "string" | "text" => crate::collation::text(&cx.options),
        "binary" => SqlType::Binary,
        "date" => SqlType::Date,
        "timestamp" if cx.options.timestamp_is_ntz => SqlType::TimestampNtz,
        "timestamp" | "timestamp_ltz" => SqlType::Timestamp,
        "timestamp_ntz" => SqlType::TimestampNtz,
        "void" | "null" => SqlType::Void,
        "time" => return time(args),
        "decimal" | "dec" | "numeric" => return decimal(args),
        "char" | "character" => return sized(name, args, SqlType::Char),
        "varchar" => return sized(name, args, SqlType::Varchar),
        other => return Err(unsupported(other)),
    };
    let microseconds = plain.is_timestamp() && matches!(args, [0..=6]);
    if args.is_empty() || microseconds {
        Ok(plain)
    } else {
        Err(unsupported(&written(name, args)))
    }
}

fn written(name: &str, args: &[i64]) -> String {
    let args: Vec<String> = args.iter().map(i64::to_string).collect();
    format!("{name}({})", args.join(","))
}

fn unsupported(name: &str) -> Error {
    Error::user("UNSUPPORTED_DATATYPE").param("typeName", format!("\"{}\"", name.to_ascii_uppercase()))
}

fn time(args: &[i64]) -> Result<SqlType> {
    match args {
        [] => Ok(SqlType::Time(6)),
        [p @ 0..=6] => Ok(SqlType::Time(u8::try_from(*p).unwrap_or(6))),
        [p] => Err(Error::user("UNSUPPORTED_TIME_PRECISION").param("precision", p.to_string())),
        _ => Err(unsupported(&written("time", args))),
    }
}

fn decimal(args: &[i64]) -> Result<SqlType> {
    let (precision, scale) = match args {
        [] => (10, 0),
        [p] => (*p, 0),
        [p, s] => (*p, *s),
        _ => return Err(unsupported(&written("decimal", args))),
    };
    if scale > precision {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1229")
            .param("decimalScale", scale.to_string())
            .param("decimalPrecision", precision.to_string()));
    }
    if precision > MAX_PRECISION {
        return Err(Error::user("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION")
            .param("precision", precision.to_string())
            .param("maxPrecision", MAX_PRECISION.to_string()));
    }
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(p), Ok(s)) => Ok(SqlType::Decimal(p, s)),
        _ => Err(unsupported(&written("decimal", args))),
    }
}

fn sized(name: &str, args: &[i64], make: impl Fn(u32) -> SqlType) -> Result<SqlType> {
    match args {
        [n] if *n > 0 => match u32::try_from(*n) {
            Ok(n) => Ok(make(n)),
            Err(_) => Err(unsupported(&written(name, args))),
        },
        [] => Err(Error::user("DATATYPE_MISSING_SIZE").param("type", format!("\"{}\"", name.to_ascii_uppercase()))),
        _ => Err(unsupported(&written(name, args))),
    }
}
