//! `trim`, `ltrim`, `rtrim` by a collation.

use super::rules::{Rules, lower};
use super::search::Search;

/// A text of two characters in lower case: the dotted capital I.
const DOTTED: [char; 2] = ['i', '\u{307}'];

/// The text without the characters of `set` at its ends. Trailing spaces that do not count stay, unless they are in
/// `set`.
pub(crate) fn trimmed(rules: &Rules, text: &str, set: &str, start: bool, end: bool) -> String {
    let characters = Characters::new(rules, set);
    let mut from = 0;
    if start {
        while let Some(next) = characters.at(text, from) {
            from = next;
        }
    }
    let mut out = text[from..].to_string();
    if end {
        let kept = if rules.rtrim() && !set.contains(' ') {
            out.trim_end_matches(' ').len()
        } else {
            out.len()
        };
        let mut to = kept;
        while let Some(before) = characters.before(&out[..to]) {
            to = before;
        }
        out.replace_range(to..kept, "");
    }
    out
}

/// The characters to trim.
struct Characters<'a> {
    rules: &'a Rules,
    /// Lower case of those with one character there.
    plain: Vec<char>,
    dotted: bool,
    searches: Vec<Search<'a>>,
}

impl<'a> Characters<'a> {
    fn new(rules: &'a Rules, set: &'a str) -> Self {
        let by_character = rules.is_lcase() || rules.is_binary();
        let fold = |c: char| {
            if rules.is_lcase() {
                lower(c).next().unwrap_or(c)
            } else {
                c
            }
        };
        Self {
            rules,
            plain: if by_character {
                set.chars()
                    .filter(|c| *c != 'İ' || rules.is_binary())
                    .map(fold)
                    .collect()
            } else {
                Vec::new()
            },
            dotted: set.contains('İ'),
            searches: if by_character {
                Vec::new()
            } else {
                set.char_indices()
                    .map(|(i, c)| Search::new(rules, &set[i..i + c.len_utf8()]))
                    .collect()
            },
        }
    }

    /// One character of the text is among them.
    fn has(&self, c: char) -> bool {
        if self.rules.is_binary() {
            return self.plain.contains(&c);
        }
        if c == 'İ' {
            return self.dotted;
        }
        lower(c).next().is_some_and(|l| self.plain.contains(&l))
    }

    /// Where the match at byte `from` ends.
    fn at(&self, text: &str, from: usize) -> Option<usize> {
        let rest = &text[from..];
        let first = rest.chars().next()?;
        if !self.searches.is_empty() {
            return self.searches.iter().find_map(|s| s.at(text, from));
        }
        if self.has(first) {
            return Some(from + first.len_utf8());
        }
        let pair = self.rules.is_lcase() && self.dotted && rest.chars().flat_map(lower).take(2).eq(DOTTED);
        pair.then(|| from + rest.chars().take(2).map(char::len_utf8).sum::<usize>())
    }

    /// Where the match at the text's end begins.
    fn before(&self, text: &str) -> Option<usize> {
        let last = text.chars().next_back()?;
        if !self.searches.is_empty() {
            return self.searches.iter().find_map(|s| s.ends(text));
        }
        if self.has(last) {
            return Some(text.len() - last.len_utf8());
        }
        let mut back = text.chars().rev();
        let (second, first) = (back.next()?, back.next()?);
        let pair = self.rules.is_lcase() && self.dotted && [first, second].into_iter().flat_map(lower).eq(DOTTED);
        pair.then(|| text.len() - first.len_utf8() - second.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Spark 4.3 answers.
    #[test]
    fn trims() {
        for (collation, set, text, start, end, expected) in [
            ("UNICODE_CI", "x", "Xabx", true, true, "ab"),
            ("UTF8_LCASE", "X", "xabx", true, true, "ab"),
            ("UNICODE_CI", "xX", "xXab", true, false, "ab"),
            ("UNICODE_CI_AI", "e", "éabÉ", true, true, "ab"),
            ("UNICODE_CI_AI", "a", "a\u{301}b", true, false, "b"),
            ("UNICODE_CI", "á", "Ábá", true, false, "bá"),
            ("UNICODE_CI", "ß", "xss", false, true, "xss"),
            ("UNICODE_CI_RTRIM", "x ", "abx x  ", false, true, "ab"),
            ("UTF8_LCASE_RTRIM", "x", "xaX  ", true, true, "a  "),
            ("UTF8_BINARY_RTRIM", "x", "aX x  ", false, true, "aX   "),
            ("UTF8_LCASE_RTRIM", "a", "xA ", false, true, "x "),
            ("UNICODE_CI_RTRIM", " ", "  x  ", true, false, "x  "),
            ("UNICODE_CI_RTRIM", " ", "  x  ", false, true, "  x"),
            ("UTF8_LCASE", "xİi̇", "i̇", true, true, ""),
            ("UTF8_LCASE", "i̇", "İx", true, false, "İx"),
            ("UTF8_LCASE", "İ", "i̇x", true, false, "x"),
            ("UTF8_LCASE", "i", "xİ", false, true, "xİ"),
        ] {
            let rules = Rules::get(collation.parse().unwrap()).unwrap();
            let got = trimmed(&rules, text, set, start, end);
            assert_eq!(got, expected, "{collation} {set} {text}");
        }
    }
}
