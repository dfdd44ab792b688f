//! The values a KLL sketch holds.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datasketches::kll::{KllFloat, KllValue};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;

/// A value type and what SQL calls it.
pub(super) trait Item: KllValue + Ord + Send + 'static {
    /// Type of quantiles.
    type Arrow: ArrowPrimitiveType;
    /// Bytes of a value.
    const WIDTH: usize;
    /// What Java's summary calls the sketch.
    const SKETCH_NAME: &'static str;

    fn from_native(v: <Self::Arrow as ArrowPrimitiveType>::Native) -> Option<Self>;
    fn native(&self) -> <Self::Arrow as ArrowPrimitiveType>::Native;
    /// From [`Self::WIDTH`] little-endian bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
    /// The order in which Java sorts: -0 before 0.
    fn total(&self, other: &Self) -> std::cmp::Ordering;
    /// As Java prints it.
    fn text(&self) -> String;
    /// Columns that an aggregate takes, and their names in messages.
    fn takes(ty: &SqlType) -> bool;
    const TAKES: &'static str;
    /// Calls `f(row, value)` for the rows that have a value; NaN is none.
    fn for_each(array: &ArrayRef, f: impl FnMut(usize, Self) -> Result<()>) -> Result<()>;
}

/// Rows of one column type, converted.
fn rows<A: ArrowPrimitiveType, I>(
    array: &ArrayRef,
    convert: impl Fn(A::Native) -> Option<I>,
    mut f: impl FnMut(usize, I) -> Result<()>,
) -> Result<()> {
    let values = array
        .as_primitive_opt::<A>()
        .ok_or_else(|| Error::internal(format!("{} in a KLL sketch", array.data_type())))?;
    for row in (0..values.len()).filter(|r| values.is_valid(*r)) {
        if let Some(value) = convert(values.value(row)) {
            f(row, value)?;
        }
    }
    Ok(())
}

impl Item for i64 {
    type Arrow = Int64Type;
    const WIDTH: usize = 8;
    const SKETCH_NAME: &'static str = "KllLongsSketch";
    const TAKES: &'static str = "(\"TINYINT\" or \"INT\" or \"BIGINT\" or \"SMALLINT\")";

    fn from_native(v: i64) -> Option<Self> {
        Some(v)
    }

    fn native(&self) -> i64 {
        *self
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(i64::from_le_bytes)
    }

    fn total(&self, other: &Self) -> std::cmp::Ordering {
        self.cmp(other)
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn takes(ty: &SqlType) -> bool {
        ty.is_integral()
    }

    fn for_each(array: &ArrayRef, f: impl FnMut(usize, Self) -> Result<()>) -> Result<()> {
        match array.data_type() {
            DataType::Int8 => rows::<Int8Type, _>(array, |v| Some(v.into()), f),
            DataType::Int16 => rows::<Int16Type, _>(array, |v| Some(v.into()), f),
            DataType::Int32 => rows::<Int32Type, _>(array, |v| Some(v.into()), f),
            _ => rows::<Int64Type, _>(array, Some, f),
        }
    }
}

impl Item for KllFloat<f32> {
    type Arrow = Float32Type;
    const WIDTH: usize = 4;
    const SKETCH_NAME: &'static str = "KllFloatsSketch";
    const TAKES: &'static str = "\"FLOAT\"";

    fn from_native(v: f32) -> Option<Self> {
        Self::new(v).ok()
    }

    fn native(&self) -> f32 {
        self.into_inner()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(f32::from_le_bytes(bytes.try_into().ok()?)).ok()
    }

    fn total(&self, other: &Self) -> std::cmp::Ordering {
        self.into_inner().total_cmp(&other.into_inner())
    }

    fn text(&self) -> String {
        rsql_expr::format::float_string(self.into_inner())
    }

    fn takes(ty: &SqlType) -> bool {
        *ty == SqlType::Float
    }

    fn for_each(array: &ArrayRef, f: impl FnMut(usize, Self) -> Result<()>) -> Result<()> {
        rows::<Float32Type, _>(array, Self::from_native, f)
    }
}

impl Item for KllFloat<f64> {
    type Arrow = Float64Type;
    const WIDTH: usize = 8;
    const SKETCH_NAME: &'static str = "KllDoublesSketch";
    const TAKES: &'static str = "(\"FLOAT\" or \"DOUBLE\")";

    fn from_native(v: f64) -> Option<Self> {
        Self::new(v).ok()
    }

    fn native(&self) -> f64 {
        self.into_inner()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(f64::from_le_bytes(bytes.try_into().ok()?)).ok()
    }

    fn total(&self, other: &Self) -> std::cmp::Ordering {
        self.into_inner().total_cmp(&other.into_inner())
    }

    fn text(&self) -> String {
        rsql_expr::format::float_string(self.into_inner())
    }

    fn takes(ty: &SqlType) -> bool {
        matches!(ty, SqlType::Float | SqlType::Double)
    }

    fn for_each(array: &ArrayRef, f: impl FnMut(usize, Self) -> Result<()>) -> Result<()> {
        match array.data_type() {
            DataType::Float32 => rows::<Float32Type, _>(array, |v| Self::from_native(v.into()), f),
            _ => rows::<Float64Type, _>(array, Self::from_native, f),
        }
    }
}
