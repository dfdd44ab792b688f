//! `replace`, `translate`, `substring_index`, `split_part` by a collation.

use super::rules::{Rules, lower};
use super::search::Search;

/// Every occurrence replaced.
pub(crate) fn replace(rules: &Rules, text: &str, search: &str, replacement: &str, out: &mut String) {
    let mut from = 0;
    for (start, end) in Search::new(rules, search).all(text) {
        out.push_str(&text[from..start]);
        out.push_str(replacement);
        from = end;
    }
    out.push_str(&text[from..]);
}

/// Each character of `from` replaced by the one of `to` at its place, or removed.
pub(crate) fn translate(rules: &Rules, text: &str, from: &str, to: &str, out: &mut String) {
    let mut to = to.chars();
    // A NUL in `to` removes the character.
    let pairs: Vec<(&str, Option<char>)> = from
        .char_indices()
        .map(|(i, c)| (&from[i..i + c.len_utf8()], to.next().filter(|t| *t != '\0')))
        .collect();
    if rules.is_lcase() || rules.is_binary() {
        let plain = |c: char| if rules.is_binary() { Some(c) } else { single(c) };
        for c in text.chars() {
            let hit = pairs.iter().find(|(p, _)| {
                p.chars()
                    .next()
                    .is_some_and(|p| p == c || plain(c).is_some() && plain(p) == plain(c))
            });
            match hit {
                None => out.push(c),
                Some((_, target)) => out.extend(*target),
            }
        }
        return;
    }
    let searches: Vec<(Search<'_>, Option<char>)> = pairs.iter().map(|(p, t)| (Search::new(rules, p), *t)).collect();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        match searches.iter().find_map(|(s, t)| Some((s.at(text, at)?, t))) {
            Some((end, target)) => {
                out.extend(*target);
                at = end;
            }
            None => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
}

/// The lower case of a character that is one character.
fn single(c: char) -> Option<char> {
    let mut lower = lower(c);
    let first = lower.next();
    first.filter(|_| lower.next().is_none())
}

/// What stands before the `count`-th delimiter, or after it from the right for a negative count. Occurrences may overlap.
pub(crate) fn substring_index<'t>(rules: &Rules, text: &'t str, delimiter: &str, count: i32) -> &'t str {
    let delimiter = rules.counted(delimiter);
    if delimiter.is_empty() || count == 0 {
        return "";
    }
    let search = Search::new(rules, delimiter);
    let hits: Vec<(usize, usize)> = text
        .char_indices()
        .filter_map(|(start, _)| Some((start, search.at(text, start)?)))
        .collect();
    let nth = count.unsigned_abs() as usize - 1;
    if count > 0 {
        hits.get(nth).map_or(text, |(start, _)| &text[..*start])
    } else {
        hits.iter().rev().nth(nth).map_or(text, |(_, end)| &text[*end..])
    }
}

/// A piece by its number from 1, or backwards from -1; empty if there is none.
pub(crate) fn split_part<'t>(rules: &Rules, text: &'t str, delimiter: &str, part: i32) -> &'t str {
    let delimiter = rules.counted(delimiter);
    let mut pieces = Vec::new();
    let mut from = 0;
    for (start, end) in Search::new(rules, delimiter).all(text) {
        pieces.push(&text[from..start]);
        from = end;
    }
    pieces.push(&text[from..]);
    let nth = part.unsigned_abs() as usize - 1;
    let piece = if part > 0 {
        pieces.get(nth).copied()
    } else {
        pieces.iter().rev().nth(nth).copied()
    };
    piece.unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(collation: &str) -> std::sync::Arc<Rules> {
        Rules::get(collation.parse().unwrap()).unwrap()
    }

    /// As Spark 4.3 answers.
    #[test]
    fn replaces() {
        for (collation, text, search, expected) in [
            ("UNICODE_CI", "abCabc", "bc", "a!a!"),
            ("UNICODE_CI_AI", "aébEc", "E", "a!b!c"),
            ("UNICODE_CI", "xﬀy", "ff", "x!y"),
            ("UTF8_LCASE", "xİy", "i̇", "x!y"),
            ("UTF8_LCASE_RTRIM", "ab", "B ", "ab"),
            ("UNICODE_CI", "abc", "", "abc"),
        ] {
            let mut out = String::new();
            replace(&rules(collation), text, search, "!", &mut out);
            assert_eq!(out, expected, "{collation} {text} {search}");
        }
    }

    #[test]
    fn translates() {
        for (collation, text, from, to, expected) in [
            ("UNICODE_CI", "abc", "B", "1", "a1c"),
            ("UNICODE_CI_AI", "aébc", "EB", "12", "a12c"),
            ("UNICODE_CI_AI", "Aa\u{301}b", "a", "x", "xxb"),
            ("UTF8_LCASE", "aİb", "i̇", "12", "aİb"),
            ("UTF8_LCASE", "abcABC", "aA", "12", "1bc1BC"),
            ("UNICODE_CI", "Straße", "s", "z", "ztraße"),
        ] {
            let mut out = String::new();
            translate(&rules(collation), text, from, to, &mut out);
            assert_eq!(out, expected, "{collation} {text}");
        }
    }

    #[test]
    fn splits() {
        for (collation, text, delimiter, count, expected) in [
            ("UNICODE_CI", "aBcbd", "b", 1, "a"),
            ("UNICODE_CI", "aBcbd", "b", -1, "d"),
            ("UNICODE_CI", "aBcbd", "b", 2, "aBc"),
            ("UTF8_LCASE", "aİbi̇c", "i̇", 1, "a"),
            ("UTF8_LCASE", "aİbi̇c", "İ", -1, "c"),
            ("UTF8_LCASE", "aaAaAAaA", "AaAA", 2, "a"),
        ] {
            let got = substring_index(&rules(collation), text, delimiter, count);
            assert_eq!(got, expected, "{collation} {text} {count}");
        }
        assert_eq!(split_part(&rules("UTF8_LCASE"), "aİbi̇c", "İ", 2), "b");
        assert_eq!(split_part(&rules("UNICODE_CI"), "abc", "", 1), "abc");
        assert_eq!(split_part(&rules("UTF8_LCASE"), "aBcbd", "b", -1), "d");
    }
}
