//! Names: identifiers, dotted names, and `IDENTIFIER('…')` in their place.

use rsql_ast::command::NameExpr;
use rsql_ast::{Ident, ObjectName};
use rsql_common::{Error, Result, Span, quoted_name};

use crate::keyword;
use crate::parser::Parser;
use crate::string_literal;
use crate::token::{Symbol, Token, TokenKind};

impl Parser<'_> {
    /// True when the token `n` ahead can be an identifier.
    pub(crate) fn identifier_at(&self, n: usize) -> bool {
        let token = self.peek_at(n);
        match token.kind {
            TokenKind::Quoted => true,
            TokenKind::Word => !(self.enforces_reserved() && keyword::is_reserved(self.token_text(token))),
            _ => false,
        }
    }

    fn enforces_reserved(&self) -> bool {
        self.options.ansi && self.options.enforce_reserved
    }

    pub(crate) fn to_ident(&self, token: Token) -> Ident {
        let text = self.token_text(token);
        let quoted = token.kind == TokenKind::Quoted;
        Ident {
            value: if quoted {
                string_literal::identifier(text)
            } else {
                text.to_string()
            },
            quoted,
            span: token.span(),
        }
    }

    /// One identifier in an expression, where a `-` may follow.
    pub(crate) fn ident(&mut self) -> Result<Ident> {
        if self.at_identifier_literal() {
            return self.single_identifier_literal();
        }
        if !self.identifier_at(0) {
            return Err(self.expected("a name"));
        }
        let token = self.advance();
        Ok(self.to_ident(token))
    }

    /// One identifier where no expression may go on: `a-b` has to be quoted.
    pub(crate) fn name(&mut self) -> Result<Ident> {
        let ident = self.ident()?;
        if self.at_symbol(Symbol::Minus) && self.identifier_at(1) {
            let start = ident.span.start;
            while self.at_symbol(Symbol::Minus) && self.identifier_at(1) {
                self.advance();
                self.advance();
            }
            return Err(Error::user("INVALID_IDENTIFIER")
                .param("ident", self.text_since(start))
                .at(self.span_since(start)));
        }
        Ok(ident)
    }

    /// An identifier that may be a table alias.
    pub(crate) fn strict_name(&mut self) -> Result<Ident> {
        let token = self.peek();
        let word = token.kind == TokenKind::Word && !self.enforces_reserved();
        if word && keyword::is_strict_non_reserved(self.token_text(token)) {
            return self.fail();
        }
        self.name()
    }

    /// `(a, b, …)`
    pub(crate) fn name_list(&mut self) -> Result<Vec<Ident>> {
        self.list(Self::name)
    }

    /// `a.b.c`
    pub(crate) fn name_parts(&mut self) -> Result<Vec<Ident>> {
        let mut parts = self.name_part()?;
        while self.at_symbol(Symbol::Period) {
            self.advance();
            parts.extend(self.name_part()?);
        }
        Ok(parts)
    }

    fn name_part(&mut self) -> Result<Vec<Ident>> {
        if self.at_identifier_literal() {
            return self.identifier_literal();
        }
        Ok(vec![self.name()?])
    }

    /// `catalog.database.table`
    pub(crate) fn object_name(&mut self) -> Result<ObjectName> {
        Ok(ObjectName(self.name_parts()?))
    }

    /// A name or `IDENTIFIER(expr)`.
    pub(crate) fn name_expr(&mut self) -> Result<NameExpr> {
        if self.at("IDENTIFIER") && self.symbol_at(1, Symbol::LeftParen) && !self.at_identifier_literal() {
            self.advance();
            let expr = self.parenthesized(Self::identifier_text)?;
            return Ok(NameExpr::Identifier(Box::new(expr)));
        }
        Ok(NameExpr::Name(self.object_name()?))
    }

    /// `IDENTIFIER('…')` with nothing but strings (and `||`) inside: its value is known here.
    pub(crate) fn at_identifier_literal(&self) -> bool {
        if !self.at("IDENTIFIER") || !self.symbol_at(1, Symbol::LeftParen) {
            return false;
        }
        let mut n = 2;
        while self.peek_at(n).kind == TokenKind::String {
            n += 1;
            if self.symbol_at(n, Symbol::Concat) {
                n += 1;
            }
        }
        n > 2 && self.symbol_at(n, Symbol::RightParen) && !self.symbol_at(n - 1, Symbol::Concat)
    }

    /// Parts of the name that `IDENTIFIER('…')` holds.
    pub(crate) fn identifier_literal(&mut self) -> Result<Vec<Ident>> {
        let start = self.start();
        self.advance();
        self.advance();
        let mut text = String::new();
        while !self.eat_symbol(Symbol::RightParen) {
            if self.at_string() {
                text.push_str(&self.one_string());
            } else {
                self.advance();
            }
        }
        let span = self.span_since(start);
        parse_name_text(&text, self, span)
    }

    fn single_identifier_literal(&mut self) -> Result<Ident> {
        let start = self.start();
        let mut parts = self.identifier_literal()?;
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            last => {
                parts.extend(last);
                Err(Error::user("IDENTIFIER_TOO_MANY_NAME_PARTS")
                    .param("identifier", quoted_name(parts.iter().map(|p| &p.value)))
                    .param("limit", "1")
                    .at(self.span_since(start)))
            }
        }
    }
}

/// Parses the text inside `IDENTIFIER('…')`; its parts all stand at `span`.
fn parse_name_text(text: &str, outer: &Parser<'_>, span: Span) -> Result<Vec<Ident>> {
    if text.trim().is_empty() {
        return Err(Error::user("PARSE_EMPTY_STATEMENT").at(span));
    }
    let mut inner = Parser::new(text, outer.options)?;
    let parts = inner.name_parts().and_then(|parts| inner.expect_end().map(|()| parts));
    match parts {
        Ok(mut parts) => {
            parts.iter_mut().for_each(|p| p.span = span);
            Ok(parts)
        }
        Err(error) => {
            let mut moved = Error::user(error.condition().to_string()).at(span);
            for (name, value) in error.params() {
                moved = moved.param(name.to_string(), value);
            }
            Err(moved)
        }
    }
}
