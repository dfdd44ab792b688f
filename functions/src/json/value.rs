//! A JSON value and its parser, which takes what Jackson takes by default in Spark: single quotes too, and text after
//! the first value.

use rsql_expr::format::push_float;

/// Deepest nesting read.
const MAX_DEPTH: usize = 500;

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
    /// The value at the start of a text; `None` if there is none or it is broken.
    pub(super) fn parse(text: &str) -> Option<Json> {
        let mut parser = Parser { text, at: 0 };
        parser.value(0)
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

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        match self.peek()? {
            b'{' => {
                self.at += 1;
                let mut members = Vec::new();
                if self.eat(b'}') {
                    return Some(Json::Object(members));
                }
                loop {
                    self.space();
                    let name = self.text()?;
                    if !self.eat(b':') {
                        return None;
                    }
                    members.push((name, self.value(depth + 1)?));
                    if self.eat(b'}') {
                        return Some(Json::Object(members));
                    }
                    if !self.eat(b',') {
                        return None;
                    }
                }
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.eat(b']') {
                    return Some(Json::Array(items));
                }
                loop {
                    items.push(self.value(depth + 1)?);
                    if self.eat(b']') {
                        return Some(Json::Array(items));
                    }
                    if !self.eat(b',') {
                        return None;
                    }
                }
            }
            b'"' | b'\'' => self.text().map(Json::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                let words = [
                    ("null", Json::Null),
                    ("true", Json::Bool(true)),
                    ("false", Json::Bool(false)),
                ];
                let (word, value) = words.into_iter().find(|(w, _)| self.text[self.at..].starts_with(w))?;
                self.at += word.len();
                // A longer word is no literal.
                (!self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(value)
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.peek().filter(|b| matches!(b, b'"' | b'\''))?;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let run = rest.bytes().position(|b| b == quote || b == b'\\' || b < 0x20)?;
            out.push_str(&rest[..run]);
            self.at += run + 1;
            match rest.as_bytes()[run] {
                b if b == quote => return Some(out),
                b'\\' => self.escape(&mut out)?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Option<()> {
        let c = self.peek()?;
        self.at += 1;
        out.push(match c {
            b'"' | b'\\' | b'/' | b'\'' => char::from(c),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let low = self.unit()?;
                    char::decode_utf16([unit, low]).next()?.unwrap_or('\u{fffd}')
                } else {
                    char::from_u32(u32::from(unit)).unwrap_or('\u{fffd}')
                }
            }
            _ => return None,
        });
        Some(())
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let digits = |p: &mut Self| {
            let from = p.at;
            while p.peek().is_some_and(|b| b.is_ascii_digit()) {
                p.at += 1;
            }
            p.at - from
        };
        let whole = self.at;
        let count = digits(self);
        // No leading zeros.
        if count == 0 || count > 1 && self.text.as_bytes()[whole] == b'0' {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if digits(self) == 0 {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if digits(self) == 0 {
                return None;
            }
        }
        // A number ends at a delimiter.
        if self
            .peek()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
        {
            return None;
        }
        Some(Json::Number(self.text[start..self.at].to_string()))
    }
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
