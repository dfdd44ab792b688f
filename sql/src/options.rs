//! What settings change in the grammar, and the limits of a text.

use rsql_common::{Result, Settings};

/// Switches and limits of the parser.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseOptions {
    /// ANSI mode.
    pub ansi: bool,
    /// `"x"` is an identifier (takes effect in ANSI mode).
    pub double_quoted_identifiers: bool,
    /// Reserved words are no identifiers (takes effect in ANSI mode).
    pub enforce_reserved: bool,
    /// Backslashes in strings stay as they are.
    pub escaped_string_literals: bool,
    /// A doubled quote ends one string literal and starts the next.
    pub consecutive_string_literals: bool,
    /// JOIN binds tighter than a comma in FROM (takes effect in ANSI mode).
    pub relation_precedence: bool,
    /// All set operators bind alike, from left to right.
    pub legacy_set_operators: bool,
    /// `1e3` is a decimal rather than a double.
    pub exponent_as_decimal: bool,
    /// Deepest nesting accepted.
    pub max_depth: usize,
    /// Longest text accepted, in bytes.
    pub max_length: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            ansi: true,
            double_quoted_identifiers: false,
            enforce_reserved: false,
            escaped_string_literals: false,
            consecutive_string_literals: false,
            relation_precedence: false,
            legacy_set_operators: false,
            exponent_as_decimal: false,
            max_depth: 1000,
            max_length: 16 << 20,
        }
    }
}

impl ParseOptions {
    /// What a session's settings ask for.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        let ansi = settings.ansi();
        Ok(Self {
            ansi,
            double_quoted_identifiers: ansi && settings.bool("spark.sql.ansi.doubleQuotedIdentifiers"),
            enforce_reserved: ansi && settings.bool("spark.sql.ansi.enforceReservedKeywords"),
            escaped_string_literals: settings.bool("spark.sql.parser.escapedStringLiterals"),
            consecutive_string_literals: settings.bool("spark.sql.legacy.consecutiveStringLiterals.enabled"),
            relation_precedence: ansi && settings.bool("spark.sql.ansi.relationPrecedence"),
            legacy_set_operators: settings.bool("spark.sql.legacy.setopsPrecedence.enabled"),
            exponent_as_decimal: settings.bool("spark.sql.legacy.exponentLiteralAsDecimal.enabled"),
            max_depth: settings.usize("rsql.sql.max_depth")?,
            max_length: settings.usize("rsql.sql.max_length")?,
        })
    }
}
