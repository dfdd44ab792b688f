//! `from_json`: JSON text as a value of a schema.
//!
//! A member that does not fit its type is NULL; a text that is broken as a whole is NULL, or a struct of NULLs.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType, scalars_to_array};

use super::doc;
use super::value::{Json, push_number};
use crate::kernel::{StrCol, check_count, constant_text, fallible, unexpected_input};
use crate::record::{Options, TextReader, as_nullable, options_argument, schema_argument};

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
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 2, Some(3), cx)?;
                let ty = schema_argument(&args, 1, cx)?;
                if !ty.is_nested() {
                    return Err(unexpected_input(&args, 1, "(\"STRUCT\" or \"ARRAY\" or \"MAP\")", cx));
                }
                let text = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::String, 0, cx)?;
                let schema = Expr::lit(Literal::string(constant_text(&args[1], cx).unwrap_or_default()));
                Ok([text, schema]
                    .into_iter()
                    .chain(options_argument(&args, 2, cx)?)
                    .collect())
            },
            ReturnType::Of(|args, cx| schema_argument(args, 1, cx).map(|t| as_nullable(&t))),
        ),
        from_json,
    )
};

fn from_json(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let texts = StrCol::of(args, 0)?;
    let options = Options::of(args, 2);
    let reader = Reader {
        values: TextReader::new(&options, args.options())?,
        corrupt: options
            .get("columnnameofcorruptrecord")
            .unwrap_or("_corrupt_record")
            .to_string(),
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
                    return Err(args.error(
                        Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
                            .param("badRecord", text)
                            .param("failFastMode", "FAILFAST"),
                    ));
                }
                value
            }
        });
    }
    scalars_to_array(&rows, ty)
}

struct Reader<'a> {
    values: TextReader<'a>,
    /// Field that gets the text of a broken record.
    corrupt: String,
    primitives_as_text: bool,
}

impl Reader<'_> {
    /// The record's value, and whether all of it fitted.
    fn record(&self, text: &str, ty: &SqlType) -> (Scalar, bool) {
        let json = Json::parse(text);
        let mut whole = true;
        let value = match (&json, ty) {
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
            Some(Scalar::Null) => return (Scalar::Null, whole),
            _ => vec![Scalar::Null; fields.len()],
        };
        if !whole
            && let Some(i) = fields
                .iter()
                .position(|f| f.name.as_ref() == self.corrupt && f.ty.is_string())
        {
            parts[i] = Scalar::Str(text.into());
        }
        (Scalar::Struct(parts.into()), whole)
    }

    /// A value as a type; NULL inside of it where something did not fit, which clears `whole`.
    fn value(&self, json: &Json, ty: &SqlType, whole: &mut bool) -> Option<Scalar> {
        let mut part = |json: &Json, ty: &SqlType| {
            self.value(json, ty, whole).unwrap_or_else(|| {
                *whole = false;
                Scalar::Null
            })
        };
        Some(match (json, ty) {
            (Json::Null, _) => Scalar::Null,
            (_, SqlType::Struct(fields)) => {
                let Json::Object(_) = json else { return None };
                fields
                    .iter()
                    .map(|f| json.member(&f.name).map_or(Scalar::Null, |v| part(v, &f.ty)))
                    .collect::<Vec<_>>()
                    .into_struct()
            }
            (Json::Array(items), SqlType::Array(a)) => {
                Scalar::Array(items.iter().map(|item| part(item, &a.element)).collect())
            }
            (Json::Object(members), SqlType::Map(m)) => {
                let mut entries: Vec<(Scalar, Scalar)> = Vec::with_capacity(members.len());
                for (name, value) in members {
                    let key = self.values.read(name, &m.key)?;
                    entries.retain(|(k, _)| *k != key);
                    entries.push((key, part(value, &m.value)));
                }
                Scalar::Map(entries.into())
            }
            (_, SqlType::Array(_) | SqlType::Map(_)) => return None,
            (Json::Text(t), ty) => match ty {
                SqlType::Byte | SqlType::Short | SqlType::Int | SqlType::Long | SqlType::Boolean => return None,
                // Only the special values of floats are texts.
                SqlType::Float | SqlType::Double if t.bytes().any(|b| b.is_ascii_digit()) => return None,
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
