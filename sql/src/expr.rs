//! Expressions by precedence, lowest first: OR, AND, NOT, one predicate, comparison, `|`, `^`, `&`, shifts,
//! `+ - ||`, `* / % DIV`, sign. Chains are loops, not recursion.

use rsql_ast::expr::{BinaryOp, Quantifier, UnaryOp};
use rsql_ast::{Expr, ExprKind};
use rsql_common::Result;

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

/// Binding strength of comparisons, the weakest among value operators.
const COMPARISON: u8 = 1;

impl Parser<'_> {
    /// A whole expression.
    pub(crate) fn expr(&mut self) -> Result<Expr> {
        self.nested(Self::or_chain)
    }

    /// Expressions separated by commas.
    pub(crate) fn expr_list(&mut self) -> Result<Vec<Expr>> {
        self.comma_separated(Self::expr)
    }

    fn or_chain(&mut self) -> Result<Expr> {
        self.chain("OR", Self::and_chain, ExprKind::Or)
    }

    fn and_chain(&mut self) -> Result<Expr> {
        self.chain("AND", Self::not_expr, ExprKind::And)
    }

    fn chain(
        &mut self,
        keyword: &str,
        mut operand: impl FnMut(&mut Self) -> Result<Expr>,
        make: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr> {
        let start = self.start();
        let first = operand(self)?;
        if !self.at(keyword) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat(keyword) {
            operands.push(operand(self)?);
        }
        Ok(Expr::new(make(operands), self.span_since(start)))
    }

    fn not_expr(&mut self) -> Result<Expr> {
        let start = self.start();
        let negated = (self.at("NOT") && !self.ends_operand(1)) || self.at_symbol(Symbol::Bang);
        if negated {
            self.advance();
            let inner = self.nested(Self::not_expr)?;
            return Ok(Expr::new(ExprKind::Not(Box::new(inner)), self.span_since(start)));
        }
        if self.at("EXISTS") && self.query_in_parens_at(1) {
            self.advance();
            let query = self.parenthesized(Self::query)?;
            return Ok(Expr::new(ExprKind::Exists(Box::new(query)), self.span_since(start)));
        }
        let value = self.value()?;
        self.predicate(value, start)
    }

    /// True when the token `n` ahead cannot start an operand, so that the word before it is a name.
    pub(crate) fn ends_operand(&self, n: usize) -> bool {
        match self.peek_at(n).kind {
            TokenKind::End | TokenKind::HintEnd => true,
            TokenKind::Symbol(symbol) => !matches!(
                symbol,
                Symbol::LeftParen
                    | Symbol::Plus
                    | Symbol::Minus
                    | Symbol::Tilde
                    | Symbol::Bang
                    | Symbol::Star
                    | Symbol::Question
                    | Symbol::Colon
            ),
            _ => false,
        }
    }

    /// An expression without AND, OR, NOT and predicates such as IN and LIKE.
    pub(crate) fn value(&mut self) -> Result<Expr> {
        self.nested(|p| p.binary(COMPARISON))
    }

    fn binary(&mut self, weakest: u8) -> Result<Expr> {
        let start = self.start();
        let mut left = self.unary()?;
        let mut length = 0;
        while let Some((op, strength)) = self.binary_operator() {
            if strength < weakest {
                break;
            }
            length += 1;
            self.check_chain(length)?;
            self.advance();
            if strength == COMPARISON
                && let Some(quantifier) = self.subquery_quantifier()
            {
                let query = self.parenthesized(Self::query)?;
                let kind = ExprKind::QuantifiedSubquery {
                    expr: Box::new(left),
                    op,
                    quantifier,
                    query: Box::new(query),
                };
                left = Expr::new(kind, self.span_since(start));
                continue;
            }
            let right = self.binary(strength + 1)?;
            let kind = ExprKind::Binary {
                op,
                left: Box::new(left),
                right: Box::new(right),
            };
            left = Expr::new(kind, self.span_since(start));
        }
        Ok(left)
    }

    /// `ANY`, `SOME` or `ALL` before a subquery.
    fn subquery_quantifier(&mut self) -> Option<Quantifier> {
        let quantifier = match () {
            () if self.at("ANY") || self.at("SOME") => Quantifier::Any,
            () if self.at("ALL") => Quantifier::All,
            () => return None,
        };
        if !self.query_in_parens_at(1) {
            return None;
        }
        self.advance();
        Some(quantifier)
    }

    fn binary_operator(&self) -> Option<(BinaryOp, u8)> {
        let TokenKind::Symbol(symbol) = self.peek().kind else {
            return (self.at("DIV") && !self.ends_operand(1)).then_some((BinaryOp::IntegralDivide, 7));
        };
        Some(match symbol {
            Symbol::Eq => (BinaryOp::Eq, COMPARISON),
            Symbol::NotEq => (BinaryOp::NotEq, COMPARISON),
            Symbol::Lt => (BinaryOp::Lt, COMPARISON),
            Symbol::LtEq => (BinaryOp::LtEq, COMPARISON),
            Symbol::Gt => (BinaryOp::Gt, COMPARISON),
            Symbol::GtEq => (BinaryOp::GtEq, COMPARISON),
            Symbol::NullSafeEq => (BinaryOp::NullSafeEq, COMPARISON),
            Symbol::Pipe if self.pipe_ahead() => return None,
            Symbol::Pipe => (BinaryOp::BitOr, 2),
            Symbol::Caret => (BinaryOp::BitXor, 3),
            Symbol::Ampersand => (BinaryOp::BitAnd, 4),
            Symbol::ShiftLeft => (BinaryOp::ShiftLeft, 5),
            Symbol::ShiftRight => (BinaryOp::ShiftRight, 5),
            Symbol::ShiftRightUnsigned => (BinaryOp::ShiftRightUnsigned, 5),
            Symbol::Plus => (BinaryOp::Add, 6),
            Symbol::Minus => (BinaryOp::Subtract, 6),
            Symbol::Concat => (BinaryOp::Concat, 6),
            Symbol::Star => (BinaryOp::Multiply, 7),
            Symbol::Slash => (BinaryOp::Divide, 7),
            Symbol::Percent => (BinaryOp::Remainder, 7),
            _ => return None,
        })
    }

    /// A sign or `~` before a value; a minus right before a number belongs to the literal.
    fn unary(&mut self) -> Result<Expr> {
        let op = match self.peek().kind {
            TokenKind::Symbol(Symbol::Minus) if self.peek_at(1).kind != TokenKind::Number => UnaryOp::Minus,
            TokenKind::Symbol(Symbol::Plus) => UnaryOp::Plus,
            TokenKind::Symbol(Symbol::Tilde) => UnaryOp::BitNot,
            _ => return self.primary(),
        };
        let start = self.start();
        self.advance();
        let expr = Box::new(self.nested(Self::unary)?);
        Ok(Expr::new(ExprKind::Unary { op, expr }, self.span_since(start)))
    }
}
