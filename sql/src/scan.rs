//! Quotes and comments of a text, found without parsing it: where statements end, whether one is complete, and a
//! copy in which everything that sqlparser's tokenizer would misread is masked by harmless text of the same length.

use std::borrow::Cow;

/// A stretch of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    /// Plain code: one word, or one other character.
    Code,
    /// `'…'` or `"…"`.
    String,
    /// `r'…'` or `r"…"`.
    RawString,
    /// `` `…` ``
    Identifier,
    /// `-- …`, up to the line's end.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
}

/// Statements between `;` outside quotes and comments, with the offset of each; those without content are left out.
pub fn split_statements(text: &str) -> Vec<(usize, &str)> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut content = false;
    for part in Scanner::new(text) {
        if part.region == Region::Code && &text[part.start..part.end] == ";" {
            push_statement(text, start, part.start, content, &mut statements);
            start = part.end;
            content = false;
        } else {
            content |= part.has_content(text);
        }
    }
    push_statement(text, start, text.len(), content, &mut statements);
    statements
}

fn push_statement<'a>(text: &'a str, start: usize, end: usize, content: bool, out: &mut Vec<(usize, &'a str)>) {
    if content {
        let piece = &text[start..end];
        let lead = piece.len() - piece.trim_start().len();
        out.push((start + lead, piece.trim()));
    }
}

/// True when the text's last statement is ended by `;` (or there is none), and no quote or comment is open.
pub fn is_complete(text: &str) -> bool {
    let mut complete = true;
    for part in Scanner::new(text) {
        if !part.closed {
            return false;
        }
        if part.region == Region::Code && &text[part.start..part.end] == ";" {
            complete = true;
        } else if part.has_content(text) {
            complete = false;
        }
    }
    complete
}

/// The text with raw strings, continued line comments and `._` replaced by text of the same length that every
/// tokenizer reads alike. Token boundaries stay; the lexer reads values from the original.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    const SUSPECTS: [&str; 6] = ["r'", "R'", "r\"", "R\"", "._", "\\\n"];
    if !SUSPECTS.iter().any(|s| text.contains(s)) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    for part in Scanner::new(text) {
        let piece = &text[part.start..part.end];
        match part.region {
            Region::RawString if part.closed => {
                let neighbours = [masked.chars().last(), text[part.end..].chars().next()];
                let quote = ['\'', '"', '`']
                    .into_iter()
                    .find(|q| !neighbours.contains(&Some(*q)))
                    .unwrap_or('\'');
                masked.push(quote);
                masked.extend(std::iter::repeat_n('x', piece.len() - 2));
                masked.push(quote);
            }
            Region::LineComment if piece.contains("\\\n") => masked.push_str(&piece.replace("\\\n", "  ")),
            Region::Code if piece.starts_with('_') && masked.ends_with('.') => {
                masked.push('x');
                masked.push_str(&piece[1..]);
            }
            _ => masked.push_str(piece),
        }
    }
    Cow::Owned(masked)
}

struct Part {
    region: Region,
    start: usize,
    end: usize,
    /// The closing quote or `*/` was found.
    closed: bool,
}

impl Part {
    fn has_content(&self, text: &str) -> bool {
        match self.region {
            Region::LineComment => false,
            Region::BlockComment => text[self.start..].starts_with("/*+"),
            Region::Code => !text[self.start..self.end].trim().is_empty(),
            Region::String | Region::RawString | Region::Identifier => true,
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, pos: 0 }
    }
}

impl Iterator for Scanner<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let rest = &self.text[self.pos..];
        let first = rest.chars().next()?;
        let second = rest[first.len_utf8()..].chars().next();
        let (region, length) = match (first, second) {
            ('\'' | '"', _) => (Region::String, quoted(rest, first, true)),
            ('`', _) => (Region::Identifier, quoted(rest, '`', false)),
            ('r' | 'R', Some(quote @ ('\'' | '"'))) => {
                (Region::RawString, quoted(&rest[1..], quote, false).map(|n| n + 1))
            }
            ('-', Some('-')) => (Region::LineComment, Some(line_comment(rest))),
            ('/', Some('*')) => (Region::BlockComment, block_comment(rest)),
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Region::Code, Some(length))
            }
            _ => (Region::Code, Some(first.len_utf8())),
        };
        let start = self.pos;
        self.pos += length.unwrap_or(rest.len());
        Some(Part {
            region,
            start,
            end: self.pos,
            closed: length.is_some(),
        })
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Length of the quoted text at the start of `rest`, quotes included. A doubled quote reads as two neighbours.
fn quoted(rest: &str, quote: char, backslash: bool) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut i = 1;
    while i < bytes.len() {
        if backslash && bytes[i] == b'\\' {
            i += 2;
        } else if bytes[i] == quote as u8 {
            return Some(i + 1);
        } else {
            i += 1;
        }
    }
    None
}

/// Length of a line comment, its line end left out; a backslash before the line end continues it.
fn line_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut i = 2;
    while i < bytes.len() && !matches!(bytes[i], b'\n' | b'\r') {
        i += if bytes[i..].starts_with(b"\\\n") { 2 } else { 1 };
    }
    i
}

fn block_comment(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut depth = 1;
    let mut i = 2;
    while i < bytes.len() {
        if bytes[i..].starts_with(b"/*") {
            depth += 1;
            i += 2;
        } else if bytes[i..].starts_with(b"*/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return Some(i);
            }
        } else {
            i += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_outside_quotes_and_comments() {
        let text = "select ';' ; -- a;b\n select \"a;\" /* ; /* ; */ */, `;`;; r'\\' ;\n";
        let parts: Vec<&str> = split_statements(text).iter().map(|p| p.1).collect();
        assert_eq!(
            parts,
            ["select ';'", "-- a;b\n select \"a;\" /* ; /* ; */ */, `;`", "r'\\'"]
        );
        for (offset, part) in split_statements(text) {
            assert!(text[offset..].starts_with(part));
        }
    }

    #[test]
    fn knows_when_a_statement_ends() {
        for (text, complete) in [
            ("", true),
            ("select 1", false),
            ("select 1;", true),
            ("select 1; -- done", true),
            ("select ';", false),
            ("select 1; /* open", false),
            ("select 'a\\';", false),
            ("select r'a\\';", true),
            ("select 1; select", false),
        ] {
            assert_eq!(is_complete(text), complete, "{text}");
        }
    }

    #[test]
    fn masks_keep_the_length() {
        for text in [
            "select r'\\', R\"é'\"",
            "f(x)._c",
            "-- a \\\n b\nselect 1",
            "select 'r''x'",
        ] {
            assert_eq!(mask(text).len(), text.len(), "{text}");
        }
        assert_eq!(mask("for'x'"), "for'x'");
        assert_eq!(mask("r'a''b'"), "\"xx\"'b'");
    }
}
