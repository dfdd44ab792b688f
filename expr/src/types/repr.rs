//! How values lie in memory.

use super::{MAX_DECIMAL64_PRECISION, SqlType};

/// Representation of a column's values; hot kernels are generic over this and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Repr {
    Null,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    /// 16-byte string views.
    Str,
    /// 16-byte binary views.
    Bin,
    /// Months, days, nanoseconds.
    Interval,
    /// List, map or struct, as Arrow lays them out.
    Nested,
}

impl SqlType {
    /// Representation of this type's values.
    pub fn repr(&self) -> Repr {
        match self {
            Self::Void => Repr::Null,
            Self::Boolean => Repr::Bool,
            Self::Byte => Repr::I8,
            Self::Short => Repr::I16,
            Self::Int | Self::Date | Self::YearMonthInterval(..) => Repr::I32,
            Self::Long | Self::Time(_) | Self::Timestamp | Self::TimestampNtz | Self::DayTimeInterval(..) => Repr::I64,
            Self::Decimal(p, _) if *p <= MAX_DECIMAL64_PRECISION => Repr::I64,
            Self::Decimal(..) => Repr::I128,
            Self::Float => Repr::F32,
            Self::Double => Repr::F64,
            Self::String | Self::Char(_) | Self::Varchar(_) | Self::Collated(..) => Repr::Str,
            Self::Binary => Repr::Bin,
            Self::CalendarInterval => Repr::Interval,
            Self::Array(_) | Self::Map(_) | Self::Struct(_) => Repr::Nested,
        }
    }
}
