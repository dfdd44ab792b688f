//! `from_xml`: an element as a struct. A child that does not fit its type is NULL.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Scalar, ScalarFn, SqlType, scalars_to_array};

use super::doc;
use super::element::Element;
use crate::kernel::{StrCol, fallible};
use crate::record::{Options, READER_TYPE, TextReader, bind_reader, corrupt_field, keep_text, malformed, only_struct};

/// `from_xml(xml, schema[, options])`
pub(super) static FROM_XML: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..fallible(
        "from_xml",
        &[],
        doc(
            "from_xml(xml, schema[, options])",
            "An XML element as a struct of the schema.",
            "SELECT from_xml('<p><a>1</a><b>0.8</b></p>', 'a INT, b DOUBLE')",
        ),
        Signature::bind_with(|args, cx| bind_reader(&args, only_struct, cx), READER_TYPE),
        from_xml,
    )
};

fn from_xml(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let texts = StrCol::of(args, 0)?;
    let options = Options::of(args, 2);
    let reader = Reader {
        values: TextReader::new(&options, args.options())?,
        attribute_prefix: options.get("attributeprefix").unwrap_or("_").to_string(),
        value_tag: options.get("valuetag").unwrap_or("_VALUE").to_string(),
    };
    let corrupt = corrupt_field(&options);
    let SqlType::Struct(fields) = &args.call.ty else {
        return Err(Error::internal("from_xml gives a struct"));
    };
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let Some(text) = texts.get(row) else {
            rows.push(Scalar::Null);
            continue;
        };
        let mut whole = true;
        let element = Element::parse(text);
        let value = element
            .as_ref()
            .and_then(|e| reader.value(e, &args.call.ty, &mut whole));
        whole &= value.is_some();
        if !whole && options.fail_fast() {
            return Err(malformed(args, text));
        }
        let mut parts = match value {
            Some(Scalar::Struct(parts)) => parts.to_vec(),
            _ => vec![Scalar::Null; fields.len()],
        };
        if !whole {
            keep_text(&mut parts, fields, corrupt, text);
        }
        rows.push(Scalar::Struct(parts.into()));
    }
    scalars_to_array(&rows, &args.call.ty)
}

struct Reader<'a> {
    values: TextReader<'a>,
    attribute_prefix: String,
    value_tag: String,
}

impl Reader<'_> {
    /// An element as a type; clears `whole` where something did not fit.
    fn value(&self, element: &Element, ty: &SqlType, whole: &mut bool) -> Option<Scalar> {
        match ty {
            SqlType::Struct(fields) => {
                let mut parts = Vec::with_capacity(fields.len());
                for field in fields.iter() {
                    parts.push(self.field(element, &field.name, &field.ty, whole));
                }
                Some(Scalar::Struct(parts.into()))
            }
            SqlType::Map(m) => {
                let mut entries: Vec<(Scalar, Scalar)> = Vec::new();
                for (name, text) in &element.attributes {
                    let key = self.values.read(&format!("{}{name}", self.attribute_prefix), &m.key)?;
                    entries.push((key, self.atom(text, &m.value, whole).unwrap_or(Scalar::Null)));
                }
                for child in element.elements() {
                    let key = self.values.read(&child.name, &m.key)?;
                    let value = self.value(child, &m.value, whole).unwrap_or(Scalar::Null);
                    entries.retain(|(k, _)| *k != key);
                    entries.push((key, value));
                }
                Some(Scalar::Map(entries.into()))
            }
            SqlType::Array(a) => {
                let items = element
                    .elements()
                    .map(|e| self.value(e, &a.element, whole).unwrap_or(Scalar::Null));
                Some(Scalar::Array(items.collect()))
            }
            t if t.is_string() => {
                let mut text = String::new();
                if element.elements().next().is_some() {
                    element.push_inner(&mut text);
                } else {
                    text.push_str(element.text().trim());
                }
                Some(Scalar::Str(text.into()))
            }
            atomic => self.atom(element.text().trim(), atomic, whole),
        }
    }

    fn atom(&self, text: &str, ty: &SqlType, whole: &mut bool) -> Option<Scalar> {
        if text.is_empty() {
            return Some(Scalar::Null);
        }
        let value = match ty {
            SqlType::Binary => Some(Scalar::Bin(text.as_bytes().into())),
            ty => self.values.read(text, ty),
        };
        *whole &= value.is_some();
        value
    }

    fn field(&self, element: &Element, name: &str, ty: &SqlType, whole: &mut bool) -> Scalar {
        if name == self.value_tag {
            return self.atom(&element.own_text(), ty, whole).unwrap_or(Scalar::Null);
        }
        let attribute = name.strip_prefix(&self.attribute_prefix);
        if let Some((_, text)) = element.attributes.iter().find(|(n, _)| Some(n.as_str()) == attribute) {
            return self.atom(text, ty, whole).unwrap_or(Scalar::Null);
        }
        let mut children = element.elements().filter(|e| e.name == name).peekable();
        if children.peek().is_none() {
            return Scalar::Null;
        }
        match ty {
            // Items that do not fit are left out.
            SqlType::Array(a) => Scalar::Array(children.filter_map(|e| self.value(e, &a.element, whole)).collect()),
            ty => children
                .last()
                .and_then(|e| self.value(e, ty, whole))
                .unwrap_or(Scalar::Null),
        }
    }
}
