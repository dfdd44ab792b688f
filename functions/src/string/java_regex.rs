//! Java's regular expressions on Rust's engines: linear time where the pattern allows it, backtracking for look-around,
//! back references and possessive quantifiers.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;
use rsql_common::{Error, Result, quoted_name};

/// Compiled patterns a thread keeps.
const KEPT: usize = 128;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) enum JavaRegex {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// Byte ranges of a match and its groups.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

thread_local! {
    static CACHE: RefCell<HashMap<String, Rc<JavaRegex>>> = RefCell::new(HashMap::new());
}

impl JavaRegex {
    /// The pattern compiled, from the thread's cache where it is there; `function` is named in the error.
    pub(crate) fn get(pattern: &str, function: &str) -> Result<Rc<JavaRegex>> {
        if let Some(regex) = CACHE.with_borrow(|c| c.get(pattern).cloned()) {
            return Ok(regex);
        }
        let regex = Rc::new(Self::compile(pattern).ok_or_else(|| {
            Error::user("INVALID_PARAMETER_VALUE.PATTERN")
                .param("parameter", "`regexp`")
                .param("functionName", quoted_name([function]))
                .param("value", format!("'{pattern}'"))
        })?);
        CACHE.with_borrow_mut(|c| {
            if c.len() >= KEPT {
                c.clear();
            }
            c.insert(pattern.to_string(), Rc::clone(&regex));
        });
        Ok(regex)
    }

    fn compile(pattern: &str) -> Option<Self> {
        let translated = translate(pattern);
        // To the linear engine `x?+` is `(?:x?)+`.
        if !has_possessive(&translated)
            && let Ok(regex) = regex::RegexBuilder::new(&translated).size_limit(64 << 20).build()
        {
            return Some(Self::Linear(regex));
        }
        fancy_regex::Regex::new(&translated)
            .ok()
            .map(|r| Self::Backtracking(Box::new(r)))
    }

    /// True if the pattern occurs in the text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Linear(r) => r.is_match(text),
            Self::Backtracking(r) => r.is_match(text).unwrap_or(false),
        }
    }

    /// Groups of the pattern, without the whole match.
    pub(crate) fn group_count(&self) -> usize {
        match self {
            Self::Linear(r) => r.captures_len() - 1,
            Self::Backtracking(r) => r.captures_len() - 1,
        }
    }

    /// The group of this name.
    pub(crate) fn group_named(&self, name: &str) -> Option<usize> {
        match self {
            Self::Linear(r) => r.capture_names().position(|n| n == Some(name)),
            Self::Backtracking(r) => r.capture_names().position(|n| n == Some(name)),
        }
    }

    /// Calls `f` with the range of each match from byte `start` on until it gives false.
    pub(crate) fn each_match(&self, text: &str, start: usize, mut f: impl FnMut(usize, usize) -> bool) {
        let mut at = start;
        while at <= text.len() {
            let found = match self {
                Self::Linear(r) => r.find_at(text, at).map(|m| (m.start(), m.end())),
                Self::Backtracking(r) => r.find_from_pos(text, at).ok().flatten().map(|m| (m.start(), m.end())),
            };
            let Some((from, to)) = found else { return };
            if !f(from, to) {
                return;
            }
            at = after(text, from, to);
        }
    }

    /// Calls `f` with the groups of each match from byte `start` on until it gives false.
    pub(crate) fn each_captures(&self, text: &str, start: usize, mut f: impl FnMut(&Groups) -> bool) {
        let mut at = start;
        while at <= text.len() {
            let groups: Option<Groups> = match self {
                Self::Linear(r) => r
                    .captures_at(text, at)
                    .map(|c| c.iter().map(|g| g.map(|m| (m.start(), m.end()))).collect()),
                Self::Backtracking(r) => r
                    .captures_from_pos(text, at)
                    .ok()
                    .flatten()
                    .map(|c| c.iter().map(|g| g.map(|m| (m.start(), m.end()))).collect()),
            };
            let Some(groups) = groups else { return };
            let Some((from, to)) = groups.first().copied().flatten() else {
                return;
            };
            if !f(&groups) {
                return;
            }
            at = after(text, from, to);
        }
    }
}

/// Where to look for the match after one at `from..to`; an empty match moves on by a character.
fn after(text: &str, from: usize, to: usize) -> usize {
    if to > from {
        to
    } else {
        to + text[to..].chars().next().map_or(1, char::len_utf8)
    }
}

/// Whether a quantifier gives nothing back: `?+`, `*+`, `++`, `{n,m}+`.
fn has_possessive(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    let (mut in_class, mut quantifier) = (false, false);
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => {
                bytes.next();
                quantifier = false;
            }
            b'[' => in_class = true,
            b']' => (in_class, quantifier) = (false, false),
            _ if in_class => {}
            b'+' if quantifier => return true,
            b'?' | b'*' | b'+' | b'}' => quantifier = true,
            _ => quantifier = false,
        }
    }
    false
}

/// Rewrites what Java writes differently: ASCII classes, `\Q…\E`, POSIX names, `\h`, `\Z`, escaped letters.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    let mut depth = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '[' => {
                depth += 1;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    out.push('^');
                }
                // A bracket right after the opening one is a member.
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
            }
            // Twice the same of these is a set operation in Rust alone.
            '-' | '~' if depth > 0 && chars.peek() == Some(&c) => {
                out.push('\\');
                out.push(c);
            }
            '\\' => escape(&mut chars, depth > 0, &mut out),
            _ => out.push(c),
        }
    }
    out
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, out: &mut String) {
    let mut class = |members: &str, negated: bool| match (in_class, negated) {
        (true, false) => out.push_str(members),
        (_, true) => out.extend(["[^", members, "]"]),
        (false, false) => out.extend(["[", members, "]"]),
    };
    match chars.next() {
        Some('d') => class("0-9", false),
        Some('D') => class("0-9", true),
        Some('w') => class("a-zA-Z0-9_", false),
        Some('W') => class("a-zA-Z0-9_", true),
        Some('s') => class(" \\t\\n\\x0B\\f\\r", false),
        Some('S') => class(" \\t\\n\\x0B\\f\\r", true),
        Some('h') => class(
            " \\t\\u{A0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}",
            false,
        ),
        Some('H') => class(
            " \\t\\u{A0}\\u{1680}\\u{180e}\\u{2000}-\\u{200a}\\u{202f}\\u{205f}\\u{3000}",
            true,
        ),
        Some('R') => out.push_str("(?:\\r\\n|[\\n\\x0B\\f\\r\\u{85}\\u{2028}\\u{2029}])"),
        Some('Z') => out.push_str("(?:\\n?\\z)"),
        Some('e') => out.push_str("\\x1B"),
        Some('Q') => {
            let mut literal = String::new();
            while let Some(c) = chars.next() {
                if c == '\\' && chars.peek() == Some(&'E') {
                    chars.next();
                    break;
                }
                literal.push(c);
            }
            out.push_str(&regex::escape(&literal));
        }
        Some(p @ ('p' | 'P')) if chars.peek() == Some(&'{') => {
            chars.next();
            let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
            let members = match name.as_str() {
                "Lower" => "a-z",
                "Upper" => "A-Z",
                "ASCII" => "\\x00-\\x7F",
                "Alpha" => "a-zA-Z",
                "Digit" => "0-9",
                "Alnum" => "a-zA-Z0-9",
                "Punct" => "!-/:-@\\[-`{-~",
                "Graph" => "!-~",
                "Print" => " -~",
                "Blank" => " \\t",
                "Cntrl" => "\\x00-\\x1F\\x7F",
                "XDigit" => "0-9a-fA-F",
                "Space" => " \\t\\n\\x0B\\f\\r",
                other => {
                    let name = other
                        .strip_prefix("Is")
                        .unwrap_or(other)
                        .strip_prefix("In")
                        .unwrap_or(other);
                    let name = name.strip_prefix("Is").unwrap_or(name);
                    out.extend(["\\", if p == 'p' { "p{" } else { "P{" }, name, "}"]);
                    return;
                }
            };
            class(members, p == 'P');
        }
        // Escaped punctuation stands for itself; so do `<` and `>`, which mean words in Rust.
        Some(c @ ('<' | '>')) => out.push(c),
        Some(c) => {
            out.push('\\');
            out.push(c);
        }
        None => out.push('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_syntax() {
        for (pattern, text, expected) in [
            (r"\d+", "a1", true),
            (r"\d", "٣", false),
            (r"[\w-]+", "a-b", true),
            (r"(a)\1", "aa", true),
            (r"a(?=b)", "ab", true),
            (r"a(?=b)", "ac", false),
            (r"\Qa.b\E", "a.b", true),
            (r"\Qa.b\E", "axb", false),
            (r"^\p{Alpha}+$", "abc", true),
            (r"[a-z&&[^b]]", "b", false),
            (r"%SystemDrive%\\Users.*", r"%SystemDrive%\Users\John", true),
            ("a++b", "aab", true),
            ("^(a)?+.+$", "a", false),
            (r"^\?+$", "??", true),
        ] {
            assert_eq!(
                JavaRegex::get(pattern, "rlike").unwrap().is_match(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(JavaRegex::get("(", "rlike").is_err());
    }
}
