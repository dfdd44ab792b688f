//! Options of readers and writers: a literal map of texts, keys without regard to case.

use rsql_expr::function::EvalArgs;
use rsql_expr::{Expr, Scalar};

/// Options of a call.
#[derive(Debug, Default)]
pub(crate) struct Options(Vec<(String, String)>);

impl Options {
    /// The literal map at argument `index`, or none.
    pub(crate) fn of(args: &EvalArgs<'_>, index: usize) -> Self {
        args.call.args.get(index).map_or_else(Self::default, Self::in_expr)
    }

    /// The literal map that an expression is, or none.
    pub(crate) fn in_expr(expr: &Expr) -> Self {
        match expr.as_literal().map(|l| &l.value) {
            Some(Scalar::Map(entries)) => Self(
                entries
                    .iter()
                    .filter_map(|(k, v)| Some((k.as_str()?.to_lowercase(), v.as_str()?.to_string())))
                    .collect(),
            ),
            _ => Self::default(),
        }
    }

    /// The value of a (lower-case) key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The flag of a (lower-case) key.
    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, |v| v.eq_ignore_ascii_case("true"))
    }

    /// The first character of a key's value.
    pub(crate) fn character(&self, key: &str, default: char) -> char {
        self.get(key).and_then(|v| v.chars().next()).unwrap_or(default)
    }

    /// Broken records raise an error.
    pub(crate) fn fail_fast(&self) -> bool {
        self.get("mode").is_some_and(|m| m.eq_ignore_ascii_case("failfast"))
    }
}
