//! TABLESAMPLE.

use rsql_ast::relation::{SampleKind, TableSample};
use rsql_ast::{Expr, ExprKind, Literal};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `TABLESAMPLE (…) [REPEATABLE (n)]`, if it follows.
    pub(crate) fn sample(&mut self) -> Result<Option<TableSample>> {
        if !self.at("TABLESAMPLE") || !self.symbol_at(1, Symbol::LeftParen) {
            return Ok(None);
        }
        let start = self.start();
        self.advance();
        self.advance();
        if self.at_symbol(Symbol::RightParen) {
            self.advance();
            return Err(Error::user("_LEGACY_ERROR_TEMP_0014").at(self.span_since(start)));
        }
        let kind = self.sample_kind(start)?;
        self.expect_symbol(Symbol::RightParen)?;
        let seed = if self.eat("REPEATABLE") {
            Some(self.parenthesized(Self::integer)?)
        } else {
            None
        };
        Ok(Some(TableSample { kind, seed }))
    }

    fn sample_kind(&mut self, start: u32) -> Result<SampleKind> {
        if self.at("BUCKET") && self.peek_at(1).kind == TokenKind::Number {
            return self.bucket(start);
        }
        let token = self.peek();
        let amount = self.value()?;
        if self.eat("PERCENT") {
            self.check_percentage(&amount, start)?;
            return Ok(SampleKind::Percent(amount));
        }
        if self.eat("ROWS") {
            return Ok(SampleKind::Rows(amount));
        }
        let text = self.token_text(token);
        let byte_length = text.len() > 1
            && text.ends_with(['b', 'B', 'k', 'K', 'm', 'M', 'g', 'G'])
            && text[..text.len() - 1].bytes().all(|b| b.is_ascii_digit());
        if token.kind == TokenKind::Word && byte_length {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0015")
                .param("msg", "byteLengthLiteral")
                .at(self.span_since(start)));
        }
        match &amount.kind {
            ExprKind::Column(_) => Ok(SampleKind::Bytes(amount)),
            _ => Err(Error::user("_LEGACY_ERROR_TEMP_0016")
                .param("bytesStr", amount.span.text(self.text))
                .at(self.span_since(start))),
        }
    }

    fn check_percentage(&self, amount: &Expr, start: u32) -> Result<()> {
        let value = match &amount.kind {
            ExprKind::Literal(Literal::Int(n)) => f64::from(*n),
            ExprKind::Literal(Literal::Decimal(text)) => text.parse().unwrap_or(f64::NAN),
            _ => return Ok(()),
        };
        self.check_fraction(value / 100.0, start)
    }

    fn check_fraction(&self, fraction: f64, start: u32) -> Result<()> {
        if (-1e-6..=1.0 + 1e-6).contains(&fraction) {
            return Ok(());
        }
        Err(Error::user("INVALID_TABLESAMPLE_FRACTION")
            .param("fraction", format!("{fraction:?}"))
            .at(self.span_since(start)))
    }

    /// `BUCKET x OUT OF y [ON column]`
    fn bucket(&mut self, start: u32) -> Result<SampleKind> {
        self.advance();
        let numerator = self.integer()?;
        self.expect_all(&["OUT", "OF"])?;
        let denominator = self.integer()?;
        if self.eat("ON") {
            let call = self.symbol_at(1, Symbol::LeftParen);
            self.name_parts()?;
            let what = if call {
                "BUCKET x OUT OF y ON function"
            } else {
                "BUCKET x OUT OF y ON colname"
            };
            return Err(Error::user("_LEGACY_ERROR_TEMP_0015")
                .param("msg", what)
                .at(self.span_since(start)));
        }
        self.check_fraction(numerator as f64 / denominator as f64, start)?;
        Ok(SampleKind::Bucket(numerator, denominator))
    }
}
