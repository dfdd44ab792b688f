//! Delimited text (CSV): cuts bytes into records and records into fields, by Spark's options.

use std::borrow::Cow;

/// How delimited text is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct DelimitedOptions {
    /// Between fields.
    pub separator: Vec<u8>,
    /// Around fields; none if quotes mean nothing.
    pub quote: Option<u8>,
    /// Before a quote inside quotes.
    pub escape: Option<u8>,
    /// Starts lines that are skipped.
    pub comment: Option<u8>,
    /// The first record of each file names the columns.
    pub header: bool,
    /// Line breaks inside quotes belong to the field.
    pub multi_line: bool,
    /// Blanks before a value do not count.
    pub trim_start: bool,
    /// Blanks after a value do not count.
    pub trim_end: bool,
    /// Text of NULL.
    pub null_value: String,
    /// Text that an empty quoted field stands for.
    pub empty_value: String,
}

impl Default for DelimitedOptions {
    fn default() -> Self {
        Self {
            separator: b",".to_vec(),
            quote: Some(b'"'),
            escape: Some(b'\\'),
            comment: None,
            header: false,
            multi_line: false,
            trim_start: false,
            trim_end: false,
            null_value: String::new(),
            empty_value: String::new(),
        }
    }
}

impl DelimitedOptions {
    /// From reader options with lower-case keys.
    pub fn from_options(options: &[(String, String)]) -> Self {
        let mut out = Self::default();
        let byte = |v: &str| v.bytes().next().filter(|b| *b != 0);
        for (key, value) in options {
            let on = value.eq_ignore_ascii_case("true");
            match key.as_str() {
                "sep" | "delimiter" => {
                    out.separator = match value.as_str() {
                        "\\t" => b"\t".to_vec(),
                        "" => continue,
                        other => other.as_bytes().to_vec(),
                    };
                }
                "quote" => out.quote = byte(value),
                "escape" => out.escape = byte(value),
                "comment" => out.comment = byte(value),
                "header" => out.header = on,
                "multiline" => out.multi_line = on,
                "ignoreleadingwhitespace" => out.trim_start = on,
                "ignoretrailingwhitespace" => out.trim_end = on,
                "nullvalue" => out.null_value.clone_from(value),
                "emptyvalue" => out.empty_value.clone_from(value),
                _ => {}
            }
        }
        out
    }

    /// End of the record that starts at `start` (without its line break), and the start of the next one.
    pub fn record_end(&self, bytes: &[u8], start: usize) -> (usize, usize) {
        let mut quoted = false;
        let mut at = start;
        while at < bytes.len() {
            let b = bytes[at];
            if quoted && Some(b) == self.escape && self.escape != self.quote {
                at += 2;
                continue;
            }
            if Some(b) == self.quote {
                quoted = !quoted;
            }
            if b == b'\n' && !(quoted && self.multi_line) {
                let end = if at > start && bytes[at - 1] == b'\r' {
                    at - 1
                } else {
                    at
                };
                return (end, at + 1);
            }
            at += 1;
        }
        (bytes.len(), bytes.len())
    }

    /// True for records that hold no row: empty lines and comments.
    pub fn is_skipped(&self, record: &[u8]) -> bool {
        record.iter().all(u8::is_ascii_whitespace) || self.comment.is_some_and(|c| record.first() == Some(&c))
    }

    /// The fields of a record; `None` is NULL.
    pub fn fields<'a>(&self, record: &'a [u8], out: &mut Vec<Option<Cow<'a, str>>>) {
        out.clear();
        let mut at = 0;
        loop {
            let (value, next) = self.field(record, at);
            out.push(value);
            match next {
                Some(next) => at = next,
                None => return,
            }
        }
    }

    /// The field at `at` and where the next one starts.
    fn field<'a>(&self, record: &'a [u8], at: usize) -> (Option<Cow<'a, str>>, Option<usize>) {
        let rest = &record[at..];
        let blanks = if self.trim_start {
            rest.iter().take_while(|b| **b == b' ').count()
        } else {
            0
        };
        if self.quote.is_some() && rest.get(blanks).copied() == self.quote {
            let (text, used) = self.quoted(&rest[blanks + 1..]);
            let after = at + blanks + 1 + used;
            let next = find(&record[after.min(record.len())..], &self.separator);
            let value = if text.is_empty() {
                Cow::Owned(self.empty_value.clone())
            } else {
                Cow::Owned(text)
            };
            return (Some(value), next.map(|n| after + n + self.separator.len()));
        }
        let (end, next) = match find(rest, &self.separator) {
            Some(n) => (n, Some(at + n + self.separator.len())),
            None => (rest.len(), None),
        };
        let mut text = &rest[..end];
        if self.trim_start {
            text = text.trim_ascii_start();
        }
        if self.trim_end {
            text = text.trim_ascii_end();
        }
        let text = String::from_utf8_lossy(text);
        let value = if text.is_empty() || text == self.null_value {
            None
        } else {
            Some(text)
        };
        (value, next)
    }

    /// Text up to the closing quote, and how many bytes that took.
    fn quoted(&self, rest: &[u8]) -> (String, usize) {
        let mut text = Vec::new();
        let mut at = 0;
        while at < rest.len() {
            let b = rest[at];
            let follower = rest.get(at + 1).copied();
            if Some(b) == self.escape && (follower == self.quote || follower == self.escape) && follower.is_some() {
                text.extend(follower);
                at += 2;
            } else if Some(b) == self.quote {
                // A quote that no separator follows stands for itself; so does the first of two.
                let closes = at + 1 == rest.len() || rest[at + 1..].starts_with(&self.separator);
                if closes {
                    return (String::from_utf8_lossy(&text).into_owned(), at + 1);
                }
                text.push(b);
                at += if follower == self.quote { 2 } else { 1 };
            } else {
                text.push(b);
                at += 1;
            }
        }
        (String::from_utf8_lossy(&text).into_owned(), rest.len())
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [only] => haystack.iter().position(|b| b == only),
        _ => haystack.windows(needle.len().max(1)).position(|w| w == needle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(options: &DelimitedOptions, record: &str) -> Vec<Option<String>> {
        let mut out = Vec::new();
        options.fields(record.as_bytes(), &mut out);
        out.into_iter().map(|f| f.map(Cow::into_owned)).collect()
    }

    #[test]
    fn fields_of_records() {
        let s = |v: &[&str]| {
            v.iter()
                .map(|v| (*v != "NULL").then(|| (*v).to_string()))
                .collect::<Vec<_>>()
        };
        let o = DelimitedOptions::default();
        for (record, want) in [
            ("a,b,c", &["a", "b", "c"][..]),
            ("a,,c", &["a", "NULL", "c"]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#""say \"x\"",c"#, &[r#"say "x""#, "c"]),
            (r#""say ""x""",c"#, &[r#"say "x""#, "c"]),
            (r#""",x"#, &["", "x"]),
            ("a,", &["a", "NULL"]),
            (" a , b", &[" a ", " b"]),
        ] {
            assert_eq!(fields(&o, record), s(want), "{record}");
        }
        let bars = DelimitedOptions::from_options(&[("sep".into(), "||".into()), ("nullvalue".into(), "-".into())]);
        assert_eq!(fields(&bars, "a||-||c"), s(&["a", "NULL", "c"]));
    }

    #[test]
    fn records_end_at_line_breaks() {
        let mut o = DelimitedOptions::default();
        let text = b"a,\"b\nc\"\r\nd";
        assert_eq!(o.record_end(text, 0), (4, 5));
        o.multi_line = true;
        assert_eq!(o.record_end(text, 0), (7, 9));
        assert_eq!(o.record_end(text, 9), (10, 10));
    }
}
