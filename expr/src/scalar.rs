//! Single values: literals of plans, statistics, constants.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::SqlType;

/// A value by its representation (see [`crate::types::Repr`]); its [`SqlType`] stands beside it in a [`Literal`].
///
/// Small decimals, dates, timestamps, TIME and ANSI intervals are integers here, as in vectors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Scalar {
    Null,
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    F32(f32),
    F64(f64),
    Str(Arc<str>),
    Bin(Arc<[u8]>),
    /// Months, days, microseconds.
    Interval(i32, i32, i64),
    Array(Arc<[Scalar]>),
    Map(Arc<[(Scalar, Scalar)]>),
    Struct(Arc<[Scalar]>),
}

/// A typed constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Literal {
    /// Value.
    pub value: Scalar,
    /// Type.
    pub ty: SqlType,
}

/// Floats compare by bits, so that plans with NaN are equal to themselves.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        use Scalar::*;
        match (self, other) {
            (Null, Null) => true,
            (Bool(a), Bool(b)) => a == b,
            (I8(a), I8(b)) => a == b,
            (I16(a), I16(b)) => a == b,
            (I32(a), I32(b)) => a == b,
            (I64(a), I64(b)) => a == b,
            (I128(a), I128(b)) => a == b,
            (F32(a), F32(b)) => a.to_bits() == b.to_bits(),
            (F64(a), F64(b)) => a.to_bits() == b.to_bits(),
            (Str(a), Str(b)) => a == b,
            (Bin(a), Bin(b)) => a == b,
            (Interval(a, b, c), Interval(x, y, z)) => (a, b, c) == (x, y, z),
            (Array(a), Array(b)) | (Struct(a), Struct(b)) => a == b,
            (Map(a), Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, h: &mut H) {
        std::mem::discriminant(self).hash(h);
        match self {
            Scalar::Null => {}
            Scalar::Bool(v) => v.hash(h),
            Scalar::I8(v) => v.hash(h),
            Scalar::I16(v) => v.hash(h),
            Scalar::I32(v) => v.hash(h),
            Scalar::I64(v) => v.hash(h),
            Scalar::I128(v) => v.hash(h),
            Scalar::F32(v) => v.to_bits().hash(h),
            Scalar::F64(v) => v.to_bits().hash(h),
            Scalar::Str(v) => v.hash(h),
            Scalar::Bin(v) => v.hash(h),
            Scalar::Interval(a, b, c) => (a, b, c).hash(h),
            Scalar::Array(v) | Scalar::Struct(v) => v.hash(h),
            Scalar::Map(v) => v.hash(h),
        }
    }
}

impl Scalar {
    /// True for NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Scalar::Null)
    }

    /// Any integer representation, widened.
    pub fn as_i128(&self) -> Option<i128> {
        Some(match self {
            Scalar::I8(v) => i128::from(*v),
            Scalar::I16(v) => i128::from(*v),
            Scalar::I32(v) => i128::from(*v),
            Scalar::I64(v) => i128::from(*v),
            Scalar::I128(v) => *v,
            _ => return None,
        })
    }

    /// Any integer representation that fits 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_i128().and_then(|v| i64::try_from(v).ok())
    }

    /// Text.
    pub fn as_str(&self) -> Option<&str> {
        if let Scalar::Str(s) = self { Some(s) } else { None }
    }

    /// Truth value.
    pub fn as_bool(&self) -> Option<bool> {
        if let Scalar::Bool(b) = self { Some(*b) } else { None }
    }
}

impl Literal {
    /// A constant of a type.
    pub fn new(value: Scalar, ty: SqlType) -> Self {
        Self { value, ty }
    }

    /// NULL of a type.
    pub fn null(ty: SqlType) -> Self {
        Self {
            value: Scalar::Null,
            ty,
        }
    }

    /// BOOLEAN constant.
    pub fn bool(v: bool) -> Self {
        Self::new(Scalar::Bool(v), SqlType::Boolean)
    }

    /// INT constant.
    pub fn int(v: i32) -> Self {
        Self::new(Scalar::I32(v), SqlType::Int)
    }

    /// BIGINT constant.
    pub fn long(v: i64) -> Self {
        Self::new(Scalar::I64(v), SqlType::Long)
    }

    /// DOUBLE constant.
    pub fn double(v: f64) -> Self {
        Self::new(Scalar::F64(v), SqlType::Double)
    }

    /// STRING constant.
    pub fn string(v: impl Into<Arc<str>>) -> Self {
        Self::new(Scalar::Str(v.into()), SqlType::String)
    }

    /// DECIMAL constant from its unscaled value.
    pub fn decimal(unscaled: i128, precision: u8, scale: i8) -> Self {
        let value = match i64::try_from(unscaled) {
            Ok(v) if precision <= crate::types::MAX_DECIMAL64_PRECISION => Scalar::I64(v),
            _ => Scalar::I128(unscaled),
        };
        Self::new(value, SqlType::Decimal(precision, scale))
    }
}
