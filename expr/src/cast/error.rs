//! What casts raise.

use arrow::array::{Array, ArrayRef};
use rsql_common::{Error, Result};

use super::CastCx;
use crate::format::{ColumnFormatter, Notation};
use crate::kernel::decimal::to_plain;
use crate::{EvalOptions, SqlType};

const ANSI: &str = "\"spark.sql.ansi.enabled\"";

impl CastCx<'_> {
    /// Text that is no value of the target type.
    pub fn invalid_text(&self, text: &str) -> Error {
        self.invalid(&format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")))
    }

    /// A value (as SQL) that is no value of the target type.
    pub fn invalid(&self, value: &str) -> Error {
        Error::user("CAST_INVALID_INPUT")
            .param("expression", value)
            .param("sourceType", self.from.quoted())
            .param("targetType", self.to.quoted())
            .param("ansiConfig", ANSI)
            .at(self.origin.0)
    }

    /// The value of a row is beyond the target type.
    pub fn overflow(&self, array: &ArrayRef, row: usize) -> Error {
        let value = sql_value(array, row, self.from, self.options).unwrap_or_default();
        Error::user("CAST_OVERFLOW")
            .param("value", value)
            .param("sourceType", self.from.quoted())
            .param("targetType", self.to.quoted())
            .param("ansiConfig", ANSI)
            .at(self.origin.0)
    }

    /// A number does not fit the target decimal.
    pub fn out_of_range(&self, value: String) -> Error {
        let (p, s) = match self.to {
            SqlType::Decimal(p, s) => (*p, *s),
            _ => (38, 0),
        };
        Error::user("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION")
            .param("value", value)
            .param("precision", p.to_string())
            .param("scale", s.to_string())
            .param("config", ANSI)
            .at(self.origin.0)
    }

    /// Same, for a decimal.
    pub fn decimal_out_of_range(&self, unscaled: i128, scale: i8) -> Error {
        self.out_of_range(to_plain(unscaled, scale))
    }
}

/// A value as the literal that stands for it: `99L`, `1.5D`, `TIMESTAMP '…'`.
fn sql_value(array: &ArrayRef, row: usize, ty: &SqlType, options: &EvalOptions) -> Result<String> {
    if array.is_null(row) {
        return Ok("NULL".into());
    }
    let mut out = String::new();
    ColumnFormatter::new(&array.slice(row, 1), ty, Notation::Cast, options)?.push(0, &mut out);
    let special = matches!(out.as_str(), "NaN" | "Infinity" | "-Infinity");
    Ok(match ty {
        SqlType::Byte => format!("{out}Y"),
        SqlType::Short => format!("{out}S"),
        SqlType::Long => format!("{out}L"),
        SqlType::Double if !special => format!("{out}D"),
        SqlType::Decimal(..) => format!("{out}BD"),
        SqlType::Timestamp => format!("TIMESTAMP '{out}'"),
        SqlType::TimestampNtz => format!("TIMESTAMP_NTZ '{out}'"),
        SqlType::Date => format!("DATE '{out}'"),
        SqlType::Time(_) => format!("TIME '{out}'"),
        _ => out,
    })
}
