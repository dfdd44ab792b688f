//! INTERVAL literals.

use rsql_ast::{Expr, ExprKind, IntervalUnit, Literal};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// True when `INTERVAL` is not a name here: a string or a number with a unit follows.
    pub(crate) fn interval_ahead(&self) -> bool {
        let sign = usize::from(self.symbol_at(1, Symbol::Minus) || self.symbol_at(1, Symbol::Plus));
        match self.peek_at(1 + sign).kind {
            TokenKind::String => sign == 0 || self.peek_at(2 + sign).kind == TokenKind::Word,
            TokenKind::Number => self.peek_at(2 + sign).kind == TokenKind::Word,
            _ => false,
        }
    }

    /// `INTERVAL …`
    pub(crate) fn interval(&mut self) -> Result<Literal> {
        let start = self.start();
        self.expect("INTERVAL")?;
        if self.at_string() && self.unit_at(1).is_none() {
            return Ok(Literal::IntervalText(self.string()?));
        }
        let mut units = Vec::new();
        while let Some(value) = self.interval_value(units.is_empty())? {
            let Some(unit) = self.unit_at(0) else {
                return self.fail();
            };
            self.advance();
            if self.at("TO") && self.unit_at(1).is_some() {
                self.advance();
                let to = self.unit_at(0);
                self.advance();
                let mixed = !units.is_empty() || self.interval_value_ahead();
                return match to {
                    Some(to) if !mixed => self.interval_range(value, unit, to, start),
                    _ => Err(Error::user("_LEGACY_ERROR_TEMP_0024").at(self.span_since(start))),
                };
            }
            units.push((value, unit));
        }
        self.check_mixed_units(&units, start)?;
        Ok(Literal::IntervalUnits(units))
    }

    /// Unit keyword of a literal `n` tokens ahead; QUARTER is none.
    fn unit_at(&self, n: usize) -> Option<IntervalUnit> {
        let token = self.peek_at(n);
        if token.kind != TokenKind::Word {
            return None;
        }
        IntervalUnit::parse(self.token_text(token)).filter(|u| *u != IntervalUnit::Quarter)
    }

    /// A value with its unit follows.
    fn interval_value_ahead(&self) -> bool {
        let sign = usize::from(self.at_symbol(Symbol::Minus) || self.at_symbol(Symbol::Plus));
        matches!(self.peek_at(sign).kind, TokenKind::String | TokenKind::Number) && self.unit_at(sign + 1).is_some()
    }

    /// `[+|-] number | string`; after the first pair only when a unit follows.
    fn interval_value(&mut self, first: bool) -> Result<Option<Expr>> {
        if !first && !self.interval_value_ahead() {
            return Ok(None);
        }
        let start = self.start();
        let negative = self.eat_symbol(Symbol::Minus);
        if !negative {
            self.eat_symbol(Symbol::Plus);
        }
        let literal = if self.at_string() {
            let text = self.one_string();
            Literal::String(match (negative, text.strip_prefix('-')) {
                (false, _) => text,
                (true, Some(positive)) => positive.to_string(),
                (true, None) => format!("-{text}"),
            })
        } else {
            if self.peek().kind != TokenKind::Number {
                return self.fail();
            }
            let token = self.advance();
            let text = format!("{}{}", if negative { "-" } else { "" }, self.token_text(token));
            crate::number::literal(&text, false).map_err(|e| e.at(token.span()))?
        };
        Ok(Some(Expr::new(ExprKind::Literal(literal), self.span_since(start))))
    }

    fn interval_range(&self, value: Expr, from: IntervalUnit, to: IntervalUnit, start: u32) -> Result<Literal> {
        use IntervalUnit::{Day, Hour, Minute, Month, Second, Year};
        let ExprKind::Literal(Literal::String(text)) = value.kind else {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0027").at(self.span_since(start)));
        };
        match (from, to) {
            (Year, Month) | (Day, Hour | Minute | Second) | (Hour, Minute | Second) | (Minute, Second) => {
                Ok(Literal::IntervalRange {
                    text,
                    negative: false,
                    from,
                    to,
                })
            }
            _ => Err(Error::user("INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION")
                .param("input", text)
                .param("from", from.name().to_ascii_lowercase())
                .param("to", to.name().to_ascii_lowercase())
                .at(self.span_since(start))),
        }
    }

    /// Months and days cannot stand in one literal.
    fn check_mixed_units(&self, units: &[(Expr, IntervalUnit)], start: u32) -> Result<()> {
        let months = |u: IntervalUnit| matches!(u, IntervalUnit::Year | IntervalUnit::Month);
        let count = units.iter().filter(|(_, u)| months(*u)).count();
        if count != 0 && count != units.len() {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0029")
                .param("literal", self.text_since(start))
                .at(self.span_since(start)));
        }
        Ok(())
    }
}
