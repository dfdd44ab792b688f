//! `from_json`: JSON text as a value of a schema.
//!
//! A member that does not fit its type is NULL; a text that is broken as a whole is NULL, or a struct of NULLs.

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Scalar, ScalarFn, SqlType, scalars_to_array};

use super::doc;
use super::parser::{Syntax, parse};
use super::value::{Json, push_number};
use crate::kernel::{StrCol, fallible};
use crate::record::{Options, READER_TYPE, TextReader, bind_reader, corrupt_field, keep_text, malformed, only_json};

/// `from_json(json, schema[, options])`
pub(super) static FROM_JSON: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..fallible(
        "from_json",
        &[],
        doc(
            "from_json(json, schema[, options])",
            "A JSON text as a value of the schema.",
            "SELECT from_json('{\"a\":1, \"b\":0.8}', 'a INT, b DOUBLE')",
        ),
        Signature::bind_with(|args, cx| bind_reader(&args, only_json, cx), READER_TYPE),
        from_json,
    )
};

fn from_json(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let texts = StrCol::of(args, 0)?;
    let options = Options::of(args, 2);
    let reader = Reader {
        values: TextReader::new(&options, args.options())?,
        syntax: Syntax::of(&options),
        non_numeric: options.flag("allownonnumericnumbers", true),
        corrupt: corrupt_field(&options).to_string(),
        primitives_as_text: options.flag("primitivesasstring", false),
    };
    let ty = &args.call.ty;
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        rows.push(match texts.get(row) {
            None => Scalar::Null,
            Some(text) if text.trim().is_empty() => Scalar::Null,
            Some(text) => {
                let (value, whole) = reader.record(text, ty);
                if !whole && options.fail_fast() {
                    return Err(malformed(args, text));
                }
                value
            }
        });
    }
    scalars_to_array(&rows, ty)
}

/// Texts that stand for a float that is no number.
const SPECIAL_TEXTS: [&str; 6] = ["NaN", "Infinity", "+Infinity", "-Infinity", "+INF", "-INF"];

struct Reader<'a> {
    values: TextReader<'a>,
    syntax: Syntax,
    /// Floats may be the texts of what is no number.
    non_numeric: bool,
    /// Field that gets the text of a broken record.
    corrupt: String,
    primitives_as_text: bool,
}

impl Reader<'_> {
    /// The record's value, and whether all of it fitted.
    fn record(&self, text: &str, ty: &SqlType) -> (Scalar, bool) {
        let json = parse(text, &self.syntax);
        let mut whole = true;
        let value = match (&json, ty) {
            (Some(Json::Null), SqlType::Struct(fields)) => Some(vec![Scalar::Null; fields.len()].into_struct()),
            (Some(Json::Null), _) => Some(Scalar::Null),
            (Some(Json::Object(_)), SqlType::Struct(_) | SqlType::Map(_))
            | (Some(Json::Array(_)), SqlType::Array(_)) => json.as_ref().and_then(|j| self.value(j, ty, &mut whole)),
            // A single object is an array of one.
            (Some(object @ Json::Object(_)), SqlType::Array(a)) if matches!(a.element, SqlType::Struct(_)) => self
                .value(object, &a.element, &mut whole)
                .map(|v| Scalar::Array([v].into())),
            _ => None,
        };
        whole &= value.is_some();
        let SqlType::Struct(fields) = ty else {
            return (value.unwrap_or(Scalar::Null), whole);
        };
        let mut parts = match value {
            Some(Scalar::Struct(parts)) => parts.to_vec(),
            _ => vec![Scalar::Null; fields.len()],
        };
        if !whole {
            keep_text(&mut parts, fields, &self.corrupt, text);
        }
        (Scalar::Struct(parts.into()), whole)
    }

    /// A value as a type; clears `whole` where something did not fit. A field of a struct is NULL then; an array or map
    /// does not fit as soon as one of its values does not.
    fn value(&self, json: &Json, ty: &SqlType, whole: &mut bool) -> Option<Scalar> {
        Some(match (json, ty) {
            (Json::Null, _) => Scalar::Null,
            (_, SqlType::Struct(fields)) => {
                let Json::Object(_) = json else { return None };
                let mut parts = Vec::with_capacity(fields.len());
                for (i, field) in fields.iter().enumerate() {
                    // Of fields with one name the last one is read.
                    let shadowed = fields[i + 1..].iter().any(|f| f.name == field.name);
                    parts.push(match json.member(&field.name).filter(|_| !shadowed) {
                        None => Scalar::Null,
                        Some(member) => self.value(member, &field.ty, whole).unwrap_or_else(|| {
                            *whole = false;
                            Scalar::Null
                        }),
                    });
                }
                parts.into_struct()
            }
            (Json::Array(items), SqlType::Array(a)) => {
                let items = items.iter().map(|item| self.value(item, &a.element, whole));
                Scalar::Array(items.collect::<Option<_>>()?)
            }
            (Json::Object(members), SqlType::Map(m)) => {
                let mut entries: Vec<(Scalar, Scalar)> = Vec::with_capacity(members.len());
                for (name, value) in members {
                    let key = self.values.read(name, &m.key)?;
                    entries.retain(|(k, _)| *k != key);
                    entries.push((key, self.value(value, &m.value, whole)?));
                }
                Scalar::Map(entries.into())
            }
            (_, SqlType::Array(_) | SqlType::Map(_)) => return None,
            (Json::Text(t), ty) => match ty {
                SqlType::Byte | SqlType::Short | SqlType::Int | SqlType::Long | SqlType::Boolean => return None,
                // Only the special values of floats are texts.
                SqlType::Float | SqlType::Double if !self.non_numeric || !SPECIAL_TEXTS.contains(&t.as_str()) => {
                    return None;
                }
                _ => self.values.read(t, ty)?,
            },
            (json, t) if t.is_string() => {
                let mut text = String::new();
                match json {
                    Json::Number(n) if self.primitives_as_text => text.push_str(n),
                    Json::Number(n) => push_number(&mut text, n),
                    other => other.push(&mut text),
                }
                Scalar::Str(text.into())
            }
            (Json::Bool(b), SqlType::Boolean) => Scalar::Bool(*b),
            (Json::Number(n), ty) if ty.is_numeric() => self.values.read(n, ty)?,
            (Json::Number(n), SqlType::Timestamp) => Scalar::I64(n.parse::<i64>().ok()?.checked_mul(1_000_000)?),
            _ => return None,
        })
    }
}

/// Fields collected into a struct value.
trait IntoStruct {
    fn into_struct(self) -> Scalar;
}
impl IntoStruct for Vec<Scalar> {
    fn into_struct(self) -> Scalar {
        Scalar::Struct(self.into())
    }
}
