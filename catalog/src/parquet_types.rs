//! Columns of a Parquet file in Spark's types.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::Type;
use rsql_common::{Error, Result};
use rsql_expr::SqlType;

use crate::SourceColumn;
use crate::collation_notes::noted_collations;

/// Key under which Spark keeps its own schema in a footer.
pub const SPARK_SCHEMA_KEY: &str = "org.apache.spark.sql.parquet.row.metadata";

/// The columns of a file. All are nullable, as Spark reads them.
pub fn parquet_columns(footer: &ParquetMetaData) -> Result<Vec<SourceColumn>> {
    let fields = spark_fields(footer);
    let spark = spark_types(&fields);
    let root = footer.file_metadata().schema_descr().root_schema();
    root.get_fields()
        .iter()
        .map(|field| {
            let ty = field_type(field)?;
            let spark = spark.iter().find(|(name, _)| name == field.name());
            // What the file holds decides; Spark's own note only refines what Parquet has no type for.
            let refined = spark.map_or_else(|| ty.clone(), |(_, noted)| refine(&ty, noted));
            let noted = fields.iter().find(|j| j["name"].as_str() == Some(field.name()));
            Ok(SourceColumn {
                name: field.name().into(),
                ty: match noted {
                    Some(noted) => noted_collations(refined, noted),
                    None => refined,
                },
                nullable: true,
            })
        })
        .collect()
}

fn field_type(ty: &Type) -> Result<SqlType> {
    let info = ty.get_basic_info();
    let repeated = info.has_repetition() && info.repetition() == Repetition::REPEATED;
    let inner = if ty.is_primitive() {
        primitive_type(ty)?
    } else {
        group_type(ty)?
    };
    Ok(if repeated {
        SqlType::array_of(inner, false)
    } else {
        inner
    })
}

fn nullable(ty: &Type) -> bool {
    let info = ty.get_basic_info();
    !(info.has_repetition() && info.repetition() == Repetition::REQUIRED)
}

fn group_type(ty: &Type) -> Result<SqlType> {
    let info = ty.get_basic_info();
    let converted = info.converted_type();
    let logical = info.logical_type_ref();
    let fields = ty.get_fields();
    let is_list = matches!(logical, Some(LogicalType::List)) || converted == ConvertedType::LIST;
    let is_map = matches!(logical, Some(LogicalType::Map))
        || matches!(converted, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE);
    if is_list && fields.len() == 1 {
        let repeated = &fields[0];
        if is_element(ty, repeated) {
            let element = if repeated.is_primitive() {
                primitive_type(repeated)?
            } else {
                group_type(repeated)?
            };
            return Ok(SqlType::array_of(element, false));
        }
        let element = &repeated.get_fields()[0];
        return Ok(SqlType::array_of(field_type(element)?, nullable(element)));
    }
    if is_map && fields.len() == 1 && fields[0].is_group() && fields[0].get_fields().len() == 2 {
        let kv = fields[0].get_fields();
        return Ok(SqlType::map(field_type(&kv[0])?, field_type(&kv[1])?, nullable(&kv[1])));
    }
    let fields = fields
        .iter()
        .map(|f| Ok((f.name().to_string(), field_type(f)?, nullable(f))))
        .collect::<Result<Vec<_>>>()?;
    Ok(SqlType::structure(fields))
}

/// Whether the repeated field of a list is its element: writers before the three-level form repeated the element itself.
pub fn is_element(list: &Type, repeated: &Type) -> bool {
    repeated.is_primitive()
        || repeated.get_fields().len() != 1
        || repeated.name() == "array"
        || repeated.name() == format!("{}_tuple", list.name())
}

/// The type of a primitive field.
pub(crate) fn primitive_type(ty: &Type) -> Result<SqlType> {
    let Type::PrimitiveType {
        basic_info,
        physical_type,
        precision,
        scale,
        ..
    } = ty
    else {
        return Err(Error::internal("a group is no primitive type"));
    };
    let logical = basic_info.logical_type_ref();
    let converted = basic_info.converted_type();
    let decimal = || {
        let (p, s) = match logical {
            Some(LogicalType::Decimal(d)) => (d.precision, d.scale),
            _ => (*precision, *scale),
        };
        match (u8::try_from(p), i8::try_from(s)) {
            (Ok(p @ 1..=38), Ok(s)) if s >= 0 && s as u8 <= p => Ok(SqlType::Decimal(p, s)),
            _ => Err(unsupported(ty)),
        }
    };
    let is_decimal = matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
    Ok(match physical_type {
        Physical::BOOLEAN => SqlType::Boolean,
        Physical::FLOAT => SqlType::Float,
        Physical::DOUBLE => SqlType::Double,
        Physical::INT96 => SqlType::Timestamp,
        Physical::INT32 | Physical::INT64 if is_decimal => decimal()?,
        Physical::INT32 => match (logical, converted) {
            (Some(LogicalType::Integer(i)), _) => match (i.bit_width, i.is_signed) {
                (8, true) => SqlType::Byte,
                (16, true) | (8, false) => SqlType::Short,
                (32, false) => SqlType::Long,
                _ => SqlType::Int,
            },
            (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => SqlType::Date,
            (Some(LogicalType::Time(_)), _) | (_, ConvertedType::TIME_MILLIS) => SqlType::Time(6),
            (_, ConvertedType::INT_8) => SqlType::Byte,
            (_, ConvertedType::INT_16 | ConvertedType::UINT_8) => SqlType::Short,
            (_, ConvertedType::UINT_32) => SqlType::Long,
            _ => SqlType::Int,
        },
        Physical::INT64 => match (logical, converted) {
            (Some(LogicalType::Timestamp(t)), _) => {
                if t.is_adjusted_to_u_t_c {
                    SqlType::Timestamp
                } else {
                    SqlType::TimestampNtz
                }
            }
            (_, ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS) => SqlType::Timestamp,
            (Some(LogicalType::Time(_)), _) | (_, ConvertedType::TIME_MICROS) => SqlType::Time(6),
            (Some(LogicalType::Integer(i)), _) if !i.is_signed => SqlType::Decimal(20, 0),
            (_, ConvertedType::UINT_64) => SqlType::Decimal(20, 0),
            _ => SqlType::Long,
        },
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY if is_decimal => decimal()?,
        Physical::BYTE_ARRAY => match (logical, converted) {
            (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _)
            | (_, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON) => SqlType::String,
            _ => SqlType::Binary,
        },
        Physical::FIXED_LEN_BYTE_ARRAY => SqlType::Binary,
    })
}

fn unsupported(ty: &Type) -> Error {
    Error::user("PARQUET_TYPE_ILLEGAL").param("parquetType", format!("{ty:?}"))
}

/// Unit of a column's integers, if it is a timestamp or a time: ticks a second.
pub fn ticks_per_second(ty: &Type) -> Option<i64> {
    let unit = |u: &TimeUnit| match u {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let info = ty.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Timestamp(t)), _) => Some(unit(&t.unit)),
        (Some(LogicalType::Time(t)), _) => Some(unit(&t.unit)),
        (_, ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIME_MILLIS) => Some(1_000),
        (_, ConvertedType::TIMESTAMP_MICROS | ConvertedType::TIME_MICROS) => Some(1_000_000),
        _ => None,
    }
}

/// Top-level fields of the schema that Spark noted in the footer.
fn spark_fields(footer: &ParquetMetaData) -> Vec<serde_json::Value> {
    let Some(pairs) = footer.file_metadata().key_value_metadata() else {
        return Vec::new();
    };
    let Some(json) = pairs
        .iter()
        .find(|p| p.key == SPARK_SCHEMA_KEY)
        .and_then(|p| p.value.as_deref())
    else {
        return Vec::new();
    };
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(json) else {
        return Vec::new();
    };
    match json["fields"].take() {
        serde_json::Value::Array(fields) => fields,
        _ => Vec::new(),
    }
}

/// Types of top-level columns that Spark noted, as far as they have no Parquet counterpart.
fn spark_types(fields: &[serde_json::Value]) -> Vec<(String, SqlType)> {
    let mut out = Vec::new();
    for field in fields {
        let noted = field["metadata"]["__CHAR_VARCHAR_TYPE_STRING"]
            .as_str()
            .or(field["type"].as_str());
        if let (Some(name), Some(ty)) = (field["name"].as_str(), noted.and_then(noted_type)) {
            out.push((name.to_string(), ty));
        }
    }
    out
}

fn noted_type(text: &str) -> Option<SqlType> {
    use rsql_expr::types::{DayTimeField as D, YearMonthField as Y};
    let length = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')')?.trim().parse().ok();
    if let Some(n) = length("char(") {
        return Some(SqlType::Char(n));
    }
    if let Some(n) = length("varchar(") {
        return Some(SqlType::Varchar(n));
    }
    if let Some(n) = length("time(") {
        return Some(SqlType::Time(u8::try_from(n).ok()?));
    }
    let day = |t: &str| {
        Some(match t {
            "day" => D::Day,
            "hour" => D::Hour,
            "minute" => D::Minute,
            "second" => D::Second,
            _ => return None,
        })
    };
    let fields = text.strip_prefix("interval ")?;
    let (from, to) = fields.split_once(" to ").unwrap_or((fields, fields));
    Some(match (from, to) {
        ("year", "year") => SqlType::YearMonthInterval(Y::Year, Y::Year),
        ("year", "month") => SqlType::YearMonthInterval(Y::Year, Y::Month),
        ("month", "month") => SqlType::YearMonthInterval(Y::Month, Y::Month),
        (from, to) => SqlType::DayTimeInterval(day(from)?, day(to)?),
    })
}

fn refine(stored: &SqlType, noted: &SqlType) -> SqlType {
    let fits = matches!(
        (stored, noted),
        (SqlType::String, SqlType::Char(_) | SqlType::Varchar(_))
            | (SqlType::Int, SqlType::YearMonthInterval(..))
            | (SqlType::Long, SqlType::DayTimeInterval(..))
            | (SqlType::Time(_), SqlType::Time(_))
    );
    if fits { noted.clone() } else { stored.clone() }
}
