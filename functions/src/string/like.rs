//! `like` and `ilike`: patterns of `%` and `_`, compiled to literal pieces that are searched for by `memmem`.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use memchr::memmem::Finder;
use rsql_common::{Error, Result};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};

use super::case::push_lower;
use super::{Definitions, doc, two_texts};
use crate::collation;
use crate::kernel::{StrCol, bool_rows, fallible, some};

pub(super) const ALL: Definitions = &[&LIKE, &ILIKE];

const TEXTS: &[TypeSpec] = &[TypeSpec::String, TypeSpec::String, TypeSpec::String];

/// `str LIKE pattern [ESCAPE escape]`
static LIKE: ScalarFn = fallible(
    "like",
    &[],
    doc(
        "str LIKE pattern [ESCAPE escape]",
        "True if the pattern matches; % stands for any text, _ for any character.",
        "SELECT 'Spark' LIKE '_park'",
    ),
    Signature::optional(TEXTS, 2, ret::BOOLEAN),
    |args| {
        matched(
            args,
            if collation::folds_case(args, 0) {
                Fold::Characters
            } else {
                Fold::Not
            },
        )
    },
);

/// `str ILIKE pattern [ESCAPE escape]`
static ILIKE: ScalarFn = fallible(
    "ilike",
    &[],
    doc(
        "str ILIKE pattern [ESCAPE escape]",
        "LIKE without regard to case.",
        "SELECT 'Spark' ILIKE '_PARK'",
    ),
    Signature::optional(TEXTS, 2, ret::BOOLEAN),
    |args| matched(args, Fold::Text),
);

/// How case is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    Not,
    /// Both texts in lower case, as a whole.
    Text,
    /// Character by character, as Java's patterns do: what becomes two characters stays.
    Characters,
}

impl Fold {
    fn push(self, out: &mut String, text: &str) {
        match self {
            Fold::Not => out.push_str(text),
            Fold::Text => push_lower(out, text),
            Fold::Characters if text.is_ascii() => push_lower(out, text),
            Fold::Characters => out.extend(
                text.chars()
                    .map(|c| single(single(c, char::to_uppercase), char::to_lowercase)),
            ),
        }
    }
}

/// The case mapping of a character that gives one character, else the character.
fn single<I: ExactSizeIterator<Item = char>>(c: char, map: impl Fn(char) -> I) -> char {
    let mut mapped = map(c);
    if mapped.len() == 1 {
        mapped.next().unwrap_or(c)
    } else {
        c
    }
}

fn matched(args: &EvalArgs<'_>, fold: Fold) -> Result<ArrayRef> {
    let (texts, patterns) = two_texts(args)?;
    let escapes = StrCol::optional(args, 2)?;
    let escape = |row: usize| match &escapes {
        Some(e) => e.get(row).map(|e| e.chars().next()),
        None => Some(Some('\\')),
    };
    let compile = |pattern: &str, escape: Option<char>| {
        let mut folded = String::new();
        fold.push(&mut folded, pattern);
        Pattern::compile(&folded, escape).map_err(|e| args.error(e))
    };
    let mut lower = String::new();
    if patterns.is_constant() && escapes.as_ref().is_none_or(StrCol::is_constant) && args.rows > 0 {
        let (Some(pattern), Some(escape)) = (patterns.get(0), escape(0)) else {
            return bool_rows(args.rows, |_| Ok(None));
        };
        let pattern = compile(pattern, escape)?;
        let hits: BooleanArray = (0..args.rows)
            .map(|row| {
                texts.get(row).map(|text| {
                    if fold == Fold::Not {
                        return pattern.matches(text);
                    }
                    lower.clear();
                    fold.push(&mut lower, text);
                    pattern.matches(&lower)
                })
            })
            .collect();
        return Ok(Arc::new(hits));
    }
    bool_rows(args.rows, |row| {
        let (text, pattern, escape) = (some!(texts.get(row)), some!(patterns.get(row)), some!(escape(row)));
        let pattern = compile(pattern, escape)?;
        if fold == Fold::Not {
            return Ok(Some(pattern.matches(text)));
        }
        lower.clear();
        fold.push(&mut lower, text);
        Ok(Some(pattern.matches(&lower)))
    })
}

/// A compiled pattern: pieces with `%` between them.
#[derive(Debug)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    /// The first piece stands at the start of the text.
    starts: bool,
    /// The last piece stands at the end of the text.
    ends: bool,
}

/// What stands between two `%`.
#[derive(Debug)]
enum Piece {
    Literal(Box<Finder<'static>>),
    /// Characters, `None` for `_`.
    Wild(Vec<Option<char>>),
}

impl Piece {
    fn new(tokens: &[Option<char>]) -> Self {
        match tokens.iter().copied().collect::<Option<String>>() {
            Some(literal) => Piece::Literal(Box::new(Finder::new(literal.as_bytes()).into_owned())),
            None => Piece::Wild(tokens.to_vec()),
        }
    }

    /// Bytes the piece takes at the start of `text`, if it matches there.
    fn at_start(&self, text: &str) -> Option<usize> {
        match self {
            Piece::Literal(f) => text.as_bytes().starts_with(f.needle()).then(|| f.needle().len()),
            Piece::Wild(tokens) => {
                let mut chars = text.chars();
                for token in tokens {
                    let c = chars.next()?;
                    if token.is_some_and(|t| t != c) {
                        return None;
                    }
                }
                Some(text.len() - chars.as_str().len())
            }
        }
    }

    /// Bytes the piece takes at the end of `text`, if it matches there.
    fn at_end(&self, text: &str) -> Option<usize> {
        match self {
            Piece::Literal(f) => text.as_bytes().ends_with(f.needle()).then(|| f.needle().len()),
            Piece::Wild(tokens) => {
                let mut chars = text.chars();
                for token in tokens.iter().rev() {
                    let c = chars.next_back()?;
                    if token.is_some_and(|t| t != c) {
                        return None;
                    }
                }
                Some(text.len() - chars.as_str().len())
            }
        }
    }

    /// Where the first occurrence in `text` ends.
    fn find_end(&self, text: &str) -> Option<usize> {
        match self {
            Piece::Literal(f) => f.find(text.as_bytes()).map(|at| at + f.needle().len()),
            Piece::Wild(_) => text
                .char_indices()
                .map(|(i, _)| i)
                .find_map(|i| self.at_start(&text[i..]).map(|n| i + n)),
        }
    }
}

impl Pattern {
    /// Reads a pattern; the escape character takes the meaning from `%`, `_` and itself.
    pub(super) fn compile(pattern: &str, escape: Option<char>) -> Result<Self> {
        let shown = || format!("'{}'", pattern.replace('\\', "\\\\"));
        let mut pieces: Vec<Vec<Option<char>>> = vec![vec![]];
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let token = if Some(c) == escape {
                match chars.next() {
                    Some(next) if next == '%' || next == '_' || Some(next) == escape => Some(next),
                    Some(next) => {
                        return Err(Error::user("INVALID_FORMAT.ESC_IN_THE_MIDDLE")
                            .param("format", shown())
                            .param("char", format!("'{next}'")));
                    }
                    None => {
                        return Err(Error::user("INVALID_FORMAT.ESC_AT_THE_END").param("format", shown()));
                    }
                }
            } else if c == '%' {
                pieces.push(vec![]);
                continue;
            } else if c == '_' {
                None
            } else {
                Some(c)
            };
            if let Some(piece) = pieces.last_mut() {
                piece.push(token);
            }
        }
        let starts = pieces.first().is_some_and(|p| !p.is_empty()) || pieces.len() == 1;
        let ends = pieces.last().is_some_and(|p| !p.is_empty()) || pieces.len() == 1;
        let whole = pieces.len() == 1;
        let pieces = pieces
            .iter()
            .filter(|p| whole || !p.is_empty())
            .map(|p| Piece::new(p))
            .collect();
        Ok(Self { pieces, starts, ends })
    }

    /// True if the whole text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text;
        let mut pieces = self.pieces.as_slice();
        if self.starts {
            let Some((first, others)) = pieces.split_first() else {
                return text.is_empty();
            };
            let Some(n) = first.at_start(rest) else { return false };
            rest = &rest[n..];
            if others.is_empty() && self.ends {
                return rest.is_empty();
            }
            pieces = others;
        }
        if self.ends {
            let Some((last, others)) = pieces.split_last() else {
                return true;
            };
            let Some(n) = last.at_end(rest) else { return false };
            rest = &rest[..rest.len() - n];
            pieces = others;
        }
        pieces.iter().all(|piece| match piece.find_end(rest) {
            Some(end) => {
                rest = &rest[end..];
                true
            }
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "a%c", true),
            ("abc", "a_c", true),
            ("abc", "_", false),
            ("", "%", true),
            ("", "", true),
            ("a", "", false),
            ("special packages requests", "%special%requests%", true),
            ("special", "%special%special%", false),
            ("aXb", "a\\_b", false),
            ("a_b", "a\\_b", true),
            ("äbc", "_bc", true),
            ("aab", "%_b", true),
            ("ab", "a%b%b", false),
            ("abab", "ab%ab", true),
            ("aba", "ab%ba", false),
            ("xyz", "%%", true),
            ("a\nb", "a%b", true),
        ] {
            assert_eq!(
                Pattern::compile(pattern, Some('\\')).unwrap().matches(text),
                expected,
                "{text} {pattern}"
            );
        }
        assert!(Pattern::compile("a\\b", Some('\\')).is_err());
        assert!(Pattern::compile("a\\", Some('\\')).is_err());
    }
}
