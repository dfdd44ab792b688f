//! `to_xml`: a struct as an XML element.

use rsql_common::Result;
use rsql_expr::function::Signature;
use rsql_expr::{Scalar, ScalarFn, SqlType, scalar_at};

use super::doc;
use super::element::push_escaped;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, TextWriter, bind_writer, struct_value};

/// `to_xml(struct[, options])`
pub(super) static TO_XML: ScalarFn = fallible(
    "to_xml",
    &[],
    doc(
        "to_xml(struct[, options])",
        "A struct as an XML element.",
        "SELECT to_xml(named_struct('a', 1, 'b', 2))",
    ),
    Signature::bind_with(|args, cx| bind_writer(&args, struct_value, cx), TEXT_TYPE),
    |args| {
        let (array, ty) = (args.array(0)?, args.ty(0));
        let options = Options::of(args, 1);
        let writer = Writer {
            values: TextWriter::new(&options, args.options())?,
            indent: options.get("indent").unwrap_or("    ").to_string(),
            attribute_prefix: options.get("attributeprefix").unwrap_or("_").to_string(),
            value_tag: options.get("valuetag").unwrap_or("_VALUE").to_string(),
            item: options.get("arrayelementname").unwrap_or("item").to_string(),
            null: options.get("nullvalue").map(str::to_string),
        };
        let root = options.get("rowtag").unwrap_or("ROW");
        text_rows(args.rows, |row, out| {
            let value = scalar_at(array.as_ref(), row, &ty)?;
            if value.is_null() {
                return Ok(None);
            }
            writer.element(out, root, &value, &ty, 0)?;
            Ok(Some(()))
        })
    },
);

struct Writer<'a> {
    values: TextWriter<'a>,
    indent: String,
    attribute_prefix: String,
    value_tag: String,
    item: String,
    null: Option<String>,
}

impl Writer<'_> {
    fn line(&self, out: &mut String, depth: usize) {
        if !self.indent.is_empty() {
            out.push('\n');
            out.extend(std::iter::repeat_n(self.indent.as_str(), depth));
        }
    }

    fn text(&self, out: &mut String, value: &Scalar, ty: &SqlType) -> Result<()> {
        let mut text = String::new();
        match (value, ty) {
            (Scalar::Bin(_), _) => self.values.push_bytes(&mut text, value)?,
            _ => self.values.push(&mut text, value, ty)?,
        }
        push_escaped(out, &text);
        Ok(())
    }

    /// Appends an element (or one for each item of an array), without the line break before it.
    fn element(&self, out: &mut String, name: &str, value: &Scalar, ty: &SqlType, depth: usize) -> Result<()> {
        match (value, ty) {
            (Scalar::Array(items), SqlType::Array(a)) => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.line(out, depth);
                    }
                    match (item, &a.element) {
                        (Scalar::Array(_), inner) => {
                            out.extend(["<", name, ">"]);
                            self.line(out, depth + 1);
                            self.element(out, &self.item, item, inner, depth + 1)?;
                            self.line(out, depth);
                            out.extend(["</", name, ">"]);
                        }
                        (item, inner) => self.element(out, name, item, inner, depth)?,
                    }
                }
            }
            (Scalar::Struct(values), SqlType::Struct(fields)) => {
                let members: Vec<(&str, &Scalar, &SqlType)> = fields
                    .iter()
                    .zip(values.iter())
                    .map(|(f, v)| (f.name.as_ref(), v, &f.ty))
                    .collect();
                self.members(out, name, &members, depth)?;
            }
            (Scalar::Map(entries), SqlType::Map(m)) => {
                let mut names = Vec::with_capacity(entries.len());
                for (key, _) in entries.iter() {
                    let mut text = String::new();
                    self.values.push(&mut text, key, &m.key)?;
                    names.push(text);
                }
                let members: Vec<(&str, &Scalar, &SqlType)> = names
                    .iter()
                    .zip(entries.iter())
                    .map(|(n, (_, v))| (n.as_str(), v, &m.value))
                    .collect();
                self.members(out, name, &members, depth)?;
            }
            (Scalar::Null, _) => {
                out.extend(["<", name, ">", self.null.as_deref().unwrap_or(""), "</", name, ">"]);
            }
            (value, ty) => {
                out.extend(["<", name, ">"]);
                self.text(out, value, ty)?;
                out.extend(["</", name, ">"]);
            }
        }
        Ok(())
    }

    fn members(&self, out: &mut String, name: &str, members: &[(&str, &Scalar, &SqlType)], depth: usize) -> Result<()> {
        let is_attribute = |n: &str| n != self.value_tag && n.starts_with(&self.attribute_prefix);
        out.extend(["<", name]);
        for (n, value, ty) in members.iter().filter(|(n, v, _)| is_attribute(n) && !v.is_null()) {
            out.extend([" ", &n[self.attribute_prefix.len()..], "=\""]);
            self.text(out, value, ty)?;
            out.push('"');
        }
        out.push('>');
        let mut nested = false;
        for (n, value, ty) in members.iter().filter(|(n, ..)| !is_attribute(n)) {
            let empty = matches!(value, Scalar::Array(items) if items.is_empty());
            if empty || value.is_null() && self.null.is_none() {
                continue;
            }
            if *n == self.value_tag {
                self.text(out, value, ty)?;
                continue;
            }
            nested = true;
            self.line(out, depth + 1);
            self.element(out, n, value, ty, depth + 1)?;
        }
        if nested {
            self.line(out, depth);
        }
        out.extend(["</", name, ">"]);
        Ok(())
    }
}
