//! A line of CSV: its dialect, reading and writing.

use crate::record::Options;

/// How a line is written.
#[derive(Debug, Clone)]
pub(super) struct Dialect {
    separator: String,
    quote: char,
    escape: char,
    /// Spaces around values without quotes do not count.
    trim_left: bool,
    trim_right: bool,
    quote_all: bool,
    /// How NULL is written.
    pub(super) null: String,
    /// How an empty text is written.
    empty: String,
}

impl Dialect {
    /// The dialect that options describe; `trims` is the default for spaces.
    pub(super) fn new(options: &Options, trims: bool) -> Self {
        let separator = options.get("sep").or_else(|| options.get("delimiter")).unwrap_or(",");
        Self {
            separator: separator.replace("\\t", "\t"),
            quote: options.character("quote", '"'),
            escape: options.character("escape", '\\'),
            trim_left: options.flag("ignoreleadingwhitespace", trims),
            trim_right: options.flag("ignoretrailingwhitespace", trims),
            quote_all: options.flag("quoteall", false),
            null: options.get("nullvalue").unwrap_or("").to_string(),
            empty: options.get("emptyvalue").unwrap_or("\"\"").to_string(),
        }
    }

    /// The values of a line; `None` for NULL.
    pub(super) fn split(&self, line: &str) -> Vec<Option<String>> {
        let mut values = Vec::new();
        let mut rest = line;
        loop {
            let (value, after) = self.value(rest);
            values.push(value);
            match after {
                Some(after) => rest = after,
                None => return values,
            }
        }
    }

    /// The first value of a line, and what follows its separator.
    fn value<'a>(&self, line: &'a str) -> (Option<String>, Option<&'a str>) {
        let body = line.trim_start_matches([' ', '\t']);
        if let Some(quoted) = body.strip_prefix(self.quote) {
            let mut text = String::new();
            let mut chars = quoted.char_indices().peekable();
            while let Some((i, c)) = chars.next() {
                if c == self.escape && chars.peek().is_some_and(|(_, n)| *n == self.quote || *n == self.escape) {
                    text.extend(chars.next().map(|(_, n)| n));
                } else if c == self.quote {
                    if chars.next_if(|(_, n)| *n == self.quote).is_some() {
                        text.push(self.quote);
                        continue;
                    }
                    let after = &quoted[i + c.len_utf8()..];
                    return (
                        Some(text),
                        after
                            .find(&self.separator)
                            .map(|at| &after[at + self.separator.len()..]),
                    );
                } else {
                    text.push(c);
                }
            }
            // The quote is never closed: it is part of the value.
            return (Some(body.to_string()), None);
        }
        let (mut value, after) = match line.split_once(self.separator.as_str()) {
            Some((value, after)) => (value, Some(after)),
            None => (line, None),
        };
        if self.trim_left {
            value = value.trim_start_matches([' ', '\t']);
        }
        if self.trim_right {
            value = value.trim_end_matches([' ', '\t']);
        }
        ((value != self.null).then(|| value.to_string()), after)
    }

    /// Appends a value, in quotes where it needs them.
    pub(super) fn push(&self, out: &mut String, value: Option<&str>, first: bool) {
        if !first {
            out.push_str(&self.separator);
        }
        let Some(mut value) = value else {
            return out.push_str(&self.null);
        };
        if self.trim_left {
            value = value.trim_start_matches(|c| c <= ' ');
        }
        if self.trim_right {
            value = value.trim_end_matches(|c| c <= ' ');
        }
        if value.is_empty() {
            return out.push_str(&self.empty);
        }
        let special = value.contains(&self.separator)
            || value.contains([self.quote, '\n', '\r'])
            || value.starts_with('#') && first;
        if !special && !self.quote_all {
            return out.push_str(value);
        }
        out.push(self.quote);
        for c in value.chars() {
            if c == self.quote {
                out.push(self.escape);
            }
            out.push(c);
        }
        out.push(self.quote);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let dialect = Dialect::new(&Options::default(), false);
        let split = |line: &str| {
            dialect
                .split(line)
                .into_iter()
                .map(|v| v.unwrap_or("NULL".into()))
                .collect::<Vec<_>>()
        };
        assert_eq!(split("1,abc,2.5"), ["1", "abc", "2.5"]);
        assert_eq!(split("\"a,b\",c"), ["a,b", "c"]);
        assert_eq!(split("\"q\\\"r\",,x"), ["q\"r", "NULL", "x"]);
        let mut out = String::new();
        for (i, v) in [Some("1"), Some("x,y"), Some("q\"r"), None, Some("")]
            .into_iter()
            .enumerate()
        {
            dialect.push(&mut out, v, i == 0);
        }
        assert_eq!(out, "1,\"x,y\",\"q\\\"r\",,\"\"");
    }
}
