//! A JSON value and how it is written.

use rsql_expr::format::push_float;

use super::parser::{Syntax, parse};

/// A value; numbers keep their text, objects the order of their members.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value at the start of a text by the rules of functions without options; `None` if there is none or it is broken.
    pub(super) fn parse(text: &str) -> Option<Json> {
        parse(text, &Syntax::default())
    }

    /// The last member of this name.
    pub(super) fn member(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Appends the value without spaces.
    pub(super) fn push(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Json::Number(n) => push_number(out, n),
            Json::Text(t) => push_quoted(out, t),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.push(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    push_quoted(out, name);
                    out.push(':');
                    value.push(out);
                }
                out.push('}');
            }
        }
    }
}

/// Appends a number: fractions as doubles are written.
pub(super) fn push_number(out: &mut String, number: &str) {
    match number.parse::<f64>() {
        Ok(v) if number.contains(['.', 'e', 'E']) => push_float(out, v),
        _ => out.push_str(number),
    }
}

/// Appends a text in quotes.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        for (text, expected) in [
            (
                "{\"a\": [1, 2.50, {\"b\": null}], 'c': 'x\\n'}",
                Some("{\"a\":[1,2.5,{\"b\":null}],\"c\":\"x\\n\"}"),
            ),
            ("\"\\u00e9\\ud83d\\ude00\"", Some("\"é😀\"")),
            ("[1,2", None),
            ("01", None),
            ("truex", None),
            ("1e3", Some("1000.0")),
            ("bad", None),
        ] {
            let printed = Json::parse(text).map(|v| {
                let mut out = String::new();
                v.push(&mut out);
                out
            });
            assert_eq!(printed.as_deref(), expected, "{text}");
        }
        assert!(Json::parse(&"[".repeat(100_000)).is_none());
    }
}
