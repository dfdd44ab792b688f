//! `/*+ … */`

use rsql_ast::query::Hint;
use rsql_common::Result;

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `/*+ NAME, NAME(args) NAME … */`
    pub(crate) fn hint(&mut self) -> Result<Vec<Hint>> {
        self.advance();
        let mut hints = Vec::new();
        loop {
            if !self.identifier_at(0) {
                return self.fail();
            }
            let token = self.advance();
            let name = self.to_ident(token);
            let args = if self.at_symbol(Symbol::LeftParen) {
                self.list(Self::primary)?
            } else {
                Vec::new()
            };
            hints.push(Hint { name, args });
            if self.peek().kind == TokenKind::HintEnd {
                self.advance();
                return Ok(hints);
            }
            self.eat_symbol(Symbol::Comma);
        }
    }
}
