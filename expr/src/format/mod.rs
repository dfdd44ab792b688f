//! Values as text: as results print (Hive's way) and as casts to STRING write them.

mod java_float;
mod number;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;
use rsql_common::{Error, Result};

use crate::datetime::interval::{IntervalStyle, push_calendar, push_day_time, push_year_month};
use crate::datetime::{CalendarInterval, Zone, text};
use crate::kernel::decimal::push_plain;
use crate::{EvalOptions, SqlType};

pub use number::{float_string, push_float, push_scientific_decimal};

/// Which of Spark's two notations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// As results print: `HiveResult.toHiveString`.
    Hive,
    /// As casts to STRING write.
    Cast,
}

type Push = Box<dyn Fn(usize, &mut String) + Send + Sync>;

/// Prints the values of one column; built once a column, used for each row.
pub struct ColumnFormatter {
    nulls: Option<arrow::buffer::NullBuffer>,
    null: &'static str,
    push: Push,
}

struct Style<'a> {
    notation: Notation,
    zone: Zone,
    options: &'a EvalOptions,
}

impl ColumnFormatter {
    /// A formatter over a column of the engine's Arrow type.
    pub fn new(array: &ArrayRef, ty: &SqlType, notation: Notation, options: &EvalOptions) -> Result<Self> {
        let style = Style {
            notation,
            zone: Zone::parse(&options.time_zone)?,
            options,
        };
        Self::build(array, ty, &style, false)
    }

    fn build(array: &ArrayRef, ty: &SqlType, style: &Style<'_>, nested: bool) -> Result<Self> {
        Ok(Self {
            nulls: array.logical_nulls().filter(|n| n.null_count() > 0),
            null: if nested { "null" } else { "NULL" },
            push: printer(array, ty, style, nested)?,
        })
    }

    /// Appends the value of a row; `NULL` (`null` inside nested values) for NULL.
    pub fn push(&self, row: usize, out: &mut String) {
        if self.nulls.as_ref().is_some_and(|n| n.is_null(row)) {
            out.push_str(self.null);
        } else {
            (self.push)(row, out);
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    push: impl Fn(T::Native, &mut String) + Send + Sync + 'static,
) -> Result<Push> {
    let values = array
        .as_primitive_opt::<T>()
        .ok_or_else(|| Error::internal(format!("{} is not {}", array.data_type(), T::DATA_TYPE)))?
        .values()
        .clone();
    Ok(Box::new(move |row, out| push(values[row], out)))
}

/// Appends an integer.
fn integer(v: impl std::fmt::Display, out: &mut String) {
    use std::fmt::Write;
    // Writing into a string cannot fail.
    _ = write!(out, "{v}");
}

fn printer(array: &ArrayRef, ty: &SqlType, style: &Style<'_>, nested: bool) -> Result<Push> {
    let zone = style.zone;
    let hive = style.notation == Notation::Hive;
    let intervals = if hive { IntervalStyle::Hive } else { IntervalStyle::Ansi };
    match ty {
        SqlType::Void => Ok(Box::new(move |_, out| {
            out.push_str(if nested { "null" } else { "NULL" })
        })),
        SqlType::Boolean => {
            let a = array.as_boolean().clone();
            Ok(Box::new(move |row, out| {
                out.push_str(if a.value(row) { "true" } else { "false" })
            }))
        }
        SqlType::Byte => primitive::<Int8Type>(array, integer),
        SqlType::Short => primitive::<Int16Type>(array, integer),
        SqlType::Int => primitive::<Int32Type>(array, integer),
        SqlType::Long => primitive::<Int64Type>(array, integer),
        SqlType::Float => primitive::<Float32Type>(array, |v, out| push_float(out, v)),
        SqlType::Double => primitive::<Float64Type>(array, |v, out| push_float(out, v)),
        SqlType::Decimal(_, scale) => {
            let scale = *scale;
            let push = if hive || style.options.ansi {
                push_plain
            } else {
                push_scientific_decimal
            };
            match array.data_type() {
                DataType::Decimal64(..) => {
                    primitive::<Decimal64Type>(array, move |v, out| push(out, i128::from(v), scale))
                }
                _ => primitive::<Decimal128Type>(array, move |v, out| push(out, v, scale)),
            }
        }
        SqlType::String | SqlType::Char(_) | SqlType::Varchar(_) | SqlType::Collated(..) => {
            let a = array.as_string_view().clone();
            let quoted = hive && nested;
            Ok(Box::new(move |row, out| {
                if quoted {
                    out.push('"');
                }
                out.push_str(a.value(row));
                if quoted {
                    out.push('"');
                }
            }))
        }
        SqlType::Binary => {
            let a = array.as_binary_view().clone();
            Ok(Box::new(move |row, out| {
                out.push_str(&String::from_utf8_lossy(a.value(row)))
            }))
        }
        SqlType::Date => primitive::<Date32Type>(array, |v, out| text::push_date(out, v)),
        SqlType::Time(_) => primitive::<Time64NanosecondType>(array, |v, out| text::push_time(out, v)),
        SqlType::Timestamp => {
            primitive::<TimestampMicrosecondType>(array, move |v, out| text::push_timestamp(out, v, &zone))
        }
        SqlType::TimestampNtz => {
            primitive::<TimestampMicrosecondType>(array, |v, out| text::push_timestamp_ntz(out, v))
        }
        SqlType::YearMonthInterval(from, to) => {
            let (from, to) = (*from, *to);
            primitive::<IntervalYearMonthType>(array, move |v, out| push_year_month(out, v, from, to, intervals))
        }
        SqlType::DayTimeInterval(from, to) => {
            let (from, to) = (*from, *to);
            primitive::<DurationMicrosecondType>(array, move |v, out| push_day_time(out, v, from, to, intervals))
        }
        SqlType::CalendarInterval => primitive::<IntervalMonthDayNanoType>(array, |v, out| {
            let v = CalendarInterval {
                months: v.months,
                days: v.days,
                micros: v.nanoseconds / 1000,
            };
            push_calendar(out, v);
        }),
        SqlType::Array(a) => {
            let list = array.as_list::<i32>().clone();
            let items = ColumnFormatter::build(list.values(), &a.element, style, true)?;
            let comma = if hive { "," } else { ", " };
            Ok(Box::new(move |row, out| {
                let offsets = list.value_offsets();
                out.push('[');
                for (i, item) in (offsets[row]..offsets[row + 1]).enumerate() {
                    if i > 0 {
                        out.push_str(comma);
                    }
                    items.push(item as usize, out);
                }
                out.push(']');
            }))
        }
        SqlType::Map(m) => {
            let map = array.as_map().clone();
            let keys = ColumnFormatter::build(map.keys(), &m.key, style, true)?;
            let values = ColumnFormatter::build(map.values(), &m.value, style, true)?;
            Ok(Box::new(move |row, out| {
                let offsets = map.value_offsets();
                let entry = |item: i32, separator: &str, out: &mut String| {
                    keys.push(item as usize, out);
                    out.push_str(separator);
                    values.push(item as usize, out);
                };
                out.push('{');
                let items = offsets[row]..offsets[row + 1];
                if hive {
                    // Results print entries in the order of their text.
                    let mut texts: Vec<String> = items
                        .map(|item| {
                            let mut text = String::new();
                            entry(item, ":", &mut text);
                            text
                        })
                        .collect();
                    texts.sort_unstable();
                    out.push_str(&texts.join(","));
                } else {
                    for (i, item) in items.enumerate() {
                        if i > 0 {
                            out.push_str(", ");
                        }
                        entry(item, " -> ", out);
                    }
                }
                out.push('}');
            }))
        }
        SqlType::Struct(fields) => {
            let s = array.as_struct();
            let columns = fields
                .iter()
                .zip(s.columns())
                .map(|(f, c)| {
                    let label = if hive {
                        format!("\"{}\":", f.name)
                    } else {
                        String::new()
                    };
                    Ok((label, ColumnFormatter::build(c, &f.ty, style, true)?))
                })
                .collect::<Result<Vec<_>>>()?;
            let comma = if hive { "," } else { ", " };
            Ok(Box::new(move |row, out| {
                out.push('{');
                for (i, (label, column)) in columns.iter().enumerate() {
                    if i > 0 {
                        out.push_str(comma);
                    }
                    out.push_str(label);
                    column.push(row, out);
                }
                out.push('}');
            }))
        }
    }
}

/// Prints rows: values separated by tabs.
pub struct RowFormatter {
    columns: Vec<ColumnFormatter>,
}

impl RowFormatter {
    /// A formatter over the columns of a batch.
    pub fn new<'a>(
        columns: impl IntoIterator<Item = (&'a ArrayRef, &'a SqlType)>,
        notation: Notation,
        options: &EvalOptions,
    ) -> Result<Self> {
        let columns = columns
            .into_iter()
            .map(|(array, ty)| ColumnFormatter::new(array, ty, notation, options))
            .collect::<Result<_>>()?;
        Ok(Self { columns })
    }

    /// Appends column `column` of a row.
    pub fn push_value(&self, column: usize, row: usize, out: &mut String) {
        self.columns[column].push(row, out);
    }

    /// Appends a row, values separated by tabs.
    pub fn push_row(&self, row: usize, out: &mut String) {
        for (i, c) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push('\t');
            }
            c.push(row, out);
        }
    }
}

/// One value as results print it.
pub fn hive_string(array: &ArrayRef, row: usize, ty: &SqlType, options: &EvalOptions) -> Result<String> {
    let mut out = String::new();
    ColumnFormatter::new(&array.slice(row, 1), ty, Notation::Hive, options)?.push(0, &mut out);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, scalars_to_array};

    #[test]
    fn both_notations() {
        let s = |v: &str| Scalar::Str(v.into());
        let ints = |v: &[i32]| Scalar::Array(v.iter().map(|i| Scalar::I32(*i)).collect());
        let pair = SqlType::structure([("x", SqlType::String, true), ("y", SqlType::Date, true)]);
        for (v, ty, hive, cast) in [
            (Scalar::Null, SqlType::Int, "NULL", "NULL"),
            (s("a"), SqlType::String, "a", "a"),
            (Scalar::I64(150), SqlType::Decimal(5, 2), "1.50", "1.50"),
            (ints(&[1, 2]), SqlType::array(SqlType::Int), "[1,2]", "[1, 2]"),
            (
                Scalar::Array([s("a"), Scalar::Null].into()),
                SqlType::array(SqlType::String),
                "[\"a\",null]",
                "[a, null]",
            ),
            (
                Scalar::Map([(s("b"), Scalar::I32(1)), (s("a"), Scalar::I32(2))].into()),
                SqlType::map(SqlType::String, SqlType::Int, true),
                "{\"a\":2,\"b\":1}",
                "{b -> 1, a -> 2}",
            ),
            (
                Scalar::Struct([s("a"), Scalar::I32(0)].into()),
                pair,
                "{\"x\":\"a\",\"y\":1970-01-01}",
                "{a, 1970-01-01}",
            ),
            (
                Scalar::I32(14),
                SqlType::YEAR_MONTH,
                "1-2",
                "INTERVAL '1-2' YEAR TO MONTH",
            ),
            (Scalar::F64(1e10), SqlType::Double, "1.0E10", "1.0E10"),
            (Scalar::Bin((*b"AB").into()), SqlType::Binary, "AB", "AB"),
        ] {
            let a = scalars_to_array(&[v], &ty).unwrap();
            for (notation, want) in [(Notation::Hive, hive), (Notation::Cast, cast)] {
                let mut out = String::new();
                let f = ColumnFormatter::new(&a, &ty, notation, &EvalOptions::default()).unwrap();
                f.push(0, &mut out);
                assert_eq!(out, want);
            }
        }
    }
}
