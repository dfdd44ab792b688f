//! Spark's types: what plans, schemas and coercion speak of.

mod arrow;
mod collation;
mod equality;
mod name;
mod repr;
mod schema;
mod widening;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use arrow::map_entries;
pub use collation::{Collation, ICU_VERSION, InvalidCollation};
pub use repr::Repr;
pub use schema::{Field, Schema};
pub use widening::is_widening;

/// Most digits a decimal can have.
pub const MAX_DECIMAL_PRECISION: u8 = 38;
/// Most digits that fit an `i64`, the representation of small decimals.
pub const MAX_DECIMAL64_PRECISION: u8 = 18;

/// A type of Spark SQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum SqlType {
    /// Type of a bare NULL.
    Void,
    /// BOOLEAN
    Boolean,
    /// TINYINT
    Byte,
    /// SMALLINT
    Short,
    /// INT
    Int,
    /// BIGINT
    Long,
    /// FLOAT
    Float,
    /// DOUBLE
    Double,
    /// DECIMAL(precision, scale)
    Decimal(u8, i8),
    /// STRING, compared by bytes
    String,
    /// STRING, CHAR or VARCHAR with a collation that was written. With `UTF8_BINARY` it equals the type without
    /// collation and only prints differently.
    Collated(Collation, Length),
    /// CHAR(n): padded when stored
    Char(u32),
    /// VARCHAR(n): length-checked when stored
    Varchar(u32),
    /// BINARY
    Binary,
    /// DATE: days since 1970-01-01
    Date,
    /// TIME(precision): nanoseconds since midnight
    Time(u8),
    /// TIMESTAMP: microseconds since the epoch, shown in the session's zone
    Timestamp,
    /// TIMESTAMP_NTZ: microseconds of a wall clock
    TimestampNtz,
    /// INTERVAL YEAR TO MONTH with its fields: months
    YearMonthInterval(YearMonthField, YearMonthField),
    /// INTERVAL DAY TO SECOND with its fields: microseconds
    DayTimeInterval(DayTimeField, DayTimeField),
    /// INTERVAL: the legacy months, days, microseconds triple
    CalendarInterval,
    /// `ARRAY<element>`
    Array(Arc<ArrayType>),
    /// `MAP<key, value>`
    Map(Arc<MapType>),
    /// `STRUCT<fields>`
    Struct(Arc<[StructField]>),
}

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Length {
    /// STRING: any length
    Any,
    /// CHAR(n): padded when stored
    Char(u32),
    /// VARCHAR(n): length-checked when stored
    Varchar(u32),
}

/// Element of an array.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArrayType {
    /// Element type.
    pub element: SqlType,
    /// Elements may be NULL.
    pub contains_null: bool,
}

/// Key and value of a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MapType {
    /// Key type; keys are never NULL.
    pub key: SqlType,
    /// Value type.
    pub value: SqlType,
    /// Values may be NULL.
    pub value_contains_null: bool,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StructField {
    /// Field name, in the user's case.
    pub name: Arc<str>,
    /// Field type.
    pub ty: SqlType,
    /// The field may be NULL.
    pub nullable: bool,
}

/// Fields of year-month intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum YearMonthField {
    Year,
    Month,
}

/// Fields of day-time intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DayTimeField {
    Day,
    Hour,
    Minute,
    Second,
}

impl SqlType {
    /// INTERVAL YEAR TO MONTH.
    pub const YEAR_MONTH: SqlType = SqlType::YearMonthInterval(YearMonthField::Year, YearMonthField::Month);
    /// INTERVAL DAY TO SECOND.
    pub const DAY_TIME: SqlType = SqlType::DayTimeInterval(DayTimeField::Day, DayTimeField::Second);

    /// ARRAY of nullable elements.
    pub fn array(element: SqlType) -> Self {
        Self::array_of(element, true)
    }

    /// ARRAY.
    pub fn array_of(element: SqlType, contains_null: bool) -> Self {
        Self::Array(Arc::new(ArrayType { element, contains_null }))
    }

    /// MAP.
    pub fn map(key: SqlType, value: SqlType, value_contains_null: bool) -> Self {
        Self::Map(Arc::new(MapType {
            key,
            value,
            value_contains_null,
        }))
    }

    /// STRUCT of name, type and nullability.
    pub fn structure(fields: impl IntoIterator<Item = (impl Into<Arc<str>>, SqlType, bool)>) -> Self {
        Self::Struct(
            fields
                .into_iter()
                .map(|(name, ty, nullable)| StructField {
                    name: name.into(),
                    ty,
                    nullable,
                })
                .collect(),
        )
    }

    /// TINYINT, SMALLINT, INT, BIGINT.
    pub fn is_integral(&self) -> bool {
        matches!(self, Self::Byte | Self::Short | Self::Int | Self::Long)
    }

    /// Integral, decimal or floating.
    pub fn is_numeric(&self) -> bool {
        self.is_integral() || self.is_decimal() || self.is_floating()
    }

    /// FLOAT, DOUBLE.
    pub fn is_floating(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    /// DECIMAL.
    pub fn is_decimal(&self) -> bool {
        matches!(self, Self::Decimal(..))
    }

    /// STRING, CHAR, VARCHAR, of any collation.
    pub fn is_string(&self) -> bool {
        matches!(
            self,
            Self::String | Self::Char(_) | Self::Varchar(_) | Self::Collated(..)
        )
    }

    /// STRING with a collation.
    pub fn collated(collation: Collation) -> Self {
        Self::Collated(collation, Length::Any)
    }

    /// Collation of a text, written or not.
    pub fn collation(&self) -> Option<Collation> {
        match self {
            Self::Collated(collation, _) => Some(*collation),
            t if t.is_string() => Some(Collation::UTF8_BINARY),
            _ => None,
        }
    }

    /// Length of a text.
    pub fn length(&self) -> Option<Length> {
        Some(match self {
            Self::String => Length::Any,
            Self::Char(n) => Length::Char(*n),
            Self::Varchar(n) => Length::Varchar(*n),
            Self::Collated(_, length) => *length,
            _ => return None,
        })
    }

    /// CHAR, VARCHAR.
    pub fn is_sized_text(&self) -> bool {
        !matches!(self.length(), None | Some(Length::Any))
    }

    /// STRING in place of CHAR and VARCHAR; the collation stays.
    #[must_use]
    pub fn without_length(&self) -> Self {
        match self {
            Self::Char(_) | Self::Varchar(_) => Self::String,
            Self::Collated(collation, _) => Self::collated(*collation),
            other => other.clone(),
        }
    }

    /// This text type with a collation of its own.
    #[must_use]
    pub fn with_collation(&self, collation: Collation) -> Self {
        self.length()
            .map_or_else(|| self.clone(), |length| Self::Collated(collation, length))
    }

    /// The same type with each text type in it, at any depth, replaced.
    #[must_use]
    pub fn map_texts(&self, f: &impl Fn(&SqlType) -> SqlType) -> Self {
        match self {
            Self::Array(a) => Self::array_of(a.element.map_texts(f), a.contains_null),
            Self::Map(m) => Self::map(m.key.map_texts(f), m.value.map_texts(f), m.value_contains_null),
            Self::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|field| StructField {
                        name: field.name.clone(),
                        ty: field.ty.map_texts(f),
                        nullable: field.nullable,
                    })
                    .collect(),
            ),
            t if t.is_string() => f(t),
            other => other.clone(),
        }
    }

    /// A text type for which `f` holds is in this type.
    pub fn any_text(&self, f: &impl Fn(&SqlType) -> bool) -> bool {
        match self {
            Self::Array(a) => a.element.any_text(f),
            Self::Map(m) => m.key.any_text(f) || m.value.any_text(f),
            Self::Struct(fields) => fields.iter().any(|field| field.ty.any_text(f)),
            t => t.is_string() && f(t),
        }
    }

    /// Texts that do not compare by bytes are in this type.
    pub fn has_collation(&self) -> bool {
        self.any_text(&|t| t.collation().is_some_and(|c| !c.is_binary()))
    }

    /// Texts of which nobody knows the collation are in this type.
    pub fn is_indeterminate(&self) -> bool {
        self.any_text(&|t| t.collation().is_some_and(Collation::is_indeterminate))
    }

    /// TIMESTAMP, TIMESTAMP_NTZ.
    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp | Self::TimestampNtz)
    }

    /// DATE and both timestamps.
    pub fn is_datetime(&self) -> bool {
        matches!(self, Self::Date) || self.is_timestamp()
    }

    /// Both ANSI interval families.
    pub fn is_ansi_interval(&self) -> bool {
        matches!(self, Self::YearMonthInterval(..) | Self::DayTimeInterval(..))
    }

    /// Any interval: both ANSI families and the legacy one.
    pub fn is_interval(&self) -> bool {
        self.is_ansi_interval() || *self == Self::CalendarInterval
    }

    /// A map is in this type.
    pub fn holds_map(&self) -> bool {
        match self {
            Self::Map(_) => true,
            Self::Array(a) => a.element.holds_map(),
            Self::Struct(fields) => fields.iter().any(|f| f.ty.holds_map()),
            _ => false,
        }
    }

    /// ARRAY, MAP, STRUCT.
    pub fn is_nested(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(_) | Self::Struct(_))
    }

    /// Not nested.
    pub fn is_atomic(&self) -> bool {
        !self.is_nested() && *self != Self::Void
    }

    /// Values can be sorted and compared with `<` (maps and legacy intervals cannot, nor what holds them).
    pub fn is_orderable(&self) -> bool {
        match self {
            Self::Map(_) | Self::CalendarInterval => false,
            Self::Array(a) => a.element.is_orderable(),
            Self::Struct(fields) => fields.iter().all(|f| f.ty.is_orderable()),
            _ => true,
        }
    }

    /// The decimal that holds every value of an integral type: `DECIMAL(10, 0)` for INT.
    pub fn integral_as_decimal(&self) -> Option<(u8, i8)> {
        Some(match self {
            Self::Byte => (3, 0),
            Self::Short => (5, 0),
            Self::Int => (10, 0),
            Self::Long => (20, 0),
            _ => return None,
        })
    }

    /// Equal but for the nullability of elements, values and fields (and their names' case).
    pub fn same_type(&self, other: &SqlType) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => a.element.same_type(&b.element),
            (Self::Map(a), Self::Map(b)) => a.key.same_type(&b.key) && a.value.same_type(&b.value),
            (Self::Struct(a), Self::Struct(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b.iter())
                        .all(|(x, y)| x.name.eq_ignore_ascii_case(&y.name) && x.ty.same_type(&y.ty))
            }
            _ => self == other,
        }
    }
}
