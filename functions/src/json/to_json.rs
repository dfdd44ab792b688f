//! `to_json`: structs, maps and arrays as JSON text.

use rsql_common::Result;
use rsql_expr::function::Signature;
use rsql_expr::{Scalar, ScalarFn, SqlType, scalar_at};

use super::doc;
use super::value::push_quoted;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, TextWriter, bind_writer, only_nested};

/// `to_json(expr[, options])`
pub(super) static TO_JSON: ScalarFn = fallible(
    "to_json",
    &[],
    doc(
        "to_json(expr[, options])",
        "A struct, map or array as JSON text.",
        "SELECT to_json(named_struct('a', 1, 'b', 2))",
    ),
    Signature::bind_with(|args, cx| bind_writer(&args, only_nested, cx), TEXT_TYPE),
    |args| {
        let (array, ty) = (args.array(0)?, args.ty(0));
        let options = Options::of(args, 1);
        let writer = Writer {
            values: TextWriter::new(&options, args.options())?,
            ignore_nulls: options.flag("ignorenullfields", true),
            pretty: options.flag("pretty", false),
            sort_keys: options.flag("sortkeys", false),
        };
        text_rows(args.rows, |row, out| {
            let value = scalar_at(array.as_ref(), row, &ty)?;
            if value.is_null() {
                return Ok(None);
            }
            writer.push(out, &value, &ty, 0)?;
            Ok(Some(()))
        })
    },
);

struct Writer<'a> {
    values: TextWriter<'a>,
    ignore_nulls: bool,
    pretty: bool,
    sort_keys: bool,
}

impl Writer<'_> {
    fn push(&self, out: &mut String, value: &Scalar, ty: &SqlType, depth: usize) -> Result<()> {
        match (value, ty) {
            (Scalar::Null, _) => out.push_str("null"),
            (Scalar::Struct(values), SqlType::Struct(fields)) => {
                let mut members: Vec<(String, &Scalar, &SqlType)> = fields
                    .iter()
                    .zip(values.iter())
                    .filter(|(_, v)| !(self.ignore_nulls && v.is_null()))
                    .map(|(f, v)| (f.name.to_string(), v, &f.ty))
                    .collect();
                self.object(out, &mut members, depth)?;
            }
            (Scalar::Map(entries), SqlType::Map(m)) => {
                let mut members = Vec::with_capacity(entries.len());
                for (k, v) in entries.iter() {
                    members.push((self.key(k, &m.key)?, v, &m.value));
                }
                self.object(out, &mut members, depth)?;
            }
            (Scalar::Array(items), SqlType::Array(a)) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                        if self.pretty {
                            out.push(' ');
                        }
                    } else if self.pretty {
                        out.push(' ');
                    }
                    self.push(out, item, &a.element, depth)?;
                }
                out.push_str(if self.pretty { " ]" } else { "]" });
            }
            (Scalar::F32(v), _) if !v.is_finite() => self.quoted(out, value, ty)?,
            (Scalar::F64(v), _) if !v.is_finite() => self.quoted(out, value, ty)?,
            (_, t) if t.is_numeric() || *t == SqlType::Boolean => self.values.push(out, value, ty)?,
            _ => self.quoted(out, value, ty)?,
        }
        Ok(())
    }

    fn quoted(&self, out: &mut String, value: &Scalar, ty: &SqlType) -> Result<()> {
        let mut text = String::new();
        self.values.push(&mut text, value, ty)?;
        push_quoted(out, &text);
        Ok(())
    }

    fn object(&self, out: &mut String, members: &mut [(String, &Scalar, &SqlType)], depth: usize) -> Result<()> {
        if self.sort_keys {
            members.sort_by(|a, b| a.0.cmp(&b.0));
        }
        out.push('{');
        for (i, (name, value, ty)) in members.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            if self.pretty {
                out.push('\n');
                out.extend(std::iter::repeat_n("  ", depth + 1));
            }
            push_quoted(out, name);
            out.push_str(if self.pretty { " : " } else { ":" });
            self.push(out, value, ty, depth + 1)?;
        }
        if self.pretty {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
        out.push('}');
        Ok(())
    }

    /// A map's key as a member name; structs in brackets.
    fn key(&self, key: &Scalar, ty: &SqlType) -> Result<String> {
        let mut name = String::new();
        match (key, ty) {
            (Scalar::Struct(values), SqlType::Struct(fields)) => {
                name.push('[');
                for (i, (v, f)) in values.iter().zip(fields.iter()).enumerate() {
                    if i > 0 {
                        name.push(',');
                    }
                    name.push_str(&self.key(v, &f.ty)?);
                }
                name.push(']');
            }
            (Scalar::Null, _) => name.push_str("null"),
            // Spark writes these keys as it stores them.
            (Scalar::I32(v), SqlType::Date | SqlType::YearMonthInterval(..)) => name.push_str(&v.to_string()),
            (
                Scalar::I64(v),
                SqlType::Timestamp | SqlType::TimestampNtz | SqlType::Time(_) | SqlType::DayTimeInterval(..),
            ) => name.push_str(&v.to_string()),
            _ => self.values.push_cast(&mut name, key, ty)?,
        }
        Ok(name)
    }
}
