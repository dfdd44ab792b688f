//! Parameters and `IDENTIFIER(…)`: values that stand in the text as placeholders.

use rsql_ast as ast;
use rsql_ast::{ExprKind, Ident, Literal};
use rsql_common::{Error, Result};
use rsql_expr::Expr;

use super::{Allow, Binder, Bound};
use crate::collected::Collected;
use crate::env::Env;
use crate::scope::Scope;

impl Binder<'_> {
    /// `?`
    pub(super) fn positional(&mut self, index: usize) -> Result<Bound> {
        match self.env.cx.positional.get(index) {
            Some(value) => {
                let value = value.clone();
                let text = crate::naming::constant(&value, &self.env);
                Ok(self.named(Expr::lit(value), || text))
            }
            None => Err(Error::user("UNBOUND_SQL_PARAMETER").param("name", format!("_{}", index + 1))),
        }
    }

    /// `:name`
    pub(super) fn named_parameter(&mut self, name: &str) -> Result<Bound> {
        match self.env.cx.named.get(name) {
            Some(value) => {
                let value = value.clone();
                let text = crate::naming::constant(&value, &self.env);
                Ok(self.named(Expr::lit(value), || text))
            }
            None => Err(Error::user("UNBOUND_SQL_PARAMETER").param("name", name)),
        }
    }
}

/// The name that `IDENTIFIER(expr)` evaluates to.
pub(crate) fn identifier_parts(inner: &ast::Expr, env: &Env<'_>) -> Result<Vec<Ident>> {
    let text = if let ExprKind::Literal(Literal::String(text)) = &inner.kind {
        text.clone()
    } else {
        let scope = Scope::default();
        let mut out = Collected::default();
        let mut binder = Binder::new(env.without_outer(), &scope, Allow::rows("IDENTIFIER"), &mut out);
        let expr = binder.expr(inner)?;
        let not_constant =
            |what: &str| Error::user(format!("NOT_A_CONSTANT_STRING.{what}")).param("name", "IDENTIFIER");
        if !expr.is_foldable() {
            return Err(not_constant("NOT_CONSTANT").at(inner.span));
        }
        if !expr.ty().is_string() {
            return Err(not_constant("WRONG_TYPE")
                .param("dataType", expr.ty().quoted())
                .at(inner.span));
        }
        let value = rsql_expr::eval::fold(&expr, &env.cx.registry)?;
        match value.value.as_str() {
            Some(text) => text.to_string(),
            None => return Err(not_constant("NULL").at(inner.span)),
        }
    };
    parse_name(&text)
        .map(|parts| {
            parts
                .into_iter()
                .map(|(value, quoted)| Ident {
                    value,
                    quoted,
                    span: inner.span,
                })
                .collect()
        })
        .ok_or_else(|| {
            Error::user("PARSE_SYNTAX_ERROR")
                .param("error", format!("'{text}'"))
                .param("hint", "")
                .at(inner.span)
        })
}

/// Splits a dotted name with backquotes.
fn parse_name(text: &str) -> Option<Vec<(String, bool)>> {
    let mut parts = Vec::new();
    let mut chars = text.trim().chars().peekable();
    loop {
        let mut part = String::new();
        let quoted = chars.next_if_eq(&'`').is_some();
        if quoted {
            loop {
                match chars.next()? {
                    '`' if chars.next_if_eq(&'`').is_some() => part.push('`'),
                    '`' => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                part.push(c);
            }
        }
        if part.is_empty() {
            return None;
        }
        parts.push((part, quoted));
        match chars.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_name;

    #[test]
    fn names_split_at_dots_outside_backquotes() {
        let plain = |s: &str| parse_name(s).map(|v| v.into_iter().map(|(p, _)| p).collect::<Vec<_>>());
        assert_eq!(plain("a.`b.c`.d"), Some(vec!["a".into(), "b.c".into(), "d".into()]));
        assert_eq!(plain("`x``y`"), Some(vec!["x`y".into()]));
        assert_eq!(plain("a b"), None);
        assert_eq!(plain(""), None);
    }
}
