//! Operands: constants, columns, parentheses, and what binds tightest behind them (`::`, `.`, `[]`, `:`, COLLATE).

use rsql_ast::expr::{CastKind, FunctionArg};
use rsql_ast::{Expr, ExprKind, Ident, Literal};
use rsql_common::{Error, Result};

use crate::number;
use crate::parser::Parser;
use crate::string_literal;
use crate::token::{Symbol, TokenKind};

/// Types that may stand before a string: `DATE '2024-01-01'`.
const LITERAL_TYPES: [&str; 7] = [
    "DATE",
    "TIMESTAMP_NTZ",
    "TIMESTAMP_LTZ",
    "TIMESTAMP",
    "INTERVAL",
    "X",
    "TIME",
];

impl Parser<'_> {
    pub(crate) fn primary(&mut self) -> Result<Expr> {
        let start = self.start();
        let first = self.operand()?;
        self.postfix(first, start)
    }

    fn operand(&mut self) -> Result<Expr> {
        let token = self.peek();
        let start = token.start;
        let kind = match token.kind {
            TokenKind::Number | TokenKind::Symbol(Symbol::Minus) => ExprKind::Literal(self.number()?),
            TokenKind::String => ExprKind::Literal(Literal::String(self.string()?)),
            TokenKind::Symbol(Symbol::Question) => {
                self.advance();
                self.parameters += 1;
                ExprKind::PositionalParameter(self.parameters - 1)
            }
            TokenKind::Symbol(Symbol::Colon) => {
                self.advance();
                let name = self.advance();
                if !matches!(name.kind, TokenKind::Word | TokenKind::Quoted) {
                    return self.fail();
                }
                ExprKind::NamedParameter(self.to_ident(name).value)
            }
            TokenKind::Symbol(Symbol::Star) => {
                self.advance();
                self.star(Vec::new())?
            }
            TokenKind::Symbol(Symbol::LeftParen) => return self.in_parentheses(),
            TokenKind::Quoted => return self.column_or_call(),
            TokenKind::Word => return self.word(),
            _ => return Err(self.expected("an expression")),
        };
        Ok(Expr::new(kind, self.span_since(start)))
    }

    /// A number with the minus that may stand before it.
    pub(crate) fn number(&mut self) -> Result<Literal> {
        let start = self.start();
        let sign = if self.eat_symbol(Symbol::Minus) { "-" } else { "" };
        if self.peek().kind != TokenKind::Number {
            return self.fail();
        }
        let token = self.advance();
        let text = format!("{sign}{}", self.token_text(token));
        number::literal(&text, self.options.exponent_as_decimal).map_err(|e| e.at(self.span_since(start)))
    }

    /// A string; neighbours are joined.
    pub(crate) fn string(&mut self) -> Result<String> {
        if !self.at_string() {
            return Err(self.expected("a string"));
        }
        let mut text = self.one_string();
        while self.at_string() {
            text.push_str(&self.one_string());
        }
        Ok(text)
    }

    /// The value of the current token, which is a string.
    pub(crate) fn one_string(&mut self) -> String {
        let token = self.advance();
        let options = &self.options;
        string_literal::value(
            self.token_text(token),
            options.escaped_string_literals,
            options.consecutive_string_literals,
        )
    }

    /// What follows a `*`: `EXCEPT (a, b.c)`.
    pub(crate) fn star(&mut self, qualifier: Vec<Ident>) -> Result<ExprKind> {
        let mut except = Vec::new();
        if self.at("EXCEPT") && self.symbol_at(1, Symbol::LeftParen) && !self.query_in_parens_at(1) {
            self.advance();
            except = self.list(Self::name_parts)?;
        }
        Ok(ExprKind::Star { qualifier, except })
    }

    /// A subquery, a lambda's parameters, a row, or one expression.
    fn in_parentheses(&mut self) -> Result<Expr> {
        let start = self.start();
        if self.query_in_parens_at(0) {
            let query = Box::new(self.nested(|p| p.parenthesized(Self::query))?);
            return Ok(Expr::new(ExprKind::ScalarSubquery(query), self.span_since(start)));
        }
        if self.symbol_at(self.closing_of(0) + 1, Symbol::Arrow) {
            let params = self.list(Self::ident)?;
            return self.lambda(params, start);
        }
        self.advance();
        let first_start = self.start();
        let first = self.named_expr()?;
        if self.at_symbol(Symbol::Comma) {
            let mut members = vec![first];
            while self.eat_symbol(Symbol::Comma) {
                members.push(self.named_expr()?);
            }
            self.expect_symbol(Symbol::RightParen)?;
            return Ok(Expr::new(ExprKind::Row(members), self.span_since(start)));
        }
        if let ExprKind::Alias { .. } = first.kind
            && first.span.start == first_start
        {
            return self.fail();
        }
        self.expect_symbol(Symbol::RightParen)?;
        Ok(first)
    }

    /// `-> body`
    fn lambda(&mut self, params: Vec<Ident>, start: u32) -> Result<Expr> {
        self.expect_symbol(Symbol::Arrow)?;
        let body = Box::new(self.expr()?);
        Ok(Expr::new(ExprKind::Lambda { params, body }, self.span_since(start)))
    }

    /// An operand that starts with an unquoted word.
    fn word(&mut self) -> Result<Expr> {
        let token = self.peek();
        let start = token.start;
        let next = self.peek_at(1);
        if next.kind == TokenKind::Symbol(Symbol::Period) {
            return self.column_or_call();
        }
        let upper = self.token_text(token).to_ascii_uppercase();
        if next.kind == TokenKind::String && upper != "INTERVAL" && upper != "CASE" {
            return self.typed_literal(&upper);
        }
        let kind = match upper.as_str() {
            "NULL" => self.constant(Literal::Null),
            "TRUE" => self.constant(Literal::Boolean(true)),
            "FALSE" => self.constant(Literal::Boolean(false)),
            "INTERVAL" if self.interval_ahead() => ExprKind::Literal(self.interval()?),
            "CASE" if !self.ends_operand(1) => self.case()?,
            "DEFAULT" if self.ends_operand(1) => {
                self.advance();
                ExprKind::Default
            }
            "IDENTIFIER" if next.kind == TokenKind::Symbol(Symbol::LeftParen) && !self.at_identifier_literal() => {
                self.advance();
                let expr = self.parenthesized(Self::identifier_text)?;
                if self.at_symbol(Symbol::LeftParen) {
                    return Err(Error::unsupported("IDENTIFIER(expr) as a function name").at(self.span_since(start)));
                }
                ExprKind::Identifier(Box::new(expr))
            }
            "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "CURRENT_TIME" | "CURRENT_USER" | "SESSION_USER" | "USER"
                if next.kind != TokenKind::Symbol(Symbol::LeftParen)
                    && next.kind != TokenKind::Symbol(Symbol::Arrow) =>
            {
                self.bare_call()
            }
            _ => match self.special_form(&upper)? {
                Some(kind) => kind,
                None => return self.column_or_call(),
            },
        };
        Ok(Expr::new(kind, self.span_since(start)))
    }

    fn constant(&mut self, literal: Literal) -> ExprKind {
        self.advance();
        ExprKind::Literal(literal)
    }

    /// The text inside `IDENTIFIER( … )`: an expression; strings and parameters side by side are joined.
    pub(crate) fn identifier_text(&mut self) -> Result<Expr> {
        let start = self.start();
        let mut expr = self.expr()?;
        while self.at_string() || self.at_symbol(Symbol::Colon) {
            let right = self.operand()?;
            expr = Expr::binary(rsql_ast::expr::BinaryOp::Concat, expr, right);
            expr.span = self.span_since(start);
        }
        Ok(expr)
    }

    /// `DATE '…'`, `X'…'` and the like.
    fn typed_literal(&mut self, type_name: &str) -> Result<Expr> {
        let start = self.start();
        self.advance();
        let text = self.one_string();
        let span = self.span_since(start);
        let literal = match type_name {
            "X" => Literal::Binary(hex_bytes(&text).ok_or_else(|| {
                Error::user("INVALID_TYPED_LITERAL")
                    .param("valueType", "\"X\"")
                    .param("value", format!("'{text}'"))
                    .at(span)
            })?),
            _ if LITERAL_TYPES.contains(&type_name) => Literal::Typed {
                type_name: type_name.to_string(),
                text,
            },
            _ => {
                let supported: Vec<String> = LITERAL_TYPES.iter().map(|t| format!("\"{t}\"")).collect();
                return Err(Error::user("UNSUPPORTED_TYPED_LITERAL")
                    .param("unsupportedType", format!("\"{type_name}\""))
                    .param("supportedTypes", supported.join(", "))
                    .at(span));
            }
        };
        Ok(Expr::new(ExprKind::Literal(literal), span))
    }

    /// A lambda of one parameter, a call, a star, or a column.
    fn column_or_call(&mut self) -> Result<Expr> {
        let start = self.start();
        if self.identifier_at(0) && self.symbol_at(1, Symbol::Arrow) {
            let param = self.ident()?;
            return self.lambda(vec![param], start);
        }
        let mut parts = self.column_part(true)?;
        while self.at_symbol(Symbol::Period) {
            self.advance();
            if self.eat_symbol(Symbol::Star) {
                let kind = self.star(parts)?;
                return Ok(Expr::new(kind, self.span_since(start)));
            }
            parts.extend(self.column_part(false)?);
        }
        let kind = if self.at_symbol(Symbol::LeftParen) {
            self.call(parts, start)?
        } else {
            ExprKind::Column(parts)
        };
        Ok(Expr::new(kind, self.span_since(start)))
    }

    fn column_part(&mut self, first: bool) -> Result<Vec<Ident>> {
        if self.at_identifier_literal() {
            return self.identifier_literal();
        }
        let function_word = first && self.symbol_at(1, Symbol::LeftParen) && self.at_any(&["LEFT", "RIGHT", "FILTER"]);
        if function_word {
            let token = self.advance();
            return Ok(vec![self.to_ident(token)]);
        }
        Ok(vec![self.ident()?])
    }

    fn postfix(&mut self, first: Expr, start: u32) -> Result<Expr> {
        let mut expr = first;
        let mut length = 0;
        loop {
            let inner = Box::new(expr);
            let kind = match self.peek().kind {
                TokenKind::Symbol(Symbol::DoubleColon) => {
                    self.advance();
                    ExprKind::Cast {
                        kind: CastKind::DoubleColon,
                        expr: inner,
                        ty: self.data_type()?,
                    }
                }
                TokenKind::Symbol(Symbol::LeftBracket) => {
                    self.advance();
                    let index = Box::new(self.value()?);
                    self.expect_symbol(Symbol::RightBracket)?;
                    ExprKind::Subscript { expr: inner, index }
                }
                TokenKind::Symbol(Symbol::Period) => {
                    self.advance();
                    ExprKind::Field {
                        expr: inner,
                        name: self.ident()?,
                    }
                }
                TokenKind::Symbol(Symbol::Colon) if self.path_ahead(&inner) => {
                    self.advance();
                    ExprKind::Path {
                        expr: inner,
                        path: self.path()?,
                    }
                }
                TokenKind::Word if self.at("COLLATE") && self.identifier_at(1) => {
                    self.advance();
                    ExprKind::Collate {
                        expr: inner,
                        collation: self.object_name()?,
                    }
                }
                _ => return Ok(*inner),
            };
            length += 1;
            self.check_chain(length)?;
            expr = Expr::new(kind, self.span_since(start));
        }
    }

    fn path_ahead(&self, base: &Expr) -> bool {
        let extractable = matches!(
            base.kind,
            ExprKind::Column(_)
                | ExprKind::Field { .. }
                | ExprKind::Subscript { .. }
                | ExprKind::Function(_)
                | ExprKind::Cast { .. }
                | ExprKind::Path { .. }
                | ExprKind::NamedParameter(_)
                | ExprKind::PositionalParameter(_)
                | ExprKind::Literal(Literal::Null)
        );
        extractable && (self.identifier_at(1) || self.symbol_at(1, Symbol::LeftBracket))
    }

    /// The text of a semi-structured path: `a.b[0]['c']`.
    fn path(&mut self) -> Result<String> {
        let start = self.start();
        if !self.at_symbol(Symbol::LeftBracket) {
            self.ident()?;
        }
        loop {
            if self.eat_symbol(Symbol::Period) {
                self.ident()?;
            } else if self.eat_symbol(Symbol::LeftBracket) {
                if !self.at_string() && self.peek().kind != TokenKind::Number && !self.at_symbol(Symbol::Star) {
                    return self.fail();
                }
                self.advance();
                self.expect_symbol(Symbol::RightBracket)?;
            } else {
                return Ok(self.text_since(start).to_string());
            }
        }
    }

    /// An expression that may carry one alias, or several in parentheses: `e`, `e a`, `e AS a`, `e AS (a, b)`.
    pub(crate) fn named_expr(&mut self) -> Result<Expr> {
        let start = self.start();
        let expr = self.expr()?;
        let names = if self.eat("AS") {
            if self.at_symbol(Symbol::LeftParen) {
                self.name_list()?
            } else {
                vec![self.name()?]
            }
        } else if self.implicit_alias_ahead() {
            vec![self.name()?]
        } else if self.at_symbol(Symbol::LeftParen) && self.identifier_at(1) {
            self.name_list()?
        } else {
            return Ok(expr);
        };
        let kind = ExprKind::Alias {
            expr: Box::new(expr),
            names,
        };
        Ok(Expr::new(kind, self.span_since(start)))
    }

    /// An argument by position.
    pub(crate) fn positional(&mut self) -> Result<FunctionArg> {
        Ok(FunctionArg::positional(self.expr()?))
    }
}

/// Bytes of hexadecimal digits; a missing first digit is zero.
fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let padded = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_string()
    };
    (0..padded.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&padded[i..i + 2], 16).ok())
        .collect()
}
