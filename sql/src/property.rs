//! `('key' = 'value', …)` of OPTIONS, TBLPROPERTIES and the like.

use rsql_ast::command::Properties;
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `( key [=] value, … )`
    pub(crate) fn properties(&mut self) -> Result<Properties> {
        self.list(|p| {
            let key = p.property_key()?;
            p.eat_symbol(Symbol::Eq);
            if p.at_symbol(Symbol::Comma) || p.at_symbol(Symbol::RightParen) {
                return Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                    .param("message", format!("A value must be specified for the key: {key}."))
                    .at(p.peek().span()));
            }
            Ok((key, p.property_value()?))
        })
    }

    /// `( key, … )`; values that are given are passed over.
    pub(crate) fn property_keys(&mut self) -> Result<Vec<String>> {
        self.list(Self::property_key)
    }

    /// `a.b.c` or a string.
    pub(crate) fn property_key(&mut self) -> Result<String> {
        if self.at_string() {
            return Ok(self.one_string());
        }
        let parts = self.name_parts()?;
        let texts: Vec<String> = parts.into_iter().map(|p| p.value).collect();
        Ok(texts.join("."))
    }

    /// A string, number or boolean as text; any other constant expression as written.
    fn property_value(&mut self) -> Result<String> {
        let single = self.symbol_at(1, Symbol::Comma) || self.symbol_at(1, Symbol::RightParen);
        if self.at_string() {
            let text = self.one_string();
            if self.at_symbol(Symbol::Comma) || self.at_symbol(Symbol::RightParen) {
                return Ok(text);
            }
            return self.fail();
        }
        let token = self.peek();
        if single && token.kind == TokenKind::Word && (self.at("TRUE") || self.at("FALSE")) {
            self.advance();
            return Ok(self.token_text(token).to_ascii_lowercase());
        }
        let start = self.start();
        self.expr()?;
        Ok(self.text_since(start).to_string())
    }
}
