//! What may follow a value once: BETWEEN, IN, LIKE, IS.

use rsql_ast::expr::{LikeKind, Quantifier};
use rsql_ast::{Expr, ExprKind};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// Wraps `value` into the predicate that follows it, if one does.
    pub(crate) fn predicate(&mut self, value: Expr, start: u32) -> Result<Expr> {
        let expr = Box::new(value);
        let kind = if self.at("IS") {
            self.advance();
            self.is_predicate(expr)?
        } else {
            let not_ahead = usize::from(self.at("NOT") || self.at_symbol(Symbol::Bang));
            const STARTS: [&str; 6] = ["BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP"];
            if !STARTS.iter().any(|k| self.at_n(not_ahead, k)) || (not_ahead == 0 && self.ends_operand(1)) {
                return Ok(*expr);
            }
            let negated = self.eat_not();
            match () {
                () if self.eat("BETWEEN") => self.between(expr, negated)?,
                () if self.eat("IN") => self.in_predicate(expr, negated)?,
                () if self.eat("LIKE") => self.like(LikeKind::Like, expr, negated)?,
                () if self.eat("ILIKE") => self.like(LikeKind::ILike, expr, negated)?,
                () => {
                    self.advance();
                    ExprKind::Like {
                        kind: LikeKind::RLike,
                        expr,
                        pattern: Box::new(self.value()?),
                        escape: None,
                        negated,
                    }
                }
            }
        };
        Ok(Expr::new(kind, self.span_since(start)))
    }

    fn is_predicate(&mut self, expr: Box<Expr>) -> Result<ExprKind> {
        let negated = self.eat_not();
        Ok(match () {
            () if self.eat("NULL") => ExprKind::IsNull { expr, negated },
            () if self.eat_all(&["DISTINCT", "FROM"]) => ExprKind::IsDistinctFrom {
                left: expr,
                right: Box::new(self.value()?),
                negated,
            },
            () => {
                let value = match () {
                    () if self.eat("TRUE") => Some(true),
                    () if self.eat("FALSE") => Some(false),
                    () if self.eat("UNKNOWN") => None,
                    () => return self.fail(),
                };
                ExprKind::IsBoolean { expr, value, negated }
            }
        })
    }

    fn between(&mut self, expr: Box<Expr>, negated: bool) -> Result<ExprKind> {
        let low = Box::new(self.value()?);
        self.expect("AND")?;
        let high = Box::new(self.value()?);
        Ok(ExprKind::Between {
            expr,
            low,
            high,
            negated,
        })
    }

    fn in_predicate(&mut self, expr: Box<Expr>, negated: bool) -> Result<ExprKind> {
        let scalar_in_list = self.symbol_at(1, Symbol::LeftParen) && self.closing_of(1) + 1 == self.closing_of(0);
        if self.query_in_parens_at(0) && !scalar_in_list {
            let query = Box::new(self.parenthesized(Self::query)?);
            return Ok(ExprKind::InSubquery { expr, query, negated });
        }
        let start = self.start();
        if self.at_symbol(Symbol::LeftParen) && self.symbol_at(1, Symbol::RightParen) {
            self.advance();
            self.advance();
            return Err(Error::user("INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE").at(self.span_since(start)));
        }
        let list = self.list(Self::expr)?;
        Ok(ExprKind::InList { expr, list, negated })
    }

    fn like(&mut self, kind: LikeKind, expr: Box<Expr>, negated: bool) -> Result<ExprKind> {
        let quantifier = match () {
            () if !self.symbol_at(1, Symbol::LeftParen) => None,
            () if self.at("ANY") || self.at("SOME") => Some(Quantifier::Any),
            () if self.at("ALL") => Some(Quantifier::All),
            () => None,
        };
        if let Some(quantifier) = quantifier {
            let start = self.start();
            self.advance();
            if self.symbol_at(1, Symbol::RightParen) {
                self.advance();
                self.advance();
                return Err(Error::user("INVALID_SQL_SYNTAX.EMPTY_QUANTIFIED_PATTERN").at(self.span_since(start)));
            }
            return Ok(ExprKind::LikeQuantified {
                kind,
                expr,
                quantifier,
                patterns: self.list(Self::expr)?,
                negated,
            });
        }
        let pattern = Box::new(self.value()?);
        let escape = if self.eat("ESCAPE") {
            Some(Box::new(self.escape_character()?))
        } else {
            None
        };
        Ok(ExprKind::Like {
            kind,
            expr,
            pattern,
            escape,
            negated,
        })
    }

    fn escape_character(&mut self) -> Result<Expr> {
        let start = self.start();
        let text = self.string()?;
        if text.chars().count() != 1 {
            return Err(Error::user("INVALID_ESC")
                .param("invalidEscape", format!("'{text}'"))
                .at(self.span_since(start)));
        }
        let literal = rsql_ast::Literal::String(text);
        Ok(Expr::new(ExprKind::Literal(literal), self.span_since(start)))
    }
}
