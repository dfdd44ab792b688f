//! The one mapping between Spark's types and Arrow's.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, IntervalUnit, TimeUnit};

use super::{MAX_DECIMAL64_PRECISION, SqlType, StructField};

impl SqlType {
    /// The Arrow type that vectors of this type hold.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Void => DataType::Null,
            Self::Boolean => DataType::Boolean,
            Self::Byte => DataType::Int8,
            Self::Short => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(p, s) if *p <= MAX_DECIMAL64_PRECISION => DataType::Decimal64(*p, *s),
            Self::Decimal(p, s) => DataType::Decimal128(*p, *s),
            Self::String | Self::Char(_) | Self::Varchar(_) | Self::Collated(..) => DataType::Utf8View,
            Self::Binary => DataType::BinaryView,
            Self::Date => DataType::Date32,
            Self::Time(_) => DataType::Time64(TimeUnit::Nanosecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::YearMonthInterval(..) => DataType::Interval(IntervalUnit::YearMonth),
            Self::DayTimeInterval(..) => DataType::Duration(TimeUnit::Microsecond),
            Self::CalendarInterval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Array(a) => DataType::List(Arc::new(ArrowField::new("item", a.element.arrow(), true))),
            Self::Map(m) => DataType::Map(map_entries(m.key.arrow(), m.value.arrow()), false),
            Self::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|f| ArrowField::new(f.name.as_ref(), f.ty.arrow(), true))
                    .collect::<Fields>(),
            ),
        }
    }

    /// The type that columns of an Arrow type get; `None` for types Spark has no counterpart of.
    pub fn from_arrow(ty: &DataType) -> Option<Self> {
        Some(match ty {
            DataType::Null => Self::Void,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::Byte,
            DataType::Int16 | DataType::UInt8 => Self::Short,
            DataType::Int32 | DataType::UInt16 => Self::Int,
            DataType::Int64 | DataType::UInt32 => Self::Long,
            DataType::UInt64 => Self::Decimal(20, 0),
            DataType::Float16 | DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => Self::Decimal(*p, *s),
            DataType::Decimal256(p, s) if *p <= 38 => Self::Decimal(*p, *s),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Binary
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) => Self::Time(6),
            DataType::Time64(_) => Self::Time(6),
            DataType::Timestamp(_, Some(_)) => Self::Timestamp,
            DataType::Timestamp(_, None) => Self::TimestampNtz,
            DataType::Interval(IntervalUnit::YearMonth) => Self::YEAR_MONTH,
            DataType::Duration(_) => Self::DAY_TIME,
            DataType::Interval(IntervalUnit::MonthDayNano) => Self::CalendarInterval,
            DataType::List(f) | DataType::LargeList(f) | DataType::FixedSizeList(f, _) | DataType::ListView(f) => {
                Self::array_of(Self::from_arrow(f.data_type())?, f.is_nullable())
            }
            DataType::Map(entries, _) => {
                let DataType::Struct(kv) = entries.data_type() else {
                    return None;
                };
                let (key, value) = (kv.first()?, kv.get(1)?);
                Self::map(
                    Self::from_arrow(key.data_type())?,
                    Self::from_arrow(value.data_type())?,
                    value.is_nullable(),
                )
            }
            DataType::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|f| {
                        Some(StructField {
                            name: f.name().as_str().into(),
                            ty: Self::from_arrow(f.data_type())?,
                            nullable: f.is_nullable(),
                        })
                    })
                    .collect::<Option<Arc<[_]>>>()?,
            ),
            DataType::Dictionary(_, value) => Self::from_arrow(value)?,
            _ => return None,
        })
    }
}

/// The entries field of a map of Arrow types.
pub fn map_entries(key: DataType, value: DataType) -> Arc<ArrowField> {
    let kv = Fields::from(vec![
        ArrowField::new("key", key, false),
        ArrowField::new("value", value, true),
    ]);
    Arc::new(ArrowField::new("entries", DataType::Struct(kv), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for t in [
            SqlType::Decimal(15, 2),
            SqlType::Decimal(38, 6),
            SqlType::Timestamp,
            SqlType::map(SqlType::String, SqlType::array(SqlType::Date), true),
            SqlType::structure([("a", SqlType::Int, true)]),
        ] {
            assert_eq!(SqlType::from_arrow(&t.arrow()), Some(t));
        }
    }
}
