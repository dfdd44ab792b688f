//! `schema_of_xml`: the schema an XML element has.

use rsql_expr::datetime::parse::{parse_date, parse_time, parse_timestamp_ntz};
use rsql_expr::function::Signature;
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use super::element::Element;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, bind_schema_of, malformed, merge_fields, schema_text};

/// `schema_of_xml(xml[, options])`
pub(super) static SCHEMA_OF_XML: ScalarFn = fallible(
    "schema_of_xml",
    &[],
    doc(
        "schema_of_xml(xml[, options])",
        "The schema of an XML element, in DDL.",
        "SELECT schema_of_xml('<p><a>1</a></p>')",
    ),
    Signature::bind_with(|args, cx| bind_schema_of(&args, "xml", cx), TEXT_TYPE),
    |args| {
        let options = Options::of(args, 1);
        let text = schema_text(args);
        let Some(root) = Element::parse(text) else {
            return Err(malformed(args, text));
        };
        let schema = match infer(&root, &options) {
            structure @ SqlType::Struct(_) => structure.sql(),
            atom => SqlType::structure([("_VALUE", atom, true)]).sql(),
        };
        text_rows(args.rows, |_, out| {
            out.push_str(&schema);
            Ok(Some(()))
        })
    },
);

fn infer(element: &Element, options: &Options) -> SqlType {
    let prefix = options.get("attributeprefix").unwrap_or("_");
    let mut fields: Vec<(String, SqlType, bool)> = Vec::new();
    if !options.flag("excludeattribute", false) {
        fields.extend(
            element
                .attributes
                .iter()
                .map(|(n, v)| (format!("{prefix}{n}"), atom(v), true)),
        );
    }
    for child in element.elements() {
        let ty = infer(child, options);
        match fields.iter_mut().find(|(n, ..)| *n == child.name) {
            None => fields.push((child.name.clone(), ty, true)),
            // A repeated element is an array.
            Some((_, seen, _)) => {
                let before = match &*seen {
                    SqlType::Array(a) => a.element.clone(),
                    other => other.clone(),
                };
                *seen = SqlType::array(merge(&before, &ty));
            }
        }
    }
    let text = element.own_text();
    if fields.is_empty() {
        return atom(&text);
    }
    if !text.is_empty() {
        fields.push((
            options.get("valuetag").unwrap_or("_VALUE").to_string(),
            atom(&text),
            true,
        ));
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    SqlType::structure(fields)
}

fn atom(text: &str) -> SqlType {
    let text = text.trim();
    let dated = text.as_bytes().get(4) == Some(&b'-');
    if text.is_empty() {
        SqlType::String
    } else if text.parse::<i64>().is_ok() {
        SqlType::Long
    } else if text.bytes().any(|b| b.is_ascii_digit()) && text.parse::<f64>().is_ok() {
        SqlType::Double
    } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        SqlType::Boolean
    } else if dated && text.len() == 10 && parse_date(text).is_some() {
        SqlType::Date
    } else if dated && parse_timestamp_ntz(text, true).is_some() {
        SqlType::Timestamp
    } else if text.as_bytes().get(2) == Some(&b':') && parse_time(text).is_some() {
        SqlType::Time(6)
    } else {
        SqlType::String
    }
}

fn merge(a: &SqlType, b: &SqlType) -> SqlType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (SqlType::Struct(x), SqlType::Struct(y)) => merge_fields(x, y, merge),
        (a, b) if a.is_numeric() && b.is_numeric() => SqlType::Double,
        _ => SqlType::String,
    }
}
