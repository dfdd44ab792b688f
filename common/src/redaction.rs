//! Which parts of a statement's text are not for everybody who may see that it ran.
//!
//! Event logs and monitoring show what was run. As Spark does, the value of a property or option whose key tells a secret
//! (`spark.redaction.regex`) is hidden there, and so is whatever `spark.sql.redaction.string.regex` finds. Values are found
//! in the text as it was written: it may be cut short, or be none that parses.

use std::sync::OnceLock;

use regex::Regex;

use crate::settings::Settings;
use crate::{Error, Result};

/// What stands in place of a secret, as in Spark.
pub const HIDDEN: &str = "*********(redacted)";

const KEYS: &str = "spark.redaction.regex";
const TEXT: &str = "spark.sql.redaction.string.regex";

/// What is hidden.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    keys: Option<Regex>,
    text: Option<Regex>,
}

/// True for a key whose value is hidden unless other keys are set.
pub fn is_secret(key: &str) -> bool {
    static DEFAULT: OnceLock<Redaction> = OnceLock::new();
    let default = DEFAULT.get_or_init(|| Redaction::from_settings(&Settings::default()).unwrap_or_default());
    default.is_secret(key)
}

impl Redaction {
    /// As a session wants it.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        let pattern = |key: &str| match settings.get(key) {
            None | Some("") => Ok(None),
            Some(pattern) => Regex::new(pattern).map(Some).map_err(|e| {
                Error::user("INVALID_CONF_VALUE.TYPE_MISMATCH")
                    .param("confName", key)
                    .param("confValue", pattern)
                    .param("confType", "a regular expression")
                    .with_message(format!("The value of {key} is no regular expression: {e}"))
            }),
        };
        Ok(Self {
            keys: pattern(KEYS)?,
            text: pattern(TEXT)?,
        })
    }

    /// True for a key, or a value, that tells a secret.
    pub fn is_secret(&self, key: &str) -> bool {
        self.keys.as_ref().is_some_and(|k| k.is_match(key))
    }

    /// Text of no form, such as a plan's.
    pub fn text(&self, text: &str) -> String {
        match &self.text {
            Some(hidden) => hidden.replace_all(text, regex::NoExpand(HIDDEN)).into_owned(),
            None => text.to_string(),
        }
    }

    /// A statement: the values of `key = 'value'`, `key 'value'` and `map('key', 'value')` whose keys tell a secret, and
    /// values that tell one themselves.
    pub fn sql(&self, sql: &str) -> String {
        let mut out = String::with_capacity(sql.len());
        let mut before = Before::Other;
        let mut rest = sql;
        while let Some((token, len)) = next(rest) {
            let (text, after) = rest.split_at(len);
            rest = after;
            let (hidden, now) = self.hides(token, text, before);
            before = now;
            match hidden {
                true if token == Token::Literal => out.push_str(&format!("'{HIDDEN}'")),
                true => out.push_str(HIDDEN),
                false => out.push_str(text),
            }
        }
        self.text(&out)
    }

    /// Whether a token is a secret, and what the next one follows then.
    fn hides(&self, token: Token, text: &str, before: Before) -> (bool, Before) {
        let key = |quoted| match self.is_secret(text) {
            true => Before::Secret { quoted },
            false => Before::Other,
        };
        match (token, before) {
            (Token::Space, _) => (false, before),
            (Token::Literal, Before::Secret { .. } | Before::SecretEquals | Before::Hidden) => (true, Before::Hidden),
            (Token::Literal, Before::Equals) if self.is_secret(text) => (true, Before::Hidden),
            (Token::Word, Before::SecretEquals) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                (true, Before::Hidden)
            }
            (Token::Literal, _) => (false, key(true)),
            (Token::Word, _) => (false, key(false)),
            (Token::Symbol('='), Before::Secret { .. } | Before::SecretEquals) => (false, Before::SecretEquals),
            // The arrow of a named argument.
            (Token::Symbol('>'), Before::SecretEquals) => (false, before),
            (Token::Symbol('-'), Before::SecretEquals) => (false, before),
            (Token::Symbol('='), _) => (false, Before::Equals),
            (Token::Symbol(','), Before::Secret { quoted: true }) => (false, before),
            (Token::Symbol(_), _) => (false, Before::Other),
        }
    }
}

/// What a token follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A key that tells a secret.
    Secret {
        quoted: bool,
    },
    /// Such a key and an equals sign.
    SecretEquals,
    /// A value that was hidden: a literal right behind belongs to it.
    Hidden,
    Equals,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Blanks and comments.
    Space,
    /// In quotes, with what may stand before them.
    Literal,
    /// A name with its dots and backquotes, or a number.
    Word,
    Symbol(char),
}

/// The token that a text starts with, and its length.
fn next(text: &str) -> Option<(Token, usize)> {
    let first = text.chars().next()?;
    let until = |end: Option<usize>| end.unwrap_or(text.len());
    if first.is_whitespace() {
        return Some((Token::Space, until(text.find(|c: char| !c.is_whitespace()))));
    }
    if text.starts_with("--") {
        return Some((Token::Space, until(text.find('\n'))));
    }
    // A hint is read like the rest of the statement.
    if text.starts_with("/*") && !text.starts_with("/*+") {
        return Some((Token::Space, until(text.find("*/").map(|at| at + 2))));
    }
    if matches!(first, '\'' | '"') {
        return Some((Token::Literal, literal(text, 0, false)));
    }
    let len = word(text);
    if len == 0 {
        return Some((Token::Symbol(first), first.len_utf8()));
    }
    let prefix = text[..len].eq_ignore_ascii_case("r") || text[..len].eq_ignore_ascii_case("x");
    match prefix && text[len..].starts_with(['\'', '"']) {
        true => Some((Token::Literal, literal(text, len, true))),
        false => Some((Token::Word, len)),
    }
}

/// Where the literal ends whose quote is at `quote`.
fn literal(text: &str, quote: usize, raw: bool) -> usize {
    let mut chars = text[quote..].char_indices();
    let Some((_, mark)) = chars.next() else {
        return text.len();
    };
    while let Some((at, c)) = chars.next() {
        if c == mark {
            return quote + at + 1;
        }
        if c == '\\' && !raw {
            chars.next();
        }
    }
    text.len()
}

/// Length of a name or number with its dots; 0 if there is none.
fn word(text: &str) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c == '`' {
            let rest = &text[at + 1..];
            at += rest.find('`').map_or(rest.len() + 1, |end| end + 2);
        } else if c.is_alphanumeric() || matches!(c, '_' | '.') {
            at += c.len_utf8();
        } else {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_keys_are_hidden() {
        let hidden = format!("'{HIDDEN}'");
        let redaction = Redaction::from_settings(&Settings::default()).unwrap();
        for (sql, wanted) in [
            (
                "TBLPROPERTIES('password'='x', 'a'='b')",
                "TBLPROPERTIES('password'=H, 'a'='b')",
            ),
            (
                "OPTIONS (fs.s3a.secret.key \"x\", k 1)",
                "OPTIONS (fs.s3a.secret.key H, k 1)",
            ),
            (
                "OPTIONS (`my`.`Token` = r'x\\', k = 'v')",
                "OPTIONS (`my`.`Token` = H, k = 'v')",
            ),
            ("('accessKey' = 'it''s', 'n' = 'o')", "('accessKey' = HH, 'n' = 'o')"),
            (
                "('access.key' /* c */ = -- d\n 'a\\'b')",
                "('access.key' /* c */ = -- d\n H)",
            ),
            ("f(password => 'x', y => 'z')", "f(password => H, y => 'z')"),
            ("map('token', 'x', 'y', 'z')", "map('token', H, 'y', 'z')"),
            ("('url' = 'jdbc:p?password=x')", "('url' = H)"),
            ("('password' = 'cut sho", "('password' = H"),
            (
                "SELECT 'a' AS password, 'b' FROM t",
                "SELECT 'a' AS password, 'b' FROM t",
            ),
            ("SELECT k = 'v' -- password = 'x'", "SELECT k = 'v' -- password = 'x'"),
        ] {
            assert_eq!(redaction.sql(sql), wanted.replace('H', &hidden), "{sql}");
        }
        assert_eq!(redaction.sql("('token' = 123)"), format!("('token' = {HIDDEN})"));
        assert!(is_secret("a.ACCESSKEY") && !is_secret("key"));
    }

    #[test]
    fn sessions_say_what_else_is_hidden() {
        let settings = Settings::default()
            .with(TEXT, "[0-9]{4}")
            .and_then(|s| s.with(KEYS, "(?i)pin"))
            .unwrap();
        let redaction = Redaction::from_settings(&settings).unwrap();
        let sql = "OPTIONS ('PIN' = 'x', password 'y') WHERE card = 1234";
        let wanted = format!("OPTIONS ('PIN' = '{HIDDEN}', password 'y') WHERE card = {HIDDEN}");
        assert_eq!(redaction.sql(sql), wanted);
        let broken = Settings::default().with(TEXT, "(").unwrap();
        assert!(Redaction::from_settings(&broken).is_err());
    }
}
