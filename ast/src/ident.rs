//! Names as the user wrote them.

use std::fmt;

use rsql_common::{Span, quoted_name};

/// One part of a name. `value` is without quotes.
#[derive(Debug, Clone)]
pub struct Ident {
    /// The name's text.
    pub value: String,
    /// Written in backquotes (or in double quotes where those quote identifiers).
    pub quoted: bool,
    /// Where it stands.
    pub span: Span,
}

/// A dotted name: `catalog.database.table`, or a path such as ``parquet.`/data/x` ``.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectName(pub Vec<Ident>);

impl Ident {
    /// An unquoted name without a place; for trees built by hand.
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            quoted: false,
            span: Span::NONE,
        }
    }
}

/// Places do not count.
impl PartialEq for Ident {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.quoted == other.quoted
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain =
            !self.quoted && self.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !self.value.is_empty();
        if plain {
            f.write_str(&self.value)
        } else {
            f.write_str(&quoted_name([&self.value]))
        }
    }
}

impl ObjectName {
    /// A name of unquoted parts without a place; for trees built by hand.
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.iter().map(|p| Ident::new(*p)).collect())
    }

    /// The last part's text; empty for an empty name.
    pub fn last(&self) -> &str {
        self.0.last().map_or("", |i| i.value.as_str())
    }

    /// All parts' texts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|i| i.value.as_str())
    }

    /// From the first part to the last.
    pub fn span(&self) -> Span {
        self.0.iter().fold(Span::NONE, |s, i| s.to(i.span))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}
