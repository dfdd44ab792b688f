//! The JSON parser. By default it takes what Jackson takes in Spark: single quotes too, and text after the first value;
//! `from_json` and `schema_of_json` have options for more (Spark's `JSONOptions`).

use super::value::Json;
use crate::record::Options;

/// Deepest nesting read.
const MAX_DEPTH: usize = 500;

/// Numbers that are none, as they may be written and as they are called.
const SPECIAL: [(&str, &str); 6] = [
    ("NaN", "NaN"),
    ("Infinity", "Infinity"),
    ("+Infinity", "Infinity"),
    ("-Infinity", "-Infinity"),
    ("+INF", "Infinity"),
    ("-INF", "-Infinity"),
];

/// What is taken beside plain JSON.
pub(super) struct Syntax {
    comments: bool,
    single_quotes: bool,
    unquoted_names: bool,
    leading_zeros: bool,
    non_numeric: bool,
    escape_anything: bool,
    control_characters: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            comments: false,
            single_quotes: true,
            unquoted_names: false,
            leading_zeros: false,
            non_numeric: false,
            escape_anything: false,
            control_characters: false,
        }
    }
}

impl Syntax {
    /// As the options of a reader say.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            comments: options.flag("allowcomments", false),
            single_quotes: options.flag("allowsinglequotes", true),
            unquoted_names: options.flag("allowunquotedfieldnames", false),
            leading_zeros: options.flag("allownumericleadingzeros", false),
            non_numeric: options.flag("allownonnumericnumbers", true),
            escape_anything: options.flag("allowbackslashescapinganycharacter", false),
            control_characters: options.flag("allowunquotedcontrolchars", false),
        }
    }
}

/// The value at the start of a text; `None` if there is none or it is broken.
pub(super) fn parse(text: &str, syntax: &Syntax) -> Option<Json> {
    Parser { text, at: 0, syntax }.value(0)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    syntax: &'a Syntax,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                self.at += 1;
            }
            let rest = &self.text[self.at..];
            let comment = if !self.syntax.comments {
                None
            } else if rest.starts_with("//") {
                Some(rest.find('\n').unwrap_or(rest.len()))
            } else if rest.starts_with("/*") {
                rest.find("*/").map(|end| end + 2)
            } else {
                None
            };
            match comment {
                Some(length) => self.at += length,
                None => return,
            }
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
                    let name = self.name()?;
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
            b'N' | b'I' | b'-' | b'+' if self.syntax.non_numeric && self.special().is_some() => {
                let (word, value) = self.special()?;
                self.at += word.len();
                Some(Json::Number(value.to_string()))
            }
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

    /// A number that is none, as it is written and as it is called.
    fn special(&self) -> Option<(&'static str, &'static str)> {
        let rest = &self.text[self.at..];
        let found = SPECIAL.iter().find(|(word, _)| rest.starts_with(word))?;
        let next = rest.as_bytes().get(found.0.len());
        next.is_none_or(|b| !b.is_ascii_alphanumeric()).then_some(*found)
    }

    /// The name of a member.
    fn name(&mut self) -> Option<String> {
        if !self.syntax.unquoted_names || matches!(self.peek(), Some(b'"' | b'\'')) {
            return self.text();
        }
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '@' | '#' | '*' | '+')))
            .unwrap_or(rest.len());
        self.at += end;
        (end > 0).then(|| rest[..end].to_string())
    }

    fn text(&mut self) -> Option<String> {
        let quote = self
            .peek()
            .filter(|b| *b == b'"' || *b == b'\'' && self.syntax.single_quotes)?;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let control = !self.syntax.control_characters;
            let run = rest
                .bytes()
                .position(|b| b == quote || b == b'\\' || b < 0x20 && control)?;
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
            _ if self.syntax.escape_anything => {
                self.at -= 1;
                let c = self.text[self.at..].chars().next()?;
                self.at += c.len_utf8();
                c
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
        let sign = &self.text[start..self.at];
        let mut whole = self.at;
        let count = digits(self);
        if count == 0 {
            return None;
        }
        let zeros = self.text[whole..self.at - 1].bytes().take_while(|b| *b == b'0').count();
        if zeros > 0 && !self.syntax.leading_zeros {
            return None;
        }
        whole += zeros;
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
        Some(Json::Number(format!("{sign}{}", &self.text[whole..self.at])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_widen_the_syntax() {
        let plain = Syntax::default();
        let wide = Syntax {
            comments: true,
            single_quotes: true,
            unquoted_names: true,
            leading_zeros: true,
            non_numeric: true,
            escape_anything: true,
            control_characters: true,
        };
        for (text, printed) in [
            ("/* c */ {\"a\":1 // x\n}", "{\"a\":1}"),
            ("{a-b:1}", "{\"a-b\":1}"),
            ("[-007,00,0]", "[-7,0,0]"),
            ("[NaN,-INF,+Infinity]", "[NaN,-Infinity,Infinity]"),
            ("\"\\$1\"", "\"$1\""),
            ("\"a\tb\"", "\"a\\tb\""),
        ] {
            assert_eq!(parse(text, &plain), None, "{text}");
            let mut out = String::new();
            parse(text, &wide).unwrap().push(&mut out);
            assert_eq!(out, printed);
        }
        assert!(parse("'a'", &plain).is_some());
        assert!(
            parse(
                "'a'",
                &Syntax {
                    single_quotes: false,
                    ..wide
                }
            )
            .is_none()
        );
    }
}
