//! `schema_of_xml`: the schema an XML element has.

use rsql_common::Error;
use rsql_expr::datetime::parse::{parse_date, parse_time, parse_timestamp_ntz};
use rsql_expr::function::Signature;
use rsql_expr::function::signature::ret;
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::doc;
use super::element::Element;
use crate::kernel::{check_count, constant, fallible, mismatch, non_foldable, text_rows, unexpected_input};
use crate::record::{Options, options_argument};

/// `schema_of_xml(xml[, options])`
pub(super) static SCHEMA_OF_XML: ScalarFn = fallible(
    "schema_of_xml",
    &[],
    doc(
        "schema_of_xml(xml[, options])",
        "The schema of an XML element, in DDL.",
        "SELECT schema_of_xml('<p><a>1</a></p>')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(2), cx)?;
            if !args[0].ty().is_string() && args[0].ty() != SqlType::Void {
                return Err(unexpected_input(&args, 0, "\"STRING\"", cx));
            }
            let text = match constant(&args[0], cx) {
                None => return Err(non_foldable(&args, 0, "xml", cx)),
                Some(l) => match l.value.as_str() {
                    None => return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", "xml")),
                    Some(t) => Expr::lit(Literal::string(t)),
                },
            };
            Ok(std::iter::once(text).chain(options_argument(&args, 1, cx)?).collect())
        },
        ret::STRING,
    ),
    |args| {
        let options = Options::of(args, 1);
        let text = args
            .call
            .args
            .first()
            .and_then(Expr::as_literal)
            .and_then(|l| l.value.as_str())
            .unwrap_or("");
        let Some(root) = Element::parse(text) else {
            return Err(args.error(
                Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
                    .param("badRecord", text)
                    .param("failFastMode", "FAILFAST"),
            ));
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
        (SqlType::Struct(x), SqlType::Struct(y)) => {
            let mut fields: Vec<(String, SqlType, bool)> =
                x.iter().map(|f| (f.name.to_string(), f.ty.clone(), true)).collect();
            for f in y.iter() {
                match fields.iter_mut().find(|(n, ..)| *n == *f.name) {
                    Some((_, ty, _)) => *ty = merge(ty, &f.ty),
                    None => fields.push((f.name.to_string(), f.ty.clone(), true)),
                }
            }
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            SqlType::structure(fields)
        }
        (a, b) if a.is_numeric() && b.is_numeric() => SqlType::Double,
        _ => SqlType::String,
    }
}
