//! Occurrences of a pattern in a text by a collation's equality.
//!
//! A part of a text matches if it equals the pattern and stands alone: it does not begin with a character that counts
//! for nothing, it neither begins nor ends between a letter and its accents, and not inside of what the locale takes for
//! one letter (`ch` in Czech).

use icu_normalizer::properties::CanonicalCombiningClassMap;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

use super::rules::{Rules, lowered};

/// Most characters of a text that equal one character of a pattern, with room for accents.
const EXPANSION: usize = 4;

/// Separates letters without counting itself (COMBINING GRAPHEME JOINER).
const SEPARATOR: char = '\u{34f}';

/// A pattern to look for in texts.
pub(crate) struct Search<'a> {
    rules: &'a Rules,
    pattern: &'a str,
    /// The pattern in lower case, one character after the other.
    lowered: Vec<char>,
    most: usize,
    classes: CanonicalCombiningClassMapBorrowed<'static>,
    /// Nothing matches a pattern without weight.
    empty: bool,
}

impl<'a> Search<'a> {
    /// Prepares a search.
    pub(crate) fn new(rules: &'a Rules, pattern: &'a str) -> Self {
        Self {
            rules,
            pattern,
            lowered: lowered(pattern).collect(),
            most: pattern.chars().count() * EXPANSION + EXPANSION,
            classes: CanonicalCombiningClassMap::new(),
            empty: pattern.is_empty() || !rules.is_binary() && !rules.is_lcase() && rules.same(pattern, ""),
        }
    }

    /// Where the match that begins at byte `start` ends, if there is one.
    pub(crate) fn at(&self, text: &str, start: usize) -> Option<usize> {
        if self.empty {
            return None;
        }
        let rest = text.get(start..)?;
        if self.rules.is_binary() {
            return rest.starts_with(self.pattern).then(|| start + self.pattern.len());
        }
        if self.rules.is_lcase() {
            return self.at_lowered(rest).map(|n| start + n);
        }
        let first = rest.chars().next()?;
        if self.continues(first) && start > 0 || self.rules.same(&rest[..first.len_utf8()], "") {
            return None;
        }
        if self.rules.tailored() && self.joined(text, start) {
            return None;
        }
        rest.char_indices()
            .map(|(i, c)| i + c.len_utf8())
            .take(self.most)
            .find(|n| {
                let alone = rest[*n..].chars().next().is_none_or(|next| !self.continues(next));
                alone
                    && self.rules.same(&rest[..*n], self.pattern)
                    && !(self.rules.tailored() && self.joined(text, start + n))
            })
            .map(|n| start + n)
    }

    /// Bytes at the start of `rest` whose lower case is the pattern's.
    fn at_lowered(&self, rest: &str) -> Option<usize> {
        let mut wanted = self.lowered.iter();
        for (i, c) in rest.char_indices() {
            for l in super::rules::lower(c) {
                if wanted.next() != Some(&l) {
                    return None;
                }
            }
            if wanted.as_slice().is_empty() {
                return Some(i + c.len_utf8());
            }
        }
        None
    }

    /// The first match at or after byte `from`, as bytes.
    pub(crate) fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        text.get(from..)?
            .char_indices()
            .map(|(i, _)| from + i)
            .find_map(|start| Some((start, self.at(text, start)?)))
    }

    /// All matches that do not overlap, from the left.
    pub(crate) fn all(&self, text: &str) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        let mut from = 0;
        while let Some(hit) = self.find(text, from) {
            from = hit.1;
            out.push(hit);
        }
        out
    }

    /// A match that ends where the text ends.
    pub(crate) fn ends(&self, text: &str) -> Option<usize> {
        text.char_indices()
            .rev()
            .map(|(i, _)| i)
            .find(|start| self.at(text, *start) == Some(text.len()))
    }

    /// An accent of the character before it.
    fn continues(&self, c: char) -> bool {
        !c.is_ascii() && self.classes.get_u8(c) != 0
    }

    /// The characters before and behind `at` are one letter.
    fn joined(&self, text: &str, at: usize) -> bool {
        let (Some(before), Some(behind)) = (text[..at].chars().next_back(), text[at..].chars().next()) else {
            return false;
        };
        let together = String::from_iter([before, behind]);
        let apart = String::from_iter([before, SEPARATOR, behind]);
        !self.rules.same(&together, &apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Spark 4.3 finds them.
    #[test]
    fn matches() {
        for (collation, text, pattern, expected) in [
            ("UNICODE_CI", "aﬀb", "ff", Some((1, 4))),
            ("UNICODE_CI", "aﬀb", "f", None),
            ("UNICODE_CI", "ff", "ﬀ", Some((0, 2))),
            ("UNICODE_CI", "straße", "SS", None),
            ("UNICODE", "a\u{301}", "a", None),
            ("UNICODE_CI", "a\u{301}b", "b", Some((3, 4))),
            ("UNICODE_CI_AI", "á", "a", Some((0, 2))),
            ("UNICODE_CI", "a\u{301}", "\u{301}", None),
            ("UNICODE_CI", "á", "a\u{301}", Some((0, 2))),
            ("UNICODE_CI_AI", "xa\u{301}y", "a", Some((1, 4))),
            ("UNICODE_CI", "x\0ab", "A", Some((2, 3))),
            ("UNICODE_CI", "xa\0by", "AB", Some((1, 4))),
            ("UNICODE_CI", "ab", "\0", None),
            ("cs_CI", "chleb", "c", None),
            ("cs_CI", "chleb", "CH", Some((0, 2))),
            ("cs_CI", "chleb", "h", None),
            ("da_CI", "ånd", "aa", Some((0, 2))),
            ("UTF8_LCASE", "İ", "i", None),
            ("UTF8_LCASE", "aİb", "i̇", Some((1, 3))),
            ("UTF8_LCASE", "xi̇", "İ", Some((1, 4))),
        ] {
            let rules = Rules::get(collation.parse().unwrap()).unwrap();
            assert_eq!(
                Search::new(&rules, pattern).find(text, 0),
                expected,
                "{collation} {text} {pattern}"
            );
        }
    }
}
